import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { asArray, member } from '../../../src/objects/json.ts';
import { POLICY_REPORT_GROUPS } from '../../../src/reports/policy-report-groups.ts';
import { createPolicyReports } from '../../../src/reports/policy-reports.ts';
import { createReport } from '../../audit-reports.ts';

const GOLDEN = join(import.meta.dirname, '..', '..', 'golden', 'audit');

describe('Policy reports', () => {
  it.each(POLICY_REPORT_GROUPS)('of %s are as they are', async (group) => {
    const reports = createPolicyReports(createReport(12), { group, withWarnings: true });
    await expect(reports.map((one) => `---\n${stringify(one, { lineWidth: 0 })}`).join('')).toMatchFileSnapshot(
      join(GOLDEN, `policy-report-${group}.yaml`),
    );
  });

  it('tell failures alone, one report for each namespace that has some', () => {
    const report = createReport(300);
    const reports = createPolicyReports(report, { group: 'openreports.io', withWarnings: false });
    const failed = report.findings.filter(({ mode }) => mode === 'enforce');
    const where = new Set(failed.map(({ object }) => object.namespace));
    expect(new Set(reports.map(({ metadata }) => metadata.namespace ?? ''))).toEqual(where);
    expect(reports).toHaveLength(where.size);
    for (const { kind, metadata, results } of reports) {
      expect(kind).toBe(metadata.namespace === undefined ? 'ClusterReport' : 'Report');
      expect(metadata.name).toBe('curfew-audit');
      expect(asArray(results as never).map((one) => member(one, 'result'))).toEqual(
        asArray(results as never).map(() => 'fail'),
      );
    }
  });

  it('are bounded, and count what they leave out', () => {
    const report = createReport(3);
    const [first] = report.findings;
    if (first === undefined) throw new Error('no finding');
    const long = '😀'.repeat(20_000);
    const findings = Array.from({ length: 1_200 }, (_, index) => ({
      ...first,
      mode: 'enforce' as const,
      object: { ...first.object, namespace: 'shop', name: `pod-${index}` },
      detail: long,
      fix: long,
      path: long,
    }));
    const [one] = createPolicyReports({ ...report, findings }, { group: 'wgpolicyk8s.io', withWarnings: false });
    expect(member(one, 'summary')).toEqual({ pass: 0, fail: 1_200, warn: 0, error: 0, skip: 1 });
    const results = asArray(member(one, 'results'));
    expect(results).toHaveLength(501);
    expect(member(results.at(-1), 'message')).toBe(
      '700 more findings of this namespace: curfew audit tells all of them.',
    );
    expect(Buffer.byteLength(JSON.stringify(one))).toBeLessThan(1_500_000);
    expect(JSON.stringify(one).isWellFormed()).toBe(true);
  });

  it('are the same for the same cluster, in whatever order it was read', () => {
    const report = createReport(200);
    const turned = { ...report, findings: report.findings.toReversed() };
    const options = { group: 'openreports.io', withWarnings: true } as const;
    expect(createPolicyReports(turned, options)).toEqual(createPolicyReports(report, options));
  });
});
