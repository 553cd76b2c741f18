/** `curfew audit` of a real cluster, beside what the webhook says when the same objects are written anew. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { runWith } from '../test/unit/cli/run-command.ts';
import { setUpSuite } from './suite.ts';
import { OWNS_CONTROL_PLANE, pod, tokenSecret } from './test-cluster.ts';

const UNSEEN = ['--as=system:apiserver', '--as-group=system:masters', '--as-group=system:nodes'];

const suite = setUpSuite({ secretIndex: true, enforceTemplates: true });

let namespace = '';
beforeAll(async () => {
  namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
  const write = async (object: Record<string, unknown>) =>
    await suite.cluster.must(['create', '-n', namespace, '-f', '-', ...UNSEEN], object as never);
  await write(tokenSecret('old', 'web'));
  await write(pod('bare', { serviceAccountName: 'web' }));
  await write({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { serviceAccountName: 'web', containers: [{ name: 'app', image: 'registry.example/a:1' }] },
      },
    },
  });
  const rules = [{ apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] }];
  await write({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'maker' }, rules });
});
afterAll(async () => {
  await suite.cluster.kubectl.run(['delete', 'namespace', namespace, '--wait=false']);
});

async function audit(...args: readonly string[]) {
  return await runWith({}, 'audit', '--kubeconfig', suite.cluster.kubeconfig, '--output', 'json', ...args);
}

describe('curfew audit', () => {
  it('finds what the webhook refuses when it is written anew, and nothing that it lets in', async () => {
    const { code, out, error } = await audit('--namespace', namespace);
    expect({ code, error }).toEqual({ code: 1, error: '' });
    const found = asArray(member(JSON.parse(out), 'findings'))
      .filter((finding) => member(finding, 'denied') === true)
      .map((finding) => {
        const read = (...path: readonly string[]) => asString(valueAt(finding, path)) ?? '';
        return `${read('object', 'kind')} ${read('object', 'name')} ${read('check')}`;
      });
    expect(new Set(found)).toEqual(new Set(await listRefused()));
  });

  it('looks at the whole cluster, and says where a token never ends', async () => {
    const { out } = await audit();
    const report: unknown = JSON.parse(out);
    expect(member(report, 'faults')).toEqual([]);
    const secrets = asArray(member(report, 'longLivedSecrets')).map(
      (one) => `${asString(member(one, 'namespace'))}/${asString(member(one, 'name'))}`,
    );
    expect(secrets).toContain(`${namespace}/old`);
    // What Kubernetes brings is not judged: its own controllers write it.
    const roles = asArray(member(report, 'findings')).map((finding) => asString(valueAt(finding, ['object', 'name'])));
    expect(roles).not.toContain('cluster-admin');
  });

  it.runIf(OWNS_CONTROL_PLANE)('needs no more rights than to list, and says which lists it may not read', async () => {
    const kubeconfig = await suite.cluster.controlPlane.createUser('nobody-in-particular');
    const { code, out } = await runWith({}, 'audit', '--kubeconfig', kubeconfig, '--output', 'json');
    expect(code).toBe(2);
    const faults = asArray(member(JSON.parse(out), 'faults')).map((fault) => asString(member(fault, 'message')) ?? '');
    expect(faults.length).toBeGreaterThan(10);
    for (const fault of faults) expect(fault).toMatch(/ cannot be listed: .*forbidden/i);
  });
});

/** `KIND NAME CHECK` of each object of the namespace that is refused when it is written again under another name. */
async function listRefused(): Promise<readonly string[]> {
  const { must, kubectl } = suite.cluster;
  const kinds = 'secrets,pods,deployments,serviceaccounts,roles';
  const list: unknown = JSON.parse(await must(['get', kinds, '-n', namespace, '-o', 'json']));
  const refused: string[] = [];
  for (const item of asArray(member(list, 'items'))) {
    const [kind, name] = [asString(member(item, 'kind')) ?? '', asString(valueAt(item, ['metadata', 'name'])) ?? ''];
    const owners = asArray(valueAt(item, ['metadata', 'ownerReferences']));
    if (owners.length > 0) continue;
    const annotations = member(member(item, 'metadata'), 'annotations');
    const again = {
      ...(item as object),
      metadata: { name: `${name}-again`, namespace, ...(annotations === undefined ? {} : { annotations }) },
    };
    const { stderr } = await kubectl.run(['create', '--dry-run=server', '-f', '-'], { input: JSON.stringify(again) });
    const checks = [...stderr.matchAll(/^ {2}([a-z-]+) at \//gm)].map(([, check = '']) => check);
    refused.push(...checks.map((check) => `${kind} ${name} ${check}`));
  }
  return refused;
}
