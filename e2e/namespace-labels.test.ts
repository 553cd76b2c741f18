import { beforeAll, describe, expect, it } from 'vitest';
import type { ProgramResult } from '../scripts/run-program.ts';
import { waitUntil } from './installed-curfew.ts';
import type { Person } from './people.ts';
import { bindRole, changeLabels, createAs, createPeople, labelNamespace, readLevelLabel } from './people.ts';
import { setUpSuite } from './suite.ts';
import { deployment, pod } from './test-cluster.ts';

/** Alice may edit namespaces in every way there is; Bob may also lower their levels; Dave may in one namespace. */
const [ALICE, BOB, CAROL, DAVE] = ['alice', 'bob', 'carol', 'dave'] as const;
const RESTRICTED = { 'curfew.dev/enforce': 'restricted' };
/** Every way in which a label of a namespace is written. */
const WAYS = ['label', 'status', 'finalize', 'apply'] as const;
const OPTED_OUT = { automountServiceAccountToken: false };

const suite = setUpSuite({ levels: { enforce: 'baseline' } });

beforeAll(async () => {
  await createPeople(suite.cluster);
  await bindRole(suite.cluster, BOB, 'curfew-relax');
});

describe('Whoever may edit namespaces, but not relax levels', () => {
  it('cannot lower one by a label, and learns which right that takes', async () => {
    const namespace = await suite.cluster.createNamespace(RESTRICTED);
    const { code, stderr } = await label(namespace, 'curfew.dev/enforce=off', ALICE);
    expect(code).toBe(1);
    await expect(stderr.replaceAll(namespace, 'NAMESPACE')).toMatchFileSnapshot('golden/level-relaxed.txt');
    expect(await readLevelLabel(suite.cluster, namespace, 'enforce')).toBe('restricted');
  });

  it.each(['status', 'finalize', 'apply'])('cannot do it through %s either', async (way) => {
    const namespace = await suite.cluster.createNamespace(RESTRICTED);
    const { code, stderr } = await changeLabels(suite.cluster, way, {
      namespace,
      labels: { 'curfew.dev/enforce': 'off' },
      as: ALICE,
    });
    expect(code).toBe(1);
    expect(stderr).toContain('admission webhook "levels.curfew.dev" denied the request');
    expect(await readLevelLabel(suite.cluster, namespace, 'enforce')).toBe('restricted');
  });

  it.each(['label', 'status', 'finalize'])(
    'cannot hide it as a change of Curfew’s own namespace by %s',
    async (way) => {
      const namespace = await suite.cluster.createNamespace(RESTRICTED);
      const labels = { 'curfew.dev/enforce': 'off', 'kubernetes.io/metadata.name': 'curfew-system' };
      const { code, stderr } = await changeLabels(suite.cluster, way, { namespace, labels, as: ALICE });
      expect(code).toBe(1);
      expect(stderr).toContain('relaxed-level at /metadata/labels/curfew.dev~1enforce');
    },
  );

  it('cannot lower it by removing the label', async () => {
    const namespace = await suite.cluster.createNamespace(RESTRICTED);
    const { code, stderr } = await label(namespace, 'curfew.dev/enforce-', ALICE);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'label curfew.dev/enforce="restricted" is removed, which lowers the level of enforce from restricted to baseline',
    );
  });

  it.each(['warn', 'audit', 'mutate'])('cannot lower %s', async (mode) => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stderr } = await label(namespace, `curfew.dev/${mode}=off`, ALICE);
    expect(code).toBe(1);
    expect(stderr).toContain(`relaxed-level at /metadata/labels/curfew.dev~1${mode}`);
  });

  it('cannot make a namespace that starts lower than the default, of a given or a generated name', async () => {
    for (const name of [{ name: 'test-relaxed-from-the-start' }, { generateName: 'test-relaxed-' }]) {
      const metadata = { ...name, labels: { 'curfew.dev/enforce': 'off' } };
      const { code, stderr } = await createAs(suite.cluster, ALICE, { apiVersion: 'v1', kind: 'Namespace', metadata });
      expect(code).toBe(1);
      expect(stderr).toContain('lowers the level of enforce from baseline to off');
    }
  });

  it('cannot lower kube-system, where the level of bootstrap tokens hangs on it', async () => {
    const { code, stderr } = await label('kube-system', 'curfew.dev/enforce=off', ALICE);
    expect(code).toBe(1);
    expect(stderr).toContain('lowers the level of enforce from baseline to off');
  });

  it('can raise a level, make a namespace, and edit and delete one', async () => {
    const name = 'test-of-alice';
    expect(
      await createAs(suite.cluster, ALICE, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name, labels: RESTRICTED },
      }),
    ).toEqual({ code: 0, stdout: expect.any(String), stderr: '' });
    for (const change of ['curfew.dev/mutate=restricted', 'team=shop', 'team-']) {
      expect(await label(name, change, ALICE)).toMatchObject({ code: 0, stderr: '' });
    }
    expect((await suite.cluster.kubectl.run(['delete', 'namespace', name], { as: ALICE })).code).toBe(0);
  });

  it('cannot lower it as the administrator of that namespace alone', async () => {
    const namespace = await suite.cluster.createNamespace(RESTRICTED);
    const binding = ['create', 'rolebinding', 'all', '--clusterrole=cluster-admin', '--user=alice', '-n', namespace];
    await suite.cluster.must(binding);
    await waitUntil('the authorizer knows it', async () => {
      const { stdout } = await suite.cluster.kubectl.run(['auth', 'can-i', 'create', 'pods', '-n', namespace], {
        as: ALICE,
      });
      return stdout.trim() === 'yes';
    });
    expect((await label(namespace, 'curfew.dev/enforce=off', ALICE)).stderr).toContain('relaxed-level');
  });

  it('may label Curfew’s own namespace, where labels mean nothing', async () => {
    const { code, stderr } = await label('curfew-system', 'curfew.dev/enforce=off', ALICE);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('Whoever has the right to relax levels', () => {
  it.each(['label', 'status', 'finalize', 'apply'])('lowers one through %s', async (way) => {
    const namespace = await suite.cluster.createNamespace(RESTRICTED);
    const { code, stderr } = await changeLabels(suite.cluster, way, {
      namespace,
      labels: { 'curfew.dev/enforce': 'off' },
      as: BOB,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await readLevelLabel(suite.cluster, namespace, 'enforce')).toBe('off');
  });

  it('has it by the very command that the denial shows', async () => {
    const namespace = await suite.cluster.createNamespace(RESTRICTED);
    const denied = await label(namespace, 'curfew.dev/enforce-', CAROL);
    const [, command = ''] = /: kubectl (create clusterrolebinding [^\n]+)/.exec(denied.stderr) ?? [];
    await suite.cluster.must(command.trim().split(' '));
    await waitUntil('the authorizer knows it', async () => {
      return (await label(namespace, 'curfew.dev/enforce-', CAROL)).code === 0;
    });
  });

  it('has it in some namespaces only, by resourceNames', async () => {
    const [mine, other] = [
      await suite.cluster.createNamespace(RESTRICTED),
      await suite.cluster.createNamespace(RESTRICTED),
    ];
    await suite.cluster.must(['apply', '-f', '-'], {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'test-relax-one' },
      rules: [{ apiGroups: ['curfew.dev'], resources: ['levels'], resourceNames: [mine], verbs: ['relax'] }],
    });
    await bindRole(suite.cluster, DAVE, 'test-relax-one');
    await waitUntil('the authorizer knows it', async () => {
      return (await label(mine, 'curfew.dev/enforce-', DAVE)).code === 0;
    });
    expect((await label(other, 'curfew.dev/enforce-', DAVE)).stderr).toContain('relaxed-level');
  });

  it.each([
    [ALICE, 'false'],
    [BOB, 'true'],
  ] as const)('is told by a SubjectAccessReview, as the guide shows it: %s, %s', async (user, wanted) => {
    const resourceAttributes = { group: 'curfew.dev', resource: 'levels', verb: 'relax', name: 'shop' };
    const question = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user, resourceAttributes },
    };
    const args = ['create', '-f', '-', '-o', 'jsonpath={.status.allowed}'];
    expect(await suite.cluster.must(args, question)).toBe(wanted);
  });
});

