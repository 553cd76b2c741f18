import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { ProgramResult } from '../scripts/run-program.ts';
import { asString, type JsonObject, member, valueAt } from '../src/objects/json.ts';
import { decodeJwtClaims } from '../src/objects/jwt.ts';
import { runWith } from '../test/unit/cli/run-command.ts';
import { readFailedOpen } from './api-server-metrics.ts';
import { readBearer } from './bearer.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';
import { HAS_AUDIT_LOG, OWNS_CONTROL_PLANE, pod } from './test-cluster.ts';

const WEBHOOK = 'token-requests.curfew.dev';
const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;

/** Without warnings, so that standard error says what is refused and nothing else. */
const suite = setUpSuite({ levels: { warn: 'baseline' } });

describe('kubectl create token', () => {
  it('gives a token within the limit, and says nothing', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stdout, stderr } = await createToken(namespace, ['--duration', '24h']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await readBearer(suite.cluster, stdout.trim())).toBe(`system:serviceaccount:${namespace}:web`);
  });

  it('is refused beyond it, in words that say what to do', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stdout, stderr } = await createToken(namespace, ['--duration', '48h', '--audience', 'vault']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.replaceAll(namespace, 'NAMESPACE')).toMatchInlineSnapshot(`
      "error: failed to create token: admission webhook "token-requests.curfew.dev" denied the request: 
      TokenRequest for service account NAMESPACE/web: 1 problem

        token-request-lifetime at /spec/expirationSeconds
          expirationSeconds: 172800 (48h) is more than the limit, 86400 (24h).
          Fix: set expirationSeconds to 86400 or less: kubectl create token web --namespace NAMESPACE --duration 24h --audience vault
          More: curfew explain token-request-lifetime
      "
    `);
  });

  it('at restricted wants an audience, an hour or an object, each with a fix of its own', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    const { code, stderr } = await createToken(namespace, ['--duration', '2h']);
    expect(code).toBe(1);
    expect(stderr.replaceAll(namespace, 'NAMESPACE')).toMatchInlineSnapshot(`
      "error: failed to create token: admission webhook "token-requests.curfew.dev" denied the request: 
      TokenRequest for service account NAMESPACE/web: 3 problems

        token-request-lifetime at /spec/expirationSeconds
          expirationSeconds: 7200 (2h) is more than the limit, 3600 (1h).
          Fix: set expirationSeconds to 3600 or less: kubectl create token web --namespace NAMESPACE --duration 1h
          More: curfew explain token-request-lifetime

        token-request-audience at /spec/audiences
          the token is for the Kubernetes API ("https://kubernetes.default.svc"), as every token without an audience is, and nothing says why service account NAMESPACE/web needs it.
          Fix: if it calls the Kubernetes API, say why in the annotations of service account NAMESPACE/web: curfew.dev/api-access: "<why>"; if not, name the service that the token is for: kubectl create token web --namespace NAMESPACE --duration 1h --audience AUDIENCE
          More: curfew explain token-request-audience

        token-request-binding at /spec/boundObjectRef
          boundObjectRef is not set, so only deleting service account NAMESPACE/web revokes the token, and expirationSeconds: 7200 (2h) is more than the 3600 (1h) that such a token may live.
          Fix: bind it to an object that is deleted when the token is no longer needed, with --bound-object-kind Pod --bound-object-name POD; or ask for a shorter one: kubectl create token web --namespace NAMESPACE --duration 1h
          More: curfew explain token-request-binding
      "
    `);
    expect(await createToken(namespace, ['--audience', 'vault'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('at restricted gives a token for the Kubernetes API to an account that says why', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    expect(await createToken(namespace)).toMatchObject({ code: 1 });
    await suite.cluster.must([
      ...['annotate', 'serviceaccount', 'web', '-n', namespace],
      'curfew.dev/api-access=deploys shop',
    ]);
    await waitUntil('the index knows the annotation', async () => (await createToken(namespace)).code === 0);
  });

  it('is judged for a user who belongs to no group but that of everybody', async () => {
    // The API server puts every user into system:authenticated, so a user without any group cannot be made here; the
    // match condition is guarded for one all the same.
    const namespace = await suite.cluster.createNamespace();
    await suite.cluster.must(['create', '-n', namespace, '-f', '-'], {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'Role',
          metadata: { name: 'token' },
          rules: [{ apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: ['web'], verbs: ['create'] }],
        },
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata: { name: 'token' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'token' },
          subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }],
        },
      ],
    });
    await waitUntil(
      'jane may ask for a token',
      async () => (await createToken(namespace, ['--duration', '1h', '--as=jane'])).code === 0,
    );
    const { stderr } = await createToken(namespace, ['--duration', '48h', '--as=jane']);
    expect(stderr).toContain('token-request-lifetime at /spec/expirationSeconds');
  });
});

