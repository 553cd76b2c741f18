import { describe, expect, it } from 'vitest';
import { readConfiguration } from '../../../src/policy/configuration.ts';
import type { Migration } from '../../../src/policy/migrations.ts';
import { migrateFile } from '../../../src/policy/migrations.ts';

/** Two versions that never were: the older one had its levels at the top, the oldest another name for one. */
const MADE_UP: readonly Migration[] = [
  {
    from: 'curfew.dev/v0alpha1',
    to: 'curfew.dev/v0alpha2',
    changes: ['strict is now enforce'],
    migrate: ({ strict, ...file }) => (strict === undefined ? file : { ...file, enforce: strict }),
  },
  {
    from: 'curfew.dev/v0alpha2',
    to: 'curfew.dev/v1alpha1',
    changes: ['enforce is now levels.enforce'],
    migrate: ({ enforce, ...file }) => (enforce === undefined ? file : { ...file, levels: { enforce } }),
  },
];

describe('A file of an older version', () => {
  const file = { apiVersion: 'curfew.dev/v0alpha1', kind: 'CurfewConfiguration', strict: 'off', dryRun: true };

  it('takes every step to the version that is read, and is then read', () => {
    const { file: migrated, steps } = migrateFile(file, MADE_UP);
    expect(migrated).toEqual({
      apiVersion: 'curfew.dev/v1alpha1',
      kind: 'CurfewConfiguration',
      levels: { enforce: 'off' },
      dryRun: true,
    });
    expect(steps.map(({ to }) => to)).toEqual(['curfew.dev/v0alpha2', 'curfew.dev/v1alpha1']);
    expect(readConfiguration(file, MADE_UP)).toMatchObject({
      ok: true,
      configuration: { dryRun: true, levels: { enforce: 'off' } },
    });
  });

  it('is left alone and refused where no step is known', () => {
    expect(migrateFile(file)).toEqual({ file, steps: [] });
    const result = readConfiguration(file);
    expect(result.ok ? [] : result.problems[0]).toMatchObject({ path: '/', key: 'strict' });
  });

  it.each([[undefined], [null], ['text'], [[]], [{}], [{ apiVersion: 7 }], [{ apiVersion: 'curfew.dev/v1alpha1' }]])(
    'is not %j',
    (other) => {
      expect(migrateFile(other, MADE_UP)).toEqual({ file: other, steps: [] });
    },
  );

  it('ends, even if the steps go in a circle', () => {
    const [first, second] = MADE_UP;
    if (first === undefined || second === undefined) throw new Error('there are two');
    expect(migrateFile(file, [first, { ...second, to: first.from }]).steps).toHaveLength(2);
  });
});
