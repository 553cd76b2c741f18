import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FAILURES } from '../../scripts/failure-table.ts';
import { FAULTS } from '../../src/errors.ts';
import { METRICS } from '../../src/metrics/metrics.ts';

const ROOT = join(import.meta.dirname, '../..');
const ROWS = Object.entries(FAILURES);

describe('The table of failures', () => {
  it.each(ROWS)('has a test that compares what it saw with %s', (id, { heldBy: [file, words] }) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    expect({ compares: text.includes(`expectFailure('${id}'`), isNamed: text.includes(words) }).toEqual({
      compares: true,
      isNamed: true,
    });
  });

  it.each(ROWS)('names only faults and metrics that there are: %s', (_id, { user, log, metrics }) => {
    const codes = [user, ...log, ...metrics].flatMap((text) => text.match(/CURFEW_E_[A-Z_]+/g) ?? []);
    expect(codes.filter((code) => !(code in FAULTS))).toEqual([]);
    const names = Object.values(METRICS).map(({ name }) => name);
    const asked = metrics.map((series) => series.replace(/\{.*/, ''));
    expect(asked.filter((name) => !names.some((known) => name.startsWith(known)))).toEqual([]);
  });
});
