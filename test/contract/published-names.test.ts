/**
 * The names that others build on (docs/guides/stability.md). The list only grows: a name on it that is gone would break
 * somebody's configuration, dashboard or pipeline, and a new one is published by being written here.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../src/checks/registry.ts';
import { createProgram } from '../../src/cli/commands/program.ts';
import { GUARDS } from '../../src/engine/guards.ts';
import { FAULTS } from '../../src/errors.ts';
import { METRICS } from '../../src/metrics/metrics.ts';
import { MUTATIONS } from '../../src/mutations/registry.ts';
import { asArray, isObject, member } from '../../src/objects/json.ts';
import { AUDIT_KEYS } from '../../src/policy/labels.ts';
import { JOB_METRICS } from '../../src/reports/job-metrics.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const LIST = 'test/contract/published-names.txt';
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const { stdout, stderr } = process;
const PROGRAM = createProgram({
  io: {
    write: (text) => stdout.write(text),
    writeError: (text) => stderr.write(text),
    input: process.stdin,
    terminal: undefined,
    signal: new AbortController().signal,
  },
  outcome: { code: 0, failure: 1 },
});

const COMMANDS = listCommands(PROGRAM.commands);

function listCommands(commands: readonly Command[]): readonly Command[] {
  return commands.flatMap((command) => [command, ...listCommands(command.commands)]);
}

/** Every key of a JSON schema, with its parents; below `config` of the chart are the keys of the configuration. */
function listKeys(schema: unknown, parents: readonly string[] = []): readonly string[] {
  if (!isObject(schema)) return [];
  const properties = member(schema, 'properties');
  const own = isObject(properties) ? Object.entries(properties) : [];
  const named = member(schema, 'patternProperties');
  const below = [
    ...own,
    ...(isObject(named) ? Object.values(named) : []).map((part) => ['<name>', part] as const),
    ['<name>', member(schema, 'additionalProperties')] as const,
    ['[]', member(schema, 'items')] as const,
  ];
  return [
    ...own.map(([key]) => [...parents, key].join('.')),
    ...below.flatMap(([key, part]) => listKeys(part, [...parents, key])),
    ...['anyOf', 'oneOf', 'allOf'].flatMap((key) =>
      asArray(member(schema, key)).flatMap((part) => listKeys(part, parents)),
    ),
  ];
}

function listMatches(path: string, pattern: RegExp): readonly string[] {
  return [...read(path).matchAll(pattern)].map(([, name = '']) => name);
}

function listKinds(): Readonly<Record<string, readonly string[]>> {
  return {
    check: CHECKS.map(({ id }) => id),
    mutation: MUTATIONS.map(({ id }) => id),
    guard: GUARDS.map(({ id }) => id),
    error: Object.keys(FAULTS),
    metric: [...Object.values(METRICS), ...Object.values(JOB_METRICS)].map(({ name }) => name),
    'metric label': [...Object.values(METRICS), ...Object.values(JOB_METRICS)].flatMap(({ name, labels }) =>
      labels.map((label) => `${name} ${label}`),
    ),
    'audit annotation': Object.values(AUDIT_KEYS),
    'label or annotation': listMatches('docs/reference/labels-and-annotations.md', /^\| `([^`]*curfew\.dev\/[^`]+)`/gm),
    'configuration key': listKeys(JSON.parse(read('docs/reference/configuration.schema.json'))),
    'chart value': listKeys(JSON.parse(read('charts/curfew/values.schema.json'))).filter(
      (key) => !key.startsWith('config.'),
    ),
    command: COMMANDS.map((command) => command.name()),
    flag: COMMANDS.flatMap(({ options }) => options.flatMap(({ long }) => long ?? [])),
  };
}

describe('Published names', () => {
  const published = read(LIST)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const kinds = Object.entries(listKinds());
  const names = kinds.flatMap(([kind, some]) => [...new Set(some)].map((name) => `${kind} ${name}`));

  it('are all there still', () => {
    expect(published.filter((name) => !names.includes(name))).toEqual([]);
  });

  it(`are written into ${LIST} when they are new`, () => {
    expect(names.filter((name) => !published.includes(name))).toEqual([]);
  });

  it('are some of each kind, each once', () => {
    for (const [kind, some] of kinds) expect(`${some.length} of ${kind}`).not.toMatch(/^[01] /);
    expect(new Set(published).size).toBe(published.length);
  });
});
