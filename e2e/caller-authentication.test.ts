/**
 * The API server proves by a client certificate that it is one, as the example in deploy/ says; whoever else reaches the
 * port gets 401.
 */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CertificateAuthority } from '../src/certificates/issue.ts';
import { probe } from '../src/cli/probe.ts';
import { type Caller, issueCaller } from '../test/server/issued-caller.ts';
import { issuePair } from '../test/server/issued-pair.ts';
import { openApi } from './api-client.ts';
import { RELEASE_NAMESPACE } from './chart.ts';
import { type Replicas, startReplicas } from './replicas.ts';
import { OWNS_CONTROL_PLANE, pod, startTestCluster, type TestCluster, tokenSecret } from './test-cluster.ts';
import { readBundle } from './watch-calls.ts';

const EXAMPLE = join(import.meta.dirname, '..', 'deploy', 'caller-authentication');
const NAME = 'kube-apiserver';

let cluster: TestCluster;
let replicas: Replicas;
let authority: CertificateAuthority;
let folder = '';
let namespace = '';

beforeAll(async () => {
  cluster = await startTestCluster();
  folder = await mkdtemp(join(tmpdir(), 'curfew-callers-'));
  ({ ca: authority } = await issuePair(Date.now()));
  await writeFile(join(folder, 'ca.crt'), authority.cert);
  const configuration = {
    apiVersion: 'curfew.dev/v1alpha1',
    kind: 'CurfewConfiguration',
    server: { drainSeconds: 0 },
    callerAuthentication: { caFile: join(folder, 'ca.crt'), names: [NAME] },
  };
  await writeFile(join(folder, 'configuration.yaml'), JSON.stringify(configuration));
  replicas = await startReplicas(cluster, { count: 1, args: ['--config', join(folder, 'configuration.yaml')] });
  // Before the entries count: it would be refused, and the next test is that.
  namespace = await cluster.createNamespace();
});
afterAll(async () => {
  await replicas.stop();
  await cluster.controlPlane.stop();
  await rm(folder, { recursive: true });
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(replicas.lastLines(25));
});

describe('An API server without a certificate', () => {
  it('is told why, and its entries do as their failure policy says', async () => {
    const { code, stderr } = await cluster.kubectl.apply(pod('web'), ['-n', namespace]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'failed calling webhook "pods.curfew.dev": failed to call webhook: CURFEW_E_CALLER: the caller has not shown the certificate of an API server',
    );
    expect(await readRefusals()).toEqual({ no_certificate: expect.any(Number) });
  });
});

describe.runIf(OWNS_CONTROL_PLANE)('An API server with the certificate that the example in deploy/ gives it', () => {
  beforeAll(async () => {
    const { cert, key } = await issueCaller({ ca: authority, names: [NAME] });
    await writeFile(join(folder, 'curfew-caller.crt'), cert);
    await writeFile(join(folder, 'curfew-caller.key'), key);
    for (const file of ['admission-configuration.yaml', 'webhooks.kubeconfig']) {
      const text = await readFile(join(EXAMPLE, file), 'utf8');
      const here = text.replaceAll('/etc/kubernetes/admission', folder);
      await writeFile(join(folder, file), here.replace('name: curfew.curfew-system.svc', `name: ${replicas.address}`));
    }
    const flag = `--admission-control-config-file=${join(folder, 'admission-configuration.yaml')}`;
    await cluster.controlPlane.restartApiServer([flag]);
  });

  it('is answered: a pod is created, a token Secret denied', async () => {
    const before = await readRefusals();
    await cluster.must(['apply', '-n', namespace, '-f', '-'], pod('web'));
    const { stderr } = await cluster.kubectl.apply(tokenSecret('ci-token', 'web'), ['-n', namespace]);
    expect(stderr).toContain('long-lived-token-secret at /type');
    expect(await readRefusals()).toEqual(before);
  });

  it.each<[string, string, () => Promise<Caller | undefined>]>([
    ['without a certificate', 'no_certificate', async () => undefined],
    [
      'with one of another CA',
      'untrusted',
      async () => await issueCaller({ ...(await issuePair(Date.now())), names: [NAME] }),
    ],
    ['with another name', 'name', async () => await issueCaller({ ca: authority, names: ['system:node:one'] })],
  ])('is told from a stranger %s, who gets 401 and is counted', async (_what, reason, make) => {
    const before = await readRefusals();
    const { status, text } = await call(await make());
    expect({ status, message: valueOf(text, 'message') }).toEqual({
      status: 401,
      message: 'CURFEW_E_CALLER: the caller has not shown the certificate of an API server',
    });
    expect(await readRefusals()).toEqual({ ...before, [reason]: (before[reason] ?? 0) + 1 });
  });

  it('does not keep `curfew probe` from its work', async () => {
    const options = {
      webhooks: 'curfew',
      address: replicas.address,
      servingName: '127.0.0.1',
      namespace: RELEASE_NAMESPACE,
      kubeconfig: cluster.kubeconfig,
      timeoutSeconds: 5,
    };
    const signal = new AbortController().signal;
    expect(await probe(options, signal)).toContain(
      `Service 127.0.0.1 at ${replicas.address}: answers over TLS, and refuses this caller, which has no client certificate`,
    );
    const pair = {
      clientCertificate: join(folder, 'curfew-caller.crt'),
      clientKey: join(folder, 'curfew-caller.key'),
    };
    expect(await probe({ ...options, ...pair }, signal)).toContain('answers a review over TLS');
  });
});

/** By reason. */
async function readRefusals(): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`${replicas.all[0]?.operationsUrl}/metrics`)).text();
  const pattern = /^curfew_unauthenticated_calls_total\{reason="(\w+)",decision="refuse"\} (\d+)$/gm;
  return Object.fromEntries([...text.matchAll(pattern)].map(([, reason = '', count]) => [reason, Number(count)]));
}

/** As somebody with curl would, who has the published bundle. */
async function call(caller: Caller | undefined): Promise<{ readonly status: number; readonly text: string }> {
  const api = await openApi(cluster);
  const ca = await readBundle(api);
  api.close();
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly status: number; readonly text: string }>();
  const headers = { 'content-type': 'application/json' };
  const url = `https://${replicas.address}/validate/pods`;
  const sent = request(url, { method: 'POST', ca, agent: false, headers, ...caller }, (response) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
  });
  sent.on('error', reject);
  sent.end('{}');
  return await promise;
}

function valueOf(json: string, key: string): unknown {
  return Reflect.get(Object(JSON.parse(json)), key);
}