describe('A label that means nothing', () => {
  it('is refused to administrators too, with what is allowed', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stderr } = await label(namespace, 'curfew.dev/enforce=restrictd');
    expect(code).toBe(1);
    await expect(stderr.replaceAll(namespace, 'NAMESPACE')).toMatchFileSnapshot('golden/level-label-wrong.txt');
  });

  it.each(WAYS)('is refused to administrators through %s, and nothing is written', async (way) => {
    const namespace = await suite.cluster.createNamespace();
    const labels = { 'curfew.dev/warn': 'restrictd', 'curfew.dev/audit': 'baseline' };
    const { code, stderr } = await changeLabels(suite.cluster, way, { namespace, labels });
    expect(code).toBe(1);
    expect(stderr).toContain('admission webhook "namespaces.curfew.dev" denied the request');
    expect(stderr).toContain(
      'label curfew.dev/warn is "restrictd", which is no level (did you mean restricted?); allowed: off, baseline, restricted',
    );
    for (const mode of ['warn', 'audit']) expect(await readLevelLabel(suite.cluster, namespace, mode)).toBe('');
  });

  it.each(WAYS)('of an unknown key is warned about through %s', async (way) => {
    const namespace = await suite.cluster.createNamespace();
    const labels = { 'curfew.dev/enfroce': 'restricted' };
    const { code, stderr } = await changeLabels(suite.cluster, way, { namespace, labels });
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('did you mean curfew.dev/enforce?\n'),
    });
  });

  it('is told in the same words to whoever may not relax levels', async () => {
    const namespace = await suite.cluster.createNamespace(RESTRICTED);
    const { code, stderr } = await label(namespace, 'curfew.dev/enforce=strict', ALICE);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'label curfew.dev/enforce is "strict", which is no level; allowed: off, baseline, restricted',
    );
    expect(stderr).not.toContain('relaxed-level');
  });

  it('of an unknown key is warned about', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stderr } = await label(namespace, 'curfew.dev/enfroce=restricted', ALICE);
    expect(code).toBe(0);
    expect(stderr).toBe(
      'Warning: curfew level-label: label "curfew.dev/enfroce" does nothing; did you mean curfew.dev/enforce?\n',
    );
  });
});

