import { beforeAll, describe, expect, it } from 'vitest';
import type { ProgramResult } from '../scripts/run-program.ts';
import { valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import type { Person } from './people.ts';
import { bindRole, changeLabels, createAs, createPeople, labelNamespace, readLevelLabel } from './people.ts';
import { setUpSuite } from './suite.ts';
import { HAS_AUDIT_LOG } from './test-cluster.ts';

/** Alice may edit namespaces; Bob may also lower their levels. */
const [ALICE, BOB] = ['alice', 'bob'] as const;
const RESTRICTED = { 'curfew.dev/enforce': 'restricted' };

const suite = setUpSuite({});

beforeAll(async () => {
  await createPeople(suite.cluster);
  await bindRole(suite.cluster, BOB, 'curfew-relax');
});

describe('With Curfew down', () => {
  let namespace = '';
  beforeAll(async () => {
    namespace = await suite.cluster.createNamespace(RESTRICTED);
    await suite.curfew.stopProcess();
  });

  it('changes of its labels are refused to those whom it would ask about, and to nobody else', async () => {
    const { code, stderr } = await label(namespace, 'curfew.dev/enforce=off', ALICE);
    expect(code).toBe(1);
    expect(stderr).toContain('failed calling webhook "levels.curfew.dev"');
    expect(await label(namespace, 'curfew.dev/enforce=off', BOB)).toMatchObject({ code: 0, stderr: '' });
  });

  it('every other change of a namespace works', async () => {
    expect(await label(namespace, 'team=shop', ALICE)).toMatchObject({ code: 0, stderr: '' });
    const annotate = ['annotate', 'namespace', namespace, 'team=shop'];
    expect(await suite.cluster.kubectl.run(annotate, { as: ALICE })).toMatchObject({ code: 0, stderr: '' });
    expect(await changeLabels(suite.cluster, 'status', { namespace, labels: { a: 'b' }, as: ALICE })).toMatchObject({
      code: 0,
    });
  });

  it('namespaces come, with their default account, and go', async () => {
    const metadata = { name: 'test-while-down' };
    expect((await createAs(suite.cluster, ALICE, { apiVersion: 'v1', kind: 'Namespace', metadata })).code).toBe(0);
    await waitUntil('the default account is there', async () => {
      const get = ['get', 'serviceaccount', 'default', '-n', metadata.name];
      return (await suite.cluster.kubectl.run(get)).code === 0;
    });
    // The namespace controller takes its finalizer out through namespaces/finalize.
    for (const name of [metadata.name, namespace]) {
      const { code } = await suite.cluster.kubectl.run(['delete', 'namespace', name, '--timeout=60s'], { as: ALICE });
      expect(code).toBe(0);
    }
  });
});

describe('With dryRun', () => {
  beforeAll(async () => {
    await suite.curfew.upgrade({ dryRun: true });
  });

  it('nothing is denied, and what would have been is said', async () => {
    const namespace = await suite.cluster.createNamespace(RESTRICTED);
    const lowered = await label(namespace, 'curfew.dev/enforce=off', ALICE);
    expect(lowered).toMatchObject({
      code: 0,
      stderr:
        'Warning: curfew relaxed-level (would deny): a lower level of enforce; it takes the verb relax on levels.curfew.dev\n',
    });
    const wrong = await label(namespace, 'curfew.dev/enforce=strict');
    expect(wrong).toMatchObject({
      code: 0,
      stderr:
        'Warning: curfew level-label (would deny): curfew.dev/enforce is not off, baseline or restricted; it counts as not set\n',
    });
    expect(await readLevelLabel(suite.cluster, namespace, 'enforce')).toBe('strict');

    if (!HAS_AUDIT_LOG) return;
    const events = await suite.cluster.controlPlane.auditEvents();
    const annotations = events.map((event) => valueAt(event, ['annotations', 'levels.curfew.dev/would-deny']));
    expect(annotations).toContain('relaxed-level at /metadata/labels/curfew.dev~1enforce: a lower level of enforce');
  });
});

/** `kubectl label namespace NAME --overwrite CHANGE`, by the administrator if by nobody else. */
async function label(namespace: string, change: string, as?: Person, more?: readonly string[]): Promise<ProgramResult> {
  return await labelNamespace(suite.cluster, namespace, { change, as, ...(more === undefined ? {} : { more }) });
}
