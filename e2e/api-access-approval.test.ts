import { beforeAll, describe, expect, it } from 'vitest';
import type { ProgramResult } from '../scripts/run-program.ts';
import type { Person } from './people.ts';
import { bindRole, createAs, createPeople } from './people.ts';
import { setUpSuite } from './suite.ts';

/** Alice may edit service accounts and namespaces; Bob may also approve that they need the API. */
const [ALICE, BOB] = ['alice', 'bob'] as const;
const REASON = 'curfew.dev/api-access=lists its endpoints';
const APPROVAL = { apiAccess: { approval: true, acceptFrom: ['ServiceAccount', 'Namespace'] } };

const suite = setUpSuite(APPROVAL);

beforeAll(async () => {
  await createPeople(suite.cluster);
  await bindRole(suite.cluster, BOB, 'curfew-approve');
});

describe('With approval, documented access', () => {
  it('cannot be written by whoever may only edit the account, and the denial says what to do', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stderr } = await annotate('web', namespace, { change: REASON, as: ALICE });
    expect(code).toBe(1);
    await expect(stderr.replaceAll(namespace, 'NAMESPACE')).toMatchFileSnapshot('golden/api-access-unapproved.txt');
    const made = await createAs(suite.cluster, ALICE, account('new', namespace, 'lists its endpoints'));
    expect(made.stderr).toContain('admission webhook "api-access.curfew.dev" denied the request');
  });

  it.each(['main', 'status', 'finalize'])('cannot be written on a namespace through %s', async (way) => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stderr } = await annotateNamespace(way, namespace, ALICE);
    expect(code).toBe(1);
    expect(stderr).toContain('unapproved-api-access at /metadata/annotations/curfew.dev~1api-access');
    expect((await annotateNamespace(way, namespace, BOB)).code).toBe(0);
  });

  it('is written by whoever may approve, applied again by anyone, changed by no one else, and taken away by anyone', async () => {
    const namespace = await suite.cluster.createNamespace();
    expect(await annotate('web', namespace, { change: REASON, as: BOB })).toMatchObject({ code: 0, stderr: '' });
    const same = account('web', namespace, 'lists its endpoints');
    const apply = ['--server-side', '--force-conflicts'];
    expect((await suite.cluster.kubectl.apply(same, apply, { as: ALICE })).code).toBe(0);
    const other = await annotate('web', namespace, { change: 'curfew.dev/api-access=lists all nodes', as: ALICE });
    expect(other.code).toBe(1);
    expect((await annotate('web', namespace, { change: 'team=shop', as: ALICE })).code).toBe(0);
    expect((await annotate('web', namespace, { change: 'curfew.dev/api-access-', as: ALICE })).code).toBe(0);
    expect((await annotate('web', namespace, { change: REASON, as: ALICE })).code).toBe(1);
  });

  it('that documents nothing is told to be so', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { stderr } = await annotate('web', namespace, { change: 'curfew.dev/api-access=<why>', as: ALICE });
    expect(stderr).toContain('annotation curfew.dev/api-access documents nothing: it is still the placeholder <why>.');
  });

  it('is nobody’s matter in kube-system, where nothing is denied', async () => {
    const made = await createAs(suite.cluster, ALICE, account('test-documented', 'kube-system', 'a reason'));
    expect(made).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('With Curfew down', () => {
  beforeAll(async () => {
    await suite.curfew.stopProcess();
  });

  it('service accounts come and change, and only documenting access waits for it', async () => {
    const namespace = await suite.cluster.createNamespace();
    expect((await createAs(suite.cluster, ALICE, account('plain', namespace))).code).toBe(0);
    expect((await annotate('plain', namespace, { change: 'team=shop', as: ALICE })).code).toBe(0);
    const refused = await annotate('plain', namespace, { change: REASON, as: ALICE });
    expect(refused.stderr).toContain('failed calling webhook "api-access.curfew.dev"');
    expect((await annotate('plain', namespace, { change: REASON, as: BOB })).code).toBe(0);
    expect((await annotate('plain', namespace, { change: 'curfew.dev/api-access-', as: ALICE })).code).toBe(0);
  });
});

describe('Without approval', () => {
  it('the entry is gone, the server is ready, and anyone who edits an account documents its access', async () => {
    await suite.curfew.upgrade({});
    const path = 'jsonpath={.webhooks[*].name}';
    const names = await suite.cluster.must(['get', 'validatingwebhookconfiguration', 'curfew', '-o', path]);
    expect(names).not.toContain('api-access.curfew.dev');
    expect(names).toContain('levels.curfew.dev');
    const namespace = await suite.cluster.createNamespace();
    expect((await annotate('web', namespace, { change: REASON, as: ALICE })).code).toBe(0);
  });

  it('and comes back with the next upgrade, rules and all; in dryRun it only says', async () => {
    await suite.curfew.upgrade({ ...APPROVAL, dryRun: true });
    const namespace = await suite.cluster.createNamespace();
    expect(await annotate('web', namespace, { change: REASON, as: ALICE })).toMatchObject({
      code: 0,
      stderr:
        'Warning: curfew unapproved-api-access (would deny): API access that nobody approved; it takes the verb approve on apiaccess.curfew.dev\n',
    });
  });
});

function account(name: string, namespace: string, reason?: string) {
  const annotations = reason === undefined ? {} : { 'curfew.dev/api-access': reason };
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace, annotations } };
}

async function annotate(
  name: string,
  namespace: string,
  { change, as }: { readonly change: string; readonly as: Person },
): Promise<ProgramResult> {
  const args = ['annotate', 'serviceaccount', name, '-n', namespace, '--overwrite', change];
  return await suite.cluster.kubectl.run(args, { as });
}

async function annotateNamespace(way: string, namespace: string, as: Person): Promise<ProgramResult> {
  const annotations = { 'curfew.dev/api-access': 'lists its endpoints' };
  if (way === 'finalize') {
    const stored = JSON.parse(await suite.cluster.must(['get', 'namespace', namespace, '-o', 'json']));
    const input = JSON.stringify({ ...stored, metadata: { ...stored.metadata, annotations } });
    const path = `/api/v1/namespaces/${namespace}/finalize`;
    return await suite.cluster.kubectl.run(['replace', '--raw', path, '-f', '-'], { as, input });
  }
  const patch = ['--type=merge', '-p', JSON.stringify({ metadata: { annotations } })];
  const subresource = way === 'status' ? ['--subresource=status'] : [];
  return await suite.cluster.kubectl.run(['patch', 'namespace', namespace, ...subresource, ...patch], { as });
}