describe('Raising the level of a namespace in which pods run', () => {
  let namespace = '';
  const twoAlone =
    'Warning: curfew pod-automount: 5 existing pods would be refused: Deployment web (3 pods), db-0, db-1\n';

  beforeAll(async () => {
    namespace = await suite.cluster.createNamespace({ 'curfew.dev/warn': 'off' });
    const web = deployment('web');
    const three = { ...web, spec: { ...(web['spec'] as object), replicas: 3 } };
    const objects = [pod('db-0'), pod('db-1'), pod('quiet', OPTED_OUT), three];
    const items = { apiVersion: 'v1', kind: 'List', items: objects };
    await suite.cluster.must(['apply', '-n', namespace, '-f', '-'], items);
    await waitUntil('the pods of the Deployment are there', async () => {
      const { stdout } = await suite.cluster.kubectl.run(['get', 'pods', '-n', namespace, '-o', 'name']);
      return stdout.trim().split('\n').length === 6;
    });
  });

  it('says which of them would be refused, and with --dry-run=server changes nothing', async () => {
    const tried = await label(namespace, 'curfew.dev/enforce=restricted', ALICE, ['--dry-run=server']);
    expect({ code: tried.code, stderr: tried.stderr }).toEqual({ code: 0, stderr: twoAlone });
    expect(await readLevelLabel(suite.cluster, namespace, 'enforce')).toBe('');
    const { code, stderr } = await label(namespace, 'curfew.dev/enforce=restricted', ALICE);
    expect({ code, stderr }).toEqual({ code: 0, stderr: twoAlone });
  });

  it.each(WAYS)('says it to administrators through %s', async (way) => {
    await label(namespace, 'curfew.dev/enforce=baseline');
    const { code, stderr } = await changeLabels(suite.cluster, way, { namespace, labels: RESTRICTED });
    expect({ code, stderr }).toEqual({ code: 0, stderr: twoAlone });
    expect(await readLevelLabel(suite.cluster, namespace, 'enforce')).toBe('restricted');
  });

  it('says nothing where no level is raised, or no pod would be refused', async () => {
    for (const change of [
      'curfew.dev/enforce=restricted',
      'curfew.dev/enforce=baseline',
      'curfew.dev/warn=restricted',
    ]) {
      const { code, stderr } = await label(namespace, change, BOB);
      expect({ change, code, stderr }).toEqual({ change, code: 0, stderr: '' });
    }
    const quiet = await suite.cluster.createNamespace();
    await suite.cluster.must(['apply', '-n', quiet, '-f', '-'], pod('quiet', OPTED_OUT));
    expect(await label(quiet, 'curfew.dev/enforce=restricted')).toMatchObject({ code: 0, stderr: '' });
  });
});

/** `kubectl label namespace NAME --overwrite CHANGE`, by the administrator if by nobody else. */
async function label(namespace: string, change: string, as?: Person, more?: readonly string[]): Promise<ProgramResult> {
  return await labelNamespace(suite.cluster, namespace, { change, as, ...(more === undefined ? {} : { more }) });
}
