import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAuditReport } from '../../../src/cli/read-audit-report.ts';
import { compareAudits } from '../../../src/reports/compare-audits.ts';
import { renderComparisonTable } from '../../../src/reports/comparison-table.ts';
import { createEmptyReport, createReport } from '../../audit-reports.ts';

const GOLDEN = join(import.meta.dirname, '..', '..', 'golden', 'audit');
const OLD = createReport(40);

describe('Two audits', () => {
  it('that are the same have no change', () => {
    const { worse, better } = compareAudits(OLD, createReport(40));
    expect({ worse, better }).toEqual({ worse: [], better: [] });
    const turned = { ...OLD, findings: OLD.findings.toReversed(), tokens: OLD.tokens.toReversed() };
    expect(compareAudits(OLD, turned).summary).toEqual({ worse: 0, better: 0 });
  });

  it('are as bad one way as they are good the other', () => {
    const [to, fro] = [compareAudits(OLD, createReport(60, 2)), compareAudits(createReport(60, 2), OLD)];
    expect(to.summary).toEqual({ worse: fro.summary.better, better: fro.summary.worse });
    expect(to.summary.worse).toBeGreaterThan(0);
    expect(to.summary.better).toBeGreaterThan(0);
  });

  it('differ in each part by what became of it', async () => {
    const [finding, second, ...findings] = OLD.findings;
    const [secret, ...secrets] = OLD.longLivedSecrets.map(({ invalidSince: _none, ...one }) => one);
    const [token, ...tokens] = OLD.tokens.map((one) => ({
      ...one,
      source: 'default' as const,
      never: false,
      trueSeconds: 31_536_000,
    }));
    const [path, ...paths] = OLD.access.paths;
    if (!finding || !second || !secret || !token || !path) throw new Error('the report is too small');
    const older = {
      ...OLD,
      findings: [{ ...finding, mode: 'warn' as const, denied: false }, second, ...findings],
      longLivedSecrets: [secret, ...secrets],
      tokens: [token, ...tokens],
    };
    const newer = {
      ...older,
      takenAt: '2026-11-27T09:00:00Z',
      // Refused now, and one is mended; indexes in paths shift without being told.
      findings: [{ ...finding, mode: 'enforce' as const, denied: true }, ...findings].map((one) => ({
        ...one,
        path: '/moved',
      })),
      longLivedSecrets: [{ ...secret, invalidSince: '2026-11-27' }, ...secrets],
      // The pod has another name for its volume, and its token lives an hour.
      tokens: [
        { ...token, volume: 'kube-api-access-zzzzz', trueSeconds: 3_600 },
        ...tokens.map((one) => ({ ...one, volume: 'kube-api-access-yyyyy' })),
      ],
      access: { ...OLD.access, paths: [...paths, { ...path, from: { kind: 'User' as const, name: 'mallory' } }] },
    };
    const comparison = compareAudits(older, newer);
    expect(comparison.worse.map(({ part, how }) => `${part} ${how}`).toSorted()).toEqual([
      'access new',
      'finding changed',
    ]);
    expect(comparison.better.map(({ part, how }) => `${part} ${how}`).toSorted()).toEqual([
      'access gone',
      'finding gone',
      'secret changed',
      'token gone',
    ]);
    await expect(renderComparisonTable(comparison)).toMatchFileSnapshot(join(GOLDEN, 'comparison.txt'));
    await expect(`${JSON.stringify(comparison, undefined, 2)}\n`).toMatchFileSnapshot(join(GOLDEN, 'comparison.json'));
  });

  it('say what of them cannot be compared', () => {
    const { tokens: _, access: __, ...older } = createEmptyReport();
    const newer = { ...createReport(5), cluster: 'https://other.example' };
    const { notes, worse } = compareAudits(older, newer);
    expect(notes).toEqual([
      `the older report is of another address: ${older.cluster}`,
      'not everything could be read: what is gone may still be there',
      'tokens of pods are not compared: the older report has none',
      'ways to a token are not compared: the older report has none',
    ]);
    expect(worse.filter(({ part }) => part === 'token' || part === 'access')).toEqual([]);
  });
});

describe('An older report', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'curfew-diff-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const write = (text: string): string => {
    const file = join(folder, 'old.json');
    writeFileSync(file, text);
    return file;
  };

  it('is read as it was written', async () => {
    expect(await readAuditReport(write(JSON.stringify(OLD)))).toEqual(JSON.parse(JSON.stringify(OLD)));
  });

  it.each([
    ['nothing', '', 'it is no JSON object'],
    ['a table', 'Namespace shop:\n', 'it is no JSON object'],
    [
      'another report',
      '{"apiVersion":"curfew.dev/v1alpha1","kind":"CheckReport"}',
      'kind is "CheckReport", not AuditReport',
    ],
    ['no kind', '{}', 'kind is missing, not AuditReport'],
    [
      'a later version',
      '{"apiVersion":"curfew.dev/v9","kind":"AuditReport"}',
      'apiVersion is "curfew.dev/v9", not curfew.dev/v1alpha1',
    ],
    ['no list', JSON.stringify({ ...OLD, findings: {} }), 'findings is no list'],
    [
      'a list of something else',
      JSON.stringify({ ...OLD, findings: [{ check: 1 }] }),
      'findings[0] lacks 6 texts: check, mode, reason,',
    ],
    [
      'a path from nobody',
      JSON.stringify({ ...OLD, access: { paths: [null] } }),
      'access.paths[0] lacks 3 texts: sentence, from.kind',
    ],
  ])('is refused if it is %s', async (_, text, why) => {
    const file = write(text);
    await expect(readAuditReport(file)).rejects.toThrow(`${file} is no report of curfew audit --output json: ${why}`);
  });
});
