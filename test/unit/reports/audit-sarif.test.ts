import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asArray, member, valueAt } from '../../../src/objects/json.ts';
import { renderAuditSarif } from '../../../src/reports/audit-sarif.ts';
import { createReport } from '../../audit-reports.ts';

describe('SARIF of an audit', () => {
  it('is as it is', async () => {
    const golden = join(import.meta.dirname, '..', '..', 'golden', 'audit', 'form-sarif.json');
    await expect(renderAuditSarif(createReport(6), '0.0.0')).toMatchFileSnapshot(golden);
  });

  it('names objects and no files, and each rule that it refers to', () => {
    const report = createReport(400);
    const log: unknown = JSON.parse(renderAuditSarif(report, '0.0.0'));
    const run = ['runs', 0] as const;
    const rules = asArray(valueAt(log, [...run, 'tool', 'driver', 'rules']));
    const results = asArray(valueAt(log, [...run, 'results']));
    expect(results.length).toBeGreaterThanOrEqual(report.findings.length + report.undecided.length);
    for (const result of results) {
      expect(member(rules[Number(member(result, 'ruleIndex'))], 'id')).toBe(member(result, 'ruleId'));
      expect(valueAt(result, ['locations', 0, 'physicalLocation'])).toBeUndefined();
      expect(valueAt(result, ['locations', 0, 'logicalLocations', 0, 'fullyQualifiedName'])).toMatch(/^[A-Z]\w+ \S+$/);
    }
  });
});
