import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';
import { deployment, pod } from './test-cluster.ts';
import {
  annotate,
  createAsking,
  createPod,
  ENV,
  hasVaultToken,
  MOUNT,
  NO_API_TOKEN,
  readPod,
  tokenOf,
  VAULT,
  VOLUME,
} from './token-asks.ts';
import { job, untilDefaultAccount, untilPodOf, workload } from './workloads.ts';

const suite = setUpSuite({ levels: { warn: 'off' } });

describe('Pods that are unlike others', () => {
  it('a mirror pod is stored as its node wrote it, though everything around it asks for a token', async () => {
    const node = `node-${Date.now().toString(36)}`;
    await suite.cluster.must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Node', metadata: { name: node } });
    const uid = await suite.cluster.must(['get', 'node', node, '-o', 'jsonpath={.metadata.uid}']);
    const namespace = await suite.cluster.createNamespace({}, { metadata: { annotations: VAULT } });
    await untilDefaultAccount(suite.cluster, namespace);
    await annotate(suite.cluster, namespace, `tokens.curfew.dev/vault=${VAULT['tokens.curfew.dev/vault']}`, 'default');
    const annotations = { 'kubernetes.io/config.mirror': 'a1', ...VAULT };
    const mirrored = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'static',
        annotations,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node, uid, controller: true }],
      },
      spec: { nodeName: node, containers: [{ name: 'app', image: 'registry.example/static:1' }] },
    };
    const as = [`--as=system:node:${node}`, '--as-group=system:nodes'];
    await suite.cluster.must(['create', '-n', namespace, '-f', '-', ...as], mirrored);
    const stored = await readPod(suite.cluster, namespace, 'static');
    expect(asArray(valueAt(stored, ['spec', 'volumes']))).toEqual([]);
    expect(tokenOf(stored)).toEqual({ mounts: [], env: [] });
    expect(valueAt(stored, ['metadata', 'annotations'])).toEqual(annotations);
    await suite.cluster.must(['delete', 'node', node]);
  });

  it('a pod on the network of its node has its token as any other', async () => {
    const namespace = await createAsking(suite.cluster);
    await createPod(suite.cluster, namespace, pod('web', { ...NO_API_TOKEN, hostNetwork: true }));
    const stored = await readPod(suite.cluster, namespace);
    expect(valueAt(stored, ['spec', 'hostNetwork'])).toBe(true);
    expect(asArray(valueAt(stored, ['spec', 'volumes']))).toEqual([VOLUME]);
    expect(tokenOf(stored)).toEqual({ mounts: [MOUNT], env: [ENV] });
  });

  it.each([
    ['names no service account', undefined],
    ['names an empty one', ''],
  ])('a pod that %s has what `default` asks for', async (_title, serviceAccountName) => {
    const namespace = await suite.cluster.createNamespace();
    await untilDefaultAccount(suite.cluster, namespace);
    await annotate(suite.cluster, namespace, `tokens.curfew.dev/vault=${VAULT['tokens.curfew.dev/vault']}`, 'default');
    const { serviceAccountName: _, ...spec } = pod('web', NO_API_TOKEN)['spec'] as JsonObject;
    await createPod(suite.cluster, namespace, {
      ...pod('web'),
      spec: { ...spec, ...(serviceAccountName === undefined ? {} : { serviceAccountName }) },
    });
    const stored = await readPod(suite.cluster, namespace);
    expect(valueAt(stored, ['spec', 'serviceAccountName'])).toBe('default');
    expect(asArray(valueAt(stored, ['spec', 'volumes']))).toEqual([VOLUME]);
    expect(tokenOf(stored)).toEqual({ mounts: [MOUNT], env: [ENV] });
  });

  it('pods whose names are generated all look alike, and a mistake in one is told by that name', async () => {
    const namespace = await createAsking(suite.cluster);
    const generated = { ...pod('web', NO_API_TOKEN), metadata: { generateName: 'web-' } };
    await createPod(suite.cluster, namespace, generated);
    await createPod(suite.cluster, namespace, generated);
    const listed: unknown = JSON.parse(await suite.cluster.must(['get', 'pods', '-n', namespace, '-o', 'json']));
    const pods = asArray(member(listed, 'items'));
    expect(new Set(pods.map((one) => valueAt(one, ['metadata', 'name']))).size).toBe(2);
    for (const one of pods) expect(asArray(valueAt(one, ['spec', 'volumes']))).toEqual([VOLUME]);

    const wrong = { ...generated, metadata: { generateName: 'web-', annotations: { 'tokens.curfew.dev/own': '{}' } } };
    const { code, stderr } = await suite.cluster.kubectl.run(['create', '-n', namespace, '-f', '-'], {
      input: JSON.stringify(wrong),
    });
    expect(code).toBe(1);
    expect(stderr).toContain(`Pod ${namespace}/web-*: 1 problem`);
    expect(stderr).toContain('inject-token at /metadata/annotations/tokens.curfew.dev~1own');
  });
});

