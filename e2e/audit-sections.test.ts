/** The sections of an audit, each beside what is known of the cluster. */

import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditReport } from '../src/audit/audit-report.ts';
import { AuditReportSchema } from '../src/audit/audit-report.ts';
import { runWith } from '../test/unit/cli/run-command.ts';
import { makeQuietNamespace, type QuietNamespace } from './audited-namespace.ts';
import { makeRefusedNamespace } from './refused-namespace.ts';
import { setUpSuite } from './suite.ts';
import { OWNS_CONTROL_PLANE } from './test-cluster.ts';

const suite = setUpSuite({ secretIndex: true, enforceTemplates: true });

let namespace = '';
beforeAll(async () => {
  namespace = await makeRefusedNamespace(suite.cluster);
});
afterAll(async () => {
  await suite.cluster.kubectl.run(['delete', 'namespace', namespace, '--wait=false']);
});

async function audit(...args: readonly string[]) {
  return await runWith({}, 'audit', '--kubeconfig', suite.cluster.kubeconfig, '--output', 'json', ...args);
}

describe('The sections of an audit', () => {
  let quiet: QuietNamespace;
  const auditAs = async (...args: readonly string[]): Promise<AuditReport> => {
    const { out, error } = await audit(...args);
    expect(error).toBe('');
    return JSON.parse(out) as AuditReport;
  };
  beforeAll(async () => {
    quiet = await makeQuietNamespace(suite.cluster);
  });
  afterAll(async () => {
    await quiet.remove();
  });

  it('are as the schema has them', async () => {
    const validate = new Ajv({ strict: false }).compile(AuditReportSchema);
    validate(await auditAs('--measure-with', `${quiet.name}/web`));
    expect(validate.errors ?? []).toEqual([]);
  });

  it('say of each mounted token how long one of that kind is really valid', async () => {
    const { tokens, limits } = await auditAs('--measure-with', `${quiet.name}/web`, '--namespace', quiet.name);
    expect(limits).toMatchObject({ measured: true, issuer: 'https://kubernetes.default.svc' });
    const told = tokens.filter(({ never }) => !never);
    expect(
      told
        .map(
          ({ owner, source, audience, askedSeconds }) =>
            `${owner.kind} ${owner.name}: ${source} ${audience} ${askedSeconds}`,
        )
        .toSorted(),
    ).toEqual([
      'Deployment api: default undefined 3607',
      'Pod bare: default undefined 3607',
      'Pod hand: projected undefined 3607',
      'Pod hand: projected vault 700',
    ]);
    for (const { audience, askedSeconds = 0, trueSeconds } of told) {
      expect(trueSeconds).toBe(await quiet.measure(audience, askedSeconds));
    }
    expect(tokens.find(({ owner }) => owner.name === 'api')).toMatchObject({
      pods: 2,
      containers: ['app'],
      reachesApi: true,
    });
    expect(tokens.filter(({ never }) => never)).toMatchObject([
      { owner: { kind: 'Pod', name: 'hand' }, account: 'web', secret: 'manual', reachesApi: true },
    ]);
  });

  it('say who refers to a Secret, and whether it is ever cleaned', async () => {
    const { longLivedSecrets } = await auditAs('--namespace', quiet.name);
    expect(
      longLivedSecrets.map(({ name, usedBy, cleaning }) => ({
        name,
        cleaning,
        usedBy: usedBy.map((use) => `${use.kind} ${use.name}`),
      })),
    ).toEqual([
      { name: 'listed', cleaning: 'in-tree', usedBy: ['ServiceAccount robot'] },
      { name: 'manual', cleaning: 'never', usedBy: ['Pod hand'] },
    ]);
  });

  it('say of accounts what the API server says of them', async () => {
    const { accounts } = await auditAs();
    const own = accounts.filter(({ namespace: place }) => place === quiet.name);
    expect(own).toEqual([
      expect.objectContaining({ name: 'default', automount: 'unset', hasRights: false, podsWithToken: 0 }),
      expect.objectContaining({
        name: 'robot',
        automount: false,
        documented: 'reads Secrets',
        identities: ['aws-irsa'],
        hasRights: true,
      }),
      expect.objectContaining({ name: 'web', podsWithToken: 4, hasRights: false, identities: [] }),
    ]);
    for (const { name, hasRights } of own) {
      const user = `system:serviceaccount:${quiet.name}:${name}`;
      const { stdout } = await suite.cluster.kubectl.run([
        'auth',
        'can-i',
        'get',
        'secrets',
        '-n',
        quiet.name,
        `--as=${user}`,
      ]);
      expect(stdout.trim()).toBe(hasRights ? 'yes' : 'no');
    }
  });

  it('say what others have, and how the cluster does', async () => {
    const { foreign, podSecurity, scorecard, kubernetesVersion } = await auditAs('--measure-with', `${quiet.name}/web`);
    expect(foreign.injectors).toEqual([{ name: quiet.injector, webhook: 'inject.example.com', knownAs: 'Istio' }]);
    expect(foreign.policies).toEqual([
      expect.objectContaining({
        name: `ValidatingAdmissionPolicy ${quiet.policy}`,
        overlaps: ['pod-automount'],
        detail: expect.stringContaining('Audit'),
      }),
    ]);
    expect(podSecurity.find(({ namespace: place }) => place === quiet.name)).toEqual({
      namespace: quiet.name,
      enforce: 'restricted',
      ok: true,
    });
    expect(kubernetesVersion).toMatch(/^v1\./);
    const verdicts = new Map(
      scorecard.map(({ line, verdict, objects }) => [
        line,
        { verdict, objects: objects.map(({ namespace: place, name }) => `${place}/${name}`) },
      ]),
    );
    expect(scorecard).toHaveLength(18);
    expect(verdicts.get(1)?.objects).toContain(`${quiet.name}/web`);
    expect(verdicts.get(2)?.objects).toContain(`${quiet.name}/api`);
    expect(verdicts.get(4)?.objects).toContain(`${quiet.name}/robot`);
    expect(verdicts.get(4)?.objects).not.toContain(`${quiet.name}/web`);
    // Curfew is installed and fails closed; that namespace has it off.
    expect(verdicts.get(5)).toEqual({ verdict: 'fail', objects: [`/${quiet.name}`] });
    expect(verdicts.get(6)?.objects).toEqual(
      expect.arrayContaining([`${namespace}/old`, `${quiet.name}/listed`, `${quiet.name}/manual`]),
    );
    expect(verdicts.get(8)?.objects).not.toContain(`/${quiet.name}`);
    expect(verdicts.get(15)?.objects).toEqual([`${quiet.name}/hand`]);
    expect(verdicts.get(16)?.verdict).toBe('fail');
    expect(verdicts.get(18)?.objects).not.toContain(`/${quiet.name}`);
  });

  it('have commands that end the tokens from before', async () => {
    const listSteps = async () => (await auditAs('--namespace', quiet.name)).restarts;
    const before = await listSteps();
    expect(before.map(({ owner, pods, why }) => `${owner.kind} ${owner.name} ${pods}: ${why}`)).toEqual([
      'Deployment api 2: The API token lives a year; that of a new pod lives 1h once mutations are applied (mutateMode: apply).',
      'Pod bare 1: The API token lives a year; that of a new pod lives 1h once mutations are applied (mutateMode: apply).',
    ]);
    // From here on the webhook shortens what is made there.
    await suite.cluster.must(['label', 'namespace', quiet.name, 'curfew.dev/mutate=baseline']);
    const now = await listSteps();
    expect(now.map(({ why }) => why)).toEqual(Array(2).fill('The API token lives a year; that of a new pod lives 1h.'));
    for (const { command } of now) await quiet.runInShell(command);
    await expect.poll(listSteps, { timeout: 20_000, interval: 500 }).toEqual([]);
    const { tokens } = await auditAs('--namespace', quiet.name);
    const shortened = tokens.filter(({ source }) => source === 'default');
    expect(shortened.map(({ owner, askedSeconds }) => `${owner.name} ${askedSeconds}`)).toEqual([
      'api 3600',
      'bare 3600',
    ]);
  });

  it.runIf(OWNS_CONTROL_PLANE)('see another maximum, and that nothing is extended', async () => {
    await suite.cluster.controlPlane.restartApiServer([
      '--service-account-max-token-expiration=2h',
      '--service-account-extend-token-expiration=false',
    ]);
    const readLimits = async () =>
      (await auditAs('--measure-with', `${quiet.name}/web`, '--namespace', quiet.name)).limits;
    // The webhook caps what is asked for there since the test before.
    expect((await readLimits()).reason).toMatch(/^Something made 3600 s of the 3607 s/);
    await suite.cluster.must(['label', 'namespace', quiet.name, 'curfew.dev/mutate-']);
    await expect.poll(readLimits, { timeout: 10_000, interval: 500 }).toEqual({
      measured: true,
      issuer: 'https://kubernetes.default.svc',
      apiAudiences: ['https://kubernetes.default.svc'],
      maximumSeconds: 7_200,
      extendsTo: 3_607,
    });
  });
});