describe('A dry run', () => {
  it('is given a token that works, which is why it is judged', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stdout } = await postRequest(namespace, { expirationSeconds: 3600 }, { query: '?dryRun=All' });
    expect(code).toBe(0);
    const token = asString(valueAt(JSON.parse(stdout), ['status', 'token'])) ?? '';
    expect(await readBearer(suite.cluster, token)).toBe(`system:serviceaccount:${namespace}:web`);
  });

  it('is refused beyond the limit', async () => {
    const namespace = await suite.cluster.createNamespace();
    const answer = await postRequest(namespace, { expirationSeconds: 172_800 }, { query: '?dryRun=All' });
    expect(answer).toMatchObject({ code: 1, stdout: '' });
    expect(answer.stderr).toContain('token-request-lifetime at /spec/expirationSeconds');
  });
});

describe('A token for a year', () => {
  it('is refused to a person who asks for it as a kubelet does, and given to the kubelet', async () => {
    const namespace = await suite.cluster.createNamespace();
    const nodeName = `node-${namespace}`;
    await suite.cluster.must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } });
    await suite.cluster.must(['create', '-n', namespace, '-f', '-'], pod('web', { nodeName }));
    const uid = await suite.cluster.must(['get', 'pod', 'web', '-n', namespace, '-o', 'jsonpath={.metadata.uid}']);
    const spec = { expirationSeconds: 3607, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web', uid } };

    const { code, stderr } = await postRequest(namespace, spec);
    expect(code).toBe(1);
    expect(stderr.replaceAll(namespace, 'NAMESPACE')).toMatchInlineSnapshot(`
      "Error from server (Forbidden): admission webhook "token-requests.curfew.dev" denied the request: 
      TokenRequest for service account NAMESPACE/web: 1 problem

        token-request-lifetime at /spec/expirationSeconds
          expirationSeconds: 3607 of a token that is bound to a pod and is for the Kubernetes API makes the API server issue one that is valid for a year; the limit is 86400 (24h), and any other value is kept as it is.
          Fix: set expirationSeconds to 3600: kubectl create token web --namespace NAMESPACE --duration 1h --bound-object-kind Pod --bound-object-name web
          More: curfew explain token-request-lifetime
      "
    `);

    const before = await reviews();
    const as = { user: `system:node:${nodeName}`, groups: ['system:nodes'] };
    let token = '';
    await waitUntil('the Node authorizer knows the pod', async () => {
      const answer = await postRequest(namespace, spec, { as });
      if (answer.code === 0) token = asString(valueAt(JSON.parse(answer.stdout), ['status', 'token'])) ?? '';
      return answer.code === 0;
    });
    const claims = decodeJwtClaims(token);
    expect(Number(member(claims, 'exp')) - Number(member(claims, 'iat'))).toBe(31_536_000);
    expect(await reviews()).toBe(before);
    await suite.cluster.must(['delete', 'node', nodeName]);
  });
});

describe('Requests that never reach Curfew', () => {
  it.each(['kube-system', 'curfew-system'])('are those for accounts of %s', async (namespace) => {
    const before = await reviews();
    await suite.cluster.kubectl.run(['create', 'serviceaccount', 'web', '-n', namespace]);
    expect(await createToken(namespace, ['--duration', '48h'])).toMatchObject({ code: 0, stderr: '' });
    expect(await reviews()).toBe(before);
  });

  it.runIf(OWNS_CONTROL_PLANE)('are those of kube-controller-manager, whose controllers ask for one each', async () => {
    const before = { reviews: await reviews(), asked: await countAskedByManager() };
    await suite.cluster.controlPlane.restartControllerManager();
    await waitUntil('its controllers have their tokens', async () => (await countAskedByManager()) > before.asked + 2);
    expect(await reviews()).toBe(before.reviews);
  });

  it('and others do: with the null that stands for no bound object too', async () => {
    const namespace = await suite.cluster.createNamespace();
    const before = await reviews();
    const spec = { expirationSeconds: 3600, audiences: null, boundObjectRef: null };
    expect(await postRequest(namespace, spec)).toMatchObject({ code: 0 });
    expect(await reviews()).toBe(before + 1);
  });
});