describe('Pods that controllers make', () => {
  it('have the tokens that their account asks for', async () => {
    const namespace = await createAsking(suite.cluster);
    const items = [
      deployment('web', NO_API_TOKEN),
      workload('StatefulSet', NO_API_TOKEN),
      asAccount(job('once', NO_API_TOKEN)),
    ];
    await suite.cluster.must(['apply', '-n', namespace, '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
    await untilPodOf(suite.cluster, 'once', namespace);
    const list = async () => {
      const listed: unknown = JSON.parse(await suite.cluster.must(['get', 'pods', '-n', namespace, '-o', 'json']));
      return asArray(member(listed, 'items'));
    };
    await waitUntil('each has its pod', async () => (await list()).length === 3);
    const pods = await list();
    const owners = pods.map((one) => asString(valueAt(one, ['metadata', 'ownerReferences', 0, 'kind'])));
    expect(new Set(owners)).toEqual(new Set(['Job', 'ReplicaSet', 'StatefulSet']));
    for (const one of pods) {
      expect(asArray(valueAt(one, ['spec', 'volumes']))).toEqual([VOLUME]);
      expect(tokenOf(one)).toEqual({ mounts: [MOUNT], env: [ENV] });
    }
    // The templates stay what their authors wrote, so that nobody's GitOps sees a difference.
    const template = await suite.cluster.must(['get', 'deployment', 'web', '-n', namespace, '-o', 'json']);
    expect(template).not.toContain('curfew-token-vault');
  });

  it('are refused where a template asks in a wrong way, and the Deployment says what is wrong', async () => {
    const namespace = await createAsking(suite.cluster);
    const asking = deployment('web', NO_API_TOKEN);
    const labels = valueAt(asking, ['spec', 'template', 'metadata', 'labels']) as JsonObject;
    const metadata = { labels, annotations: { 'tokens.curfew.dev/own': '{audiance: own}' } };
    const spec = asking['spec'] as JsonObject;
    const template = { ...(spec['template'] as JsonObject), metadata };
    await suite.cluster.must(['apply', '-n', namespace, '-f', '-'], { ...asking, spec: { ...spec, template } });
    let message = '';
    await waitUntil('the Deployment has heard of it', async () => {
      const failure = 'jsonpath={.status.conditions[?(@.type=="ReplicaFailure")].message}';
      message = await suite.cluster.must(['get', 'deployment', 'web', '-n', namespace, '-o', failure]);
      return message !== '';
    });
    expect(message).toContain(`Pod ${namespace}/web-`);
    expect(message).toContain('inject-token at /metadata/annotations/tokens.curfew.dev~1own');
    expect(message).toContain('audiance');
    expect(await suite.cluster.must(['get', 'pods', '-n', namespace, '-o', 'name'])).toBe('');

    // And comes up by itself once it is right.
    const right = {
      ...template,
      metadata: { ...metadata, annotations: { 'tokens.curfew.dev/own': '{audience: own}' } },
    };
    await suite.cluster.must(['apply', '-n', namespace, '-f', '-'], { ...asking, spec: { ...spec, template: right } });
    await waitUntil('its pod is there', async () => {
      return (await suite.cluster.must(['get', 'pods', '-n', namespace, '-o', 'name'])) !== '';
    });
    const listed: unknown = JSON.parse(await suite.cluster.must(['get', 'pods', '-n', namespace, '-o', 'json']));
    expect(hasVaultToken(valueAt(listed, ['items', 0]))).toBe(true);
  });
});

/** The Job, with service account `web` for its pods. */
function asAccount(made: JsonObject): JsonObject {
  const pods = { ...(valueAt(made, ['spec', 'template', 'spec']) as JsonObject), serviceAccountName: 'web' };
  return { ...made, spec: { template: { spec: pods } } };
}
