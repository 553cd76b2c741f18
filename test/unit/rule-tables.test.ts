/** What the rules say of themselves in tables, and not by their code. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startLevel } from '../../src/checks/define-check.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { MUTATIONS } from '../../src/mutations/registry.ts';
import { type JsonObject, valueAt } from '../../src/objects/json.ts';

const PUBLISHED: unknown = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../docs/reference/configuration.schema.json'), 'utf8'),
);

describe.each([...CHECKS, ...MUTATIONS].map((rule) => ({ id: rule.id, rule })))('Rule $id', ({ id, rule }) => {
  it('has the options that are published, and no others', () => {
    const where = 'mutate' in rule ? 'mutations' : 'checks';
    const published = valueAt(PUBLISHED, ['properties', where, 'properties', id]) as JsonObject;
    const { mode, ...options } = published['properties'] as JsonObject;
    expect(mode).toBeDefined();
    expect(JSON.parse(JSON.stringify(rule.options))).toEqual({ ...published, properties: options });
  });
});

it('What a rule reads and looks up, where it starts and what it does by default is what was published', async () => {
  const checks = CHECKS.map((check) => ({
    id: check.id,
    since: check.since,
    start: startLevel(check),
    levels: check.levels,
    defaults: check.defaults,
    reads: check.reads,
    needs: check.needs,
  }));
  const mutations = MUTATIONS.map(({ id, since, level, defaults, reads, needs, mends }) => ({
    id,
    since,
    level,
    defaults,
    reads,
    needs,
    mends,
  }));
  await expect(`${JSON.stringify({ checks, mutations }, null, 2)}\n`).toMatchFileSnapshot('../golden/rules.json');
});
