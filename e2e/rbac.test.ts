import { beforeAll, describe, expect, it } from 'vitest';
import { judgeManifest } from '../src/manifests/judge-manifest.ts';
import { createWorld } from '../src/manifests/world.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../src/objects/json.ts';
import { toNewSubject } from '../src/objects/manifest.ts';
import { isBuiltInBinding, isBuiltInRole } from '../src/objects/rbac/built-in.ts';
import { configure } from '../test/unit/judging.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';

const RBAC = 'rbac.authorization.k8s.io';
const ENFORCED = { levels: { enforce: 'restricted', clusterScoped: { enforce: 'restricted' } } };
const TOKENS = { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] };
const READS = { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] };
/** A caller whom no check looks at, so that what would be refused can be stored. */
const UNSEEN = { user: 'system:apiserver', groups: ['system:masters'] };

const suite = setUpSuite({});

describe('What Kubernetes brings', () => {
  it('is known by name, role and subjects, or nothing is found in it', async () => {
    const kinds = 'clusterroles,roles,clusterrolebindings,rolebindings';
    const labelled = ['-A', '-l', 'kubernetes.io/bootstrapping=rbac-defaults', '-o', 'json'];
    const items = asArray(member(JSON.parse(await suite.cluster.must(['get', kinds, ...labelled])), 'items'));
    expect(items.length).toBeGreaterThan(120);
    const judged = items.filter(isObject).filter((item) => !isBuiltInRole(item) && !isBuiltInBinding(item));
    const isBinding = (item: JsonObject) => asString(member(item, 'kind'))?.endsWith('Binding') === true;
    expect(judged.filter(isBinding).map((item) => valueAt(item, ['metadata', 'name']))).toEqual([]);
    const found = judged.flatMap((item) => {
      const subject = toNewSubject(item, '');
      if (subject === undefined) return [];
      const world = createWorld([], { keys: new Set() });
      const how = { configuration: configure(), cluster: { apiAudiences: [], issuers: [] }, now: 0, release: 'curfew' };
      const { judgement } = judgeManifest(subject, { ...how, world, level: 'restricted' });
      return judgement.results.map(({ check }) => `${subject.kind} ${subject.name}: ${check.id}`);
    });
    expect(found).toEqual([]);
  });
});

describe('By default', () => {
  it('a Role that makes tokens for every account is refused, in words that say what to do', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stderr } = await suite.cluster.kubectl.apply(role('ci', [READS, TOKENS]), ['-n', namespace]);
    expect(code).toBe(1);
    await expect(stderr.replaceAll(namespace, 'NAMESPACE')).toMatchFileSnapshot('golden/role-denied.txt');
  });

  it('it is accepted once it names the accounts, and they alone get tokens by it', async () => {
    const namespace = await suite.cluster.createNamespace();
    await suite.cluster.must(['create', 'serviceaccount', 'other', '-n', namespace]);
    const named = role('ci', [{ ...TOKENS, resourceNames: ['web'] }]);
    expect(await suite.cluster.kubectl.apply(named, ['-n', namespace])).toMatchObject({ code: 0, stderr: '' });
    await suite.cluster.must(['create', 'rolebinding', 'ci', '--role=ci', '--user=jane', '-n', namespace]);
    const ask = async (account: string) =>
      (await suite.cluster.kubectl.run(['create', 'token', account, '-n', namespace], { as: 'jane' })).code;
    await waitUntil('jane may make a token for web', async () => (await ask('web')) === 0);
    expect(await ask('other')).toBe(1);
  });

  it('a ClusterRole is warned about', async () => {
    const { code, stderr } = await suite.cluster.kubectl.apply(clusterRole('warned', [TOKENS]));
    expect(code).toBe(0);
    expect(stderr).toBe(
      'Warning: curfew rbac-token-request: makes tokens for every service account; name the accounts in resourceNames\n',
    );
  });

  it('everything at once is one warning', async () => {
    const everything = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
    const { code, stderr } = await suite.cluster.kubectl.apply(clusterRole('everything', [everything]));
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'Warning: curfew rbac-wildcard: rights granted by "*"; list what is needed in place of "*"\n',
    });
  });
});

