import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../src/checks/registry.ts';
import { FAULTS } from '../../src/errors.ts';
import { METRICS } from '../../src/metrics/prometheus.ts';
import { MUTATIONS } from '../../src/mutations/registry.ts';
import { ENTRIES } from '../../src/review/entries.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

describe('What is generated', () => {
  it('is what the code says now', () => {
    const output = execFileSync(process.execPath, [join(ROOT, 'scripts/generate.ts'), '--check'], { encoding: 'utf8' });
    expect(output).toBe('');
  });

  it('has a page for each check and no other page', () => {
    const pages = readdirSync(join(ROOT, 'docs/reference/checks')).toSorted();
    expect(pages).toEqual(CHECKS.map(({ id }) => `${id}.md`).toSorted());
  });

  it('lists every rule in the README', () => {
    const readme = read('README.md');
    for (const { id } of [...CHECKS, ...MUTATIONS]) expect(readme).toContain(`\`${id}\``);
  });

  it('lists exactly the faults, metrics and entries of the code', () => {
    const named = (path: string, pattern: RegExp) => [
      ...new Set([...read(path).matchAll(pattern)].map(([, name]) => name)),
    ];
    expect(named('docs/reference/errors.md', /`(CURFEW_E_[A-Z_]+)`/g)).toEqual(Object.keys(FAULTS));
    expect(named('docs/reference/metrics.md', /`(curfew_[a-z_]+)`/g)).toEqual(
      Object.values(METRICS).map(({ name }) => name),
    );
    expect(named('docs/reference/webhook-entries.md', /`(\/[a-z/]+)`/g)).toEqual(ENTRIES.map(({ path }) => path));
  });

  it('knows every check and mutation in the schema of the values', () => {
    const schema: { properties: { config: { properties: Record<string, { properties: object }> } } } = JSON.parse(
      read('charts/curfew/values.schema.json'),
    );
    const keys = (name: string) => Object.keys(schema.properties.config.properties[name]?.properties ?? {});
    expect(keys('checks')).toEqual(CHECKS.map(({ id }) => id));
    expect(keys('mutations')).toEqual(MUTATIONS.map(({ id }) => id));
  });
});

describe('The table of webhook entries', () => {
  it('has a path of its own for each entry, and a name of its own within a kind', () => {
    expect(new Set(ENTRIES.map(({ path }) => path)).size).toBe(ENTRIES.length);
    expect(new Set(ENTRIES.map(({ type, name }) => `${type} ${name}`)).size).toBe(ENTRIES.length);
  });

  it('sends every resource that a rule reads, and none that no rule reads', () => {
    const sent = new Set(
      ENTRIES.flatMap(({ rules }) =>
        rules.flatMap(({ apiGroups, resources, operations }) =>
          resources.flatMap((resource) =>
            operations.map((operation) => `${operation} ${resource}.${apiGroups[0] ?? ''}`),
          ),
        ),
      ),
    );
    const wanted = new Set(
      [...CHECKS, ...MUTATIONS].flatMap(({ reads }) =>
        reads.flatMap(({ group, resource, operations }) =>
          operations.map((operation) => `${operation} ${resource}.${group}`),
        ),
      ),
    );
    expect(sent).toEqual(wanted);
  });

  it('never fails closed in kube-system', () => {
    const closed = ENTRIES.filter(({ failurePolicy }) => failurePolicy === 'Fail');
    expect(closed.map(({ namespaces }) => namespaces)).toEqual(closed.map(() => 'all but platform and system'));
  });
});