it.runIf(HAS_AUDIT_LOG)('has the refusal in the API server’s audit log', async () => {
  const namespace = await suite.cluster.createNamespace();
  await createToken(namespace, ['--duration', '48h']);
  const events = await suite.cluster.controlPlane.auditEvents();
  const refused = events.find(
    (event) =>
      valueAt(event, ['objectRef', 'namespace']) === namespace &&
      valueAt(event, ['objectRef', 'subresource']) === 'token',
  );
  expect(member(refused, 'annotations')).toMatchObject({
    [`${WEBHOOK}/deny`]: 'token-request-lifetime at /spec/expirationSeconds: a token that lives too long',
  });
  expect(valueAt(refused, ['responseStatus', 'code'])).toBe(403);
});

it('has no token in its log, and a line of every refusal', async () => {
  const log = await readFile(suite.curfew.logFile, 'utf8');
  expect(log).toContain('"rules":["token-request-lifetime"');
  expect(JWT.test(log)).toBe(false);
});

it('holds nobody up when it is down: the API server counts that it went past', async () => {
  const namespace = await suite.cluster.createNamespace();
  const before = await readFailedOpen(suite.cluster, WEBHOOK);
  await suite.curfew.stopProcess();
  expect(await createToken(namespace, ['--duration', '48h'])).toMatchObject({ code: 0, stderr: '' });
  expect(await readFailedOpen(suite.cluster, WEBHOOK)).toBeGreaterThan(before);
});

/** `kubectl create token web`, as an administrator. */
async function createToken(namespace: string, args: readonly string[] = []): Promise<ProgramResult> {
  return await suite.cluster.kubectl.run(['create', 'token', 'web', '--namespace', namespace, ...args]);
}

type Post = { readonly query?: string; readonly as?: { readonly user: string; readonly groups: readonly string[] } };

/** What kubectl cannot say: the raw request. */
async function postRequest(namespace: string, spec: JsonObject, { query = '', as }: Post = {}): Promise<ProgramResult> {
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  return await suite.cluster.kubectl.run(
    ['create', '--raw', `/api/v1/namespaces/${namespace}/serviceaccounts/web/token${query}`, '-f', '-'],
    { input: JSON.stringify(request), ...(as === undefined ? {} : { as }) },
  );
}

/** How many token requests Curfew has judged. */
async function reviews(): Promise<number> {
  return await suite.curfew.metric('curfew_review_duration_seconds_count{entry="/validate/token-requests"');
}

async function countAskedByManager(): Promise<number> {
  const events = await suite.cluster.controlPlane.auditEvents();
  return events.filter(
    (event) =>
      valueAt(event, ['objectRef', 'subresource']) === 'token' &&
      valueAt(event, ['user', 'username']) === 'system:kube-controller-manager',
  ).length;
}

describe('curfew explain-token', () => {
  it('asks the cluster, and knows when a token has stopped working', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { stdout: token } = await createToken(namespace, []);
    const explain = async () =>
      await runWith({ input: token }, ...['explain-token', '--verify', '--kubeconfig', suite.cluster.kubeconfig, '-']);
    const known = await explain();
    expect({ code: known.code, error: known.error }).toEqual({ code: 0, error: '' });
    expect(known.out).toContain(`accepts it, as system:serviceaccount:${namespace}:web`);
    expect(known.out).toContain('it lives 1 hour');
    const command = /To revoke it: kubectl (.+)$/m.exec(known.out)?.[1]?.split(' ') ?? [];
    expect((await suite.cluster.kubectl.run(command)).code).toBe(0);
    await waitUntil('the token is refused', async () => (await explain()).code === 1);
    const gone = await explain();
    expect(gone.out).toContain('refuses it: ');
    for (const part of token.trim().split('.')) expect(known.out + gone.out).not.toContain(part);
  });
});