describe('With everything enforced', () => {
  beforeAll(async () => await suite.curfew.upgrade(ENFORCED));

  it('a ClusterRole is refused, by kubectl create clusterrole too', async () => {
    const args = ['create', 'clusterrole', 'refused', '--verb=create', '--resource=serviceaccounts/token'];
    const { code, stderr } = await suite.cluster.kubectl.run(args);
    expect(code).toBe(1);
    expect(stderr).toContain('ClusterRole refused: 1 problem\n\n  rbac-token-request at /rules/0\n');
  });

  it('a binding of cluster-admin to a service account is refused, and one to people is not', async () => {
    const bind = ['create', 'clusterrolebinding', '--clusterrole=cluster-admin'];
    const account = await suite.cluster.kubectl.run([...bind, 'account', '--serviceaccount=default:default']);
    expect(account.code).toBe(1);
    expect(account.stderr).toContain('rbac-binding-subjects at /subjects/0');
    expect(await suite.cluster.kubectl.run([...bind, 'people', '--group=platform'])).toMatchObject({ code: 0 });
  });

  it('an old ClusterRole may not be added to view by a label, and may have any other', async () => {
    const reading = clusterRole('read-secrets', [{ ...READS, resources: ['secrets'] }]);
    await suite.cluster.must(['create', '-f', '-', '--as', UNSEEN.user, '--as-group=system:masters'], reading);
    const label = async (text: string) =>
      await suite.cluster.kubectl.run(['label', 'clusterrole', 'read-secrets', text]);
    expect(await label('team=platform')).toMatchObject({ code: 0 });
    const { code, stderr } = await label(`${RBAC}/aggregate-to-view=true`);
    expect(code).toBe(1);
    expect(stderr).toContain(`  rbac-secret-read at /metadata/labels/${RBAC}~1aggregate-to-view\n`);
    expect(stderr).not.toContain('at /rules/0');
  });

  it('the aggregation controller goes on aggregating, rules that nobody else could write among them', async () => {
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [`${RBAC}/aggregate-to-edit`]: 'true' } }] };
    await suite.cluster.must(['create', '-f', '-'], { ...clusterRole('aggregated', []), aggregationRule });
    await waitUntil('the rules of edit are in the role', async () => {
      const text = await suite.cluster.must(['get', 'clusterrole', 'aggregated', '-o', 'json']);
      return asArray(member(JSON.parse(text), 'rules')).some((rule) =>
        asArray(member(rule, 'resources')).includes('serviceaccounts/token'),
      );
    });
    const widened = [
      'patch',
      'clusterrole',
      'aggregated',
      '--type=json',
      '-p',
      JSON.stringify([addRule({ ...READS, verbs: ['*'] })]),
    ];
    const byHand = await suite.cluster.kubectl.run(widened);
    expect(byHand.stderr).toContain('  rbac-wildcard at /rules/');
  });

  it('a Role that is being deleted cannot be widened, and its finalizer can still be taken away', async () => {
    const namespace = await suite.cluster.createNamespace({}, { withoutAccount: true });
    const finalizers = ['test.curfew.dev/hold'];
    const held = { ...role('held', [READS]), metadata: { name: 'held', finalizers } };
    await suite.cluster.must(['create', '-n', namespace, '-f', '-'], held);
    await suite.cluster.must(['delete', 'role', 'held', '-n', namespace, '--wait=false']);

    const patch = async (operation: JsonObject) =>
      await suite.cluster.kubectl.run([
        ...['patch', 'role', 'held', '-n', namespace, '--type=json'],
        ...['-p', JSON.stringify([operation])],
      ]);
    const widened = await patch(addRule(TOKENS));
    expect(widened.code).toBe(1);
    expect(widened.stderr).toContain('  rbac-token-request at /rules/1');
    expect(await patch({ op: 'remove', path: '/metadata/finalizers' })).toMatchObject({ code: 0 });
  });

  it('kubectl auth reconcile and label leave an old role as it is, and take rights away', async () => {
    const namespace = await suite.cluster.createNamespace({}, { withoutAccount: true });
    const old = role('old', [TOKENS, { ...READS, resources: ['secrets'], verbs: ['get', 'list'] }]);
    const list = JSON.stringify({ ...old, metadata: { name: 'old', namespace } });
    await suite.cluster.kubectl.run(['create', '-f', '-'], { input: list, as: UNSEEN });

    const reconciled = await suite.cluster.kubectl.run(['auth', 'reconcile', '-f', '-'], { input: list });
    expect({ code: reconciled.code, stdout: reconciled.stdout }).toMatchObject({ code: 0 });
    const labelled = await suite.cluster.kubectl.run(['label', 'role', 'old', 'team=web', '-n', namespace]);
    expect(labelled.code).toBe(0);
    expect(labelled.stderr).toContain('Warning: curfew rbac-token-request: ');

    const fewer = role('old', [
      { ...TOKENS, resourceNames: ['web'] },
      { ...READS, resources: ['secrets'] },
    ]);
    expect(
      (await suite.cluster.kubectl.apply(fewer, ['-n', namespace, '--server-side', '--force-conflicts'])).code,
    ).toBe(0);
    const more = await suite.cluster.kubectl.apply(old, ['-n', namespace, '--server-side', '--force-conflicts']);
    expect(more.code).toBe(1);
    expect(more.stderr).toContain('rules[1] allows list on secrets: ');
    expect(more.stderr).not.toContain('get, list');
  });

  it('an old role of thousands of names loses one, and gets no other', async () => {
    const namespace = await suite.cluster.createNamespace({}, { withoutAccount: true });
    const names = Array.from({ length: 3_000 }, (_, index) => `web-${index}`);
    const exec = { apiGroups: [''], resources: ['pods/exec'], verbs: ['create'], resourceNames: names };
    const old = JSON.stringify({ ...role('large', [READS, exec]), metadata: { name: 'large', namespace } });
    expect((await suite.cluster.kubectl.run(['create', '-f', '-'], { input: old, as: UNSEEN })).code).toBe(0);

    const patch = async (operation: JsonObject) =>
      await suite.cluster.kubectl.run([
        ...['patch', 'role', 'large', '-n', namespace, '--type=json'],
        ...['-p', JSON.stringify([operation])],
      ]);
    expect((await patch({ op: 'remove', path: '/rules/1/resourceNames/7' })).code).toBe(0);
    const more = await patch({ op: 'add', path: '/rules/1/resourceNames/-', value: 'other' });
    expect(more.code).toBe(1);
    expect(more.stderr).toContain('  rbac-pod-exec at /rules/1');
  });

  it('the service account that Curfew itself runs as has no right that Curfew refuses', async () => {
    const roles = JSON.parse(
      await suite.cluster.must([
        'get',
        'roles,clusterroles',
        '-A',
        '-o',
        'json',
        '-l',
        'app.kubernetes.io/name=curfew',
      ]),
    );
    const items = asArray(member(roles, 'items'));
    expect(items.length).toBeGreaterThan(0);
    for (const item of items) {
      const copy = { ...(item as JsonObject), metadata: { name: 'copy', namespace: 'default' } };
      const { code, stderr } = await suite.cluster.kubectl.run(['create', '--dry-run=server', '-f', '-'], {
        input: JSON.stringify(copy),
      });
      expect({ of: valueAt(item, ['metadata', 'name']), code, stderr }).toMatchObject({ code: 0, stderr: '' });
    }
  });
});

function addRule(rule: JsonObject): JsonObject {
  return { op: 'add', path: '/rules/-', value: rule };
}

function role(name: string, rules: readonly JsonObject[]): JsonObject {
  return { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name }, rules };
}

function clusterRole(name: string, rules: readonly JsonObject[]): JsonObject {
  return { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name }, rules };
}
