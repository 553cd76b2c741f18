/** `curfew audit` of a real cluster, beside what the webhook says when the same objects are written anew. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import type { PolicyReportGroup } from '../src/reports/policy-report-groups.ts';
import { POLICY_REPORT_APIS, POLICY_REPORT_GROUPS } from '../src/reports/policy-report-groups.ts';
import { createPolicyReports } from '../src/reports/policy-reports.ts';
import { runWith } from '../test/unit/cli/run-command.ts';
import { POLICY_REPORT_KINDS } from './policy-report-kinds.ts';
import { makeRefusedNamespace } from './refused-namespace.ts';
import { setUpSuite } from './suite.ts';
import { OWNS_CONTROL_PLANE, tokenSecret } from './test-cluster.ts';
import { untilEstablished } from './workloads.ts';

const UNSEEN = ['--as=system:apiserver', '--as-group=system:masters', '--as-group=system:nodes'];

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
      await untilEstablished(suite.cluster, ...names);

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
