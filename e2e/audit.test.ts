/** `curfew audit` of a real cluster, beside what the webhook says when the same objects are written anew. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditReport } from '../src/audit/audit-report.ts';
import { AuditReportSchema } from '../src/audit/audit-report.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import type { PolicyReportGroup } from '../src/reports/policy-report-groups.ts';
import { POLICY_REPORT_APIS, POLICY_REPORT_GROUPS } from '../src/reports/policy-report-groups.ts';
import { createPolicyReports } from '../src/reports/policy-reports.ts';
import { runWith } from '../test/unit/cli/run-command.ts';
import { makeQuietNamespace, type QuietNamespace } from './audited-namespace.ts';
import { POLICY_REPORT_KINDS } from './policy-report-kinds.ts';
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

  it('says what got better and worse since an older report', async () => {
    const { must, createNamespace } = suite.cluster;
    const place = await createNamespace({ 'curfew.dev/enforce': 'baseline' });
    const write = async (name: string) =>
      await must(['create', '-n', place, '-f', '-', ...UNSEEN], tokenSecret(name, 'web'));
    await write('first');
    const folder = await mkdtemp(join(tmpdir(), 'curfew-diff-'));
    try {
      const file = join(folder, 'old.json');
      await writeFile(file, (await audit('--namespace', place)).out);
      const compare = async () => await audit('--namespace', place, '--diff', file);
      expect(await compare()).toMatchObject({ code: 0, error: '' });

      await must(['delete', 'secret', 'first', '-n', place]);
      await write('second');
      const { code, out } = await compare();
      const told = (list: string) =>
        asArray(member(JSON.parse(out), list)).map(
          (one) => `${asString(member(one, 'part'))} ${asString(member(one, 'what'))}`,
        );
      expect(code).toBe(1);
      expect(told('worse')).toEqual([`finding Secret ${place}/second`, `secret Secret ${place}/second`]);
      expect(told('better')).toEqual([`finding Secret ${place}/first`, `secret Secret ${place}/first`]);
    } finally {
      await rm(folder, { recursive: true });
    }
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

describe('curfew config test', () => {
  const CHECK = 'checks.long-lived-token-secret.mode';

  async function trial(...args: readonly string[]) {
    const where = ['--kubeconfig', suite.cluster.kubeconfig, '-n', namespace, '--output', 'json'];
    const { code, out, error } = await runWith({}, 'config', 'test', ...where, ...args);
    expect(error).toBe('');
    const changes = asArray(member(JSON.parse(out), 'changes')).map((change) =>
      ['object', 'check', 'before', 'after'].map((key) => asString(member(change, key))).join(' | '),
    );
    return { code, changes };
  }

  it('says what would be refused less, and more, of what is there', async () => {
    const less = ['Secret old | long-lived-token-secret | refused | warned about'];
    expect(await trial('--set', `${CHECK}=warn`)).toEqual({ code: 0, changes: less });
    const folder = mkdtempSync(join(tmpdir(), 'curfew-trial-'));
    const config = join(folder, 'curfew.yaml');
    const file = { apiVersion: 'curfew.dev/v1alpha1', kind: 'CurfewConfiguration' };
    writeFileSync(config, JSON.stringify({ ...file, checks: { 'long-lived-token-secret': { mode: 'warn' } } }));
    const more = ['Secret old | long-lived-token-secret | warned about | refused'];
    expect(await trial('--config', config, '--set', `${CHECK}=null`)).toEqual({ code: 1, changes: more });
    expect(await trial('--set', 'mutateMode=apply')).toMatchObject({ code: 0 });
    rmSync(folder, { recursive: true });
  });
});

describe.runIf(OWNS_CONTROL_PLANE)('Policy reports', () => {
  const publish = async (group: PolicyReportGroup, ...args: readonly string[]) =>
    await audit('--publish-policy-reports', '--policy-report-group', group, ...args);
  const read = async (group: PolicyReportGroup, within: string): Promise<unknown> =>
    JSON.parse(await suite.cluster.must(['get', `${nameKind(group)}/curfew-audit`, '-n', within, '-o', 'json']));
  const nameKind = (group: PolicyReportGroup) => `${POLICY_REPORT_APIS[group].namespaced.resource}.${group}`;

  describe.each(POLICY_REPORT_GROUPS)('of %s', (group) => {
    it('need their kinds, and say so', async () => {
      const { code, error } = await publish(group, '--namespace', namespace);
      expect(code).toBe(2);
      const { kind } = POLICY_REPORT_APIS[group].namespaced;
      expect(error).toContain(`this cluster has no ${kind} and Cluster${kind} of ${group}/`);
      expect(error).toContain('install their CustomResourceDefinitions');
    });

    it('are written in place, as the API server takes them, and taken away when nothing fails', async () => {
      const { must, createNamespace } = suite.cluster;
      for (const kind of POLICY_REPORT_KINDS[group]) await must(['apply', '-f', '-'], kind);
      const names = POLICY_REPORT_KINDS[group].map((kind) => `crd/${asString(valueAt(kind, ['metadata', 'name']))}`);
      await must(['wait', '--for=condition=Established', '--timeout=30s', ...names]);

      const first = await publish(group, '--namespace', namespace);
      expect(first).toMatchObject({ code: 1, error: `curfew: 1 policy report written, 0 deleted (${group})\n` });
      const written = await read(group, namespace);
      const wanted = createPolicyReports(JSON.parse(first.out), { group, withWarnings: false });
      // Nothing was pruned: every field is one that the kind has.
      const sent = wanted.find(({ metadata }) => metadata.namespace === namespace);
      expect(member(written, 'results')).toEqual(sent?.['results']);
      expect(member(written, 'summary')).toEqual(sent?.['summary']);

      const other = await createNamespace({ 'curfew.dev/enforce': 'baseline' });
      await must(['create', '-n', other, '-f', '-', ...UNSEEN], tokenSecret('old', 'web'));
      // Not ours: only the name differs, and who wrote it.
      const foreign = { ...(sent as JsonObject), metadata: { ...sent?.metadata, name: 'other', namespace: other } };
      await must(['create', '-f', '-'], foreign);
      const all = await publish(group);
      expect(all.error).toMatch(/^curfew: \d+ policy reports written, 0 deleted/);
      expect(asArray(member(await read(group, other), 'results'))).toHaveLength(1);
      const again = await read(group, namespace);
      expect(valueAt(again, ['metadata', 'uid'])).toBe(valueAt(written, ['metadata', 'uid']));

      await must(['delete', 'secret', 'old', '-n', other]);
      const last = await publish(group);
      expect(last.error).toMatch(/^curfew: \d+ policy reports? written, 1 deleted/);
      expect(await must(['get', nameKind(group), '-n', other, '-o', 'name'])).toBe(
        `${nameKind(group).replace(/s\./, '.')}/other\n`,
      );
    });

    it('are left alone where somebody else has one of that name', async () => {
      const { must, createNamespace } = suite.cluster;
      const other = await createNamespace({ 'curfew.dev/enforce': 'restricted' });
      await must(['create', '-n', other, '-f', '-', ...UNSEEN], tokenSecret('old', 'web'));
      const { version, namespaced } = POLICY_REPORT_APIS[group];
      const theirs = {
        apiVersion: `${group}/${version}`,
        kind: namespaced.kind,
        metadata: { name: 'curfew-audit', namespace: other },
        summary: { pass: 7 },
        results: [{ policy: 'theirs' }],
      };
      await must(['create', '-f', '-'], theirs);
      const { code, error } = await publish(group, '--namespace', other);
      expect(code).toBe(2);
      expect(error).toMatch(new RegExp(`${namespaced.kind} ${other}/curfew-audit cannot be written: HTTP 409`));
      expect(member(await read(group, other), 'results')).toEqual(theirs.results);
    });
  });
});

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
