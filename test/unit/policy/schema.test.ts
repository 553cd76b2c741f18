import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE } from '../../../src/policy/configuration.ts';
import { ConfigurationSchema } from '../../../src/policy/configuration-schema.ts';
import { toEffectiveFile } from '../../../src/policy/effective-file.ts';
import { setValue, toSteps } from '../../../src/policy/set-value.ts';
import { configure } from '../judging.ts';

const PUBLISHED = join(import.meta.dirname, '..', '..', '..', 'docs', 'reference', 'configuration.schema.json');

/** Without what is there for people alone. */
function withoutWords(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === 'description' && typeof value === 'string' ? undefined : value,
  );
}

describe('The schema of the configuration', () => {
  it('is the one that is published', () => {
    const published: JsonObject = JSON.parse(readFileSync(PUBLISHED, 'utf8'));
    expect(published).toMatchObject(withoutWords(ConfigurationSchema) as JsonObject);
  });
});

describe('The effective file', () => {
  it('of an empty one has every default, and is a file that says the same', () => {
    const effective = toEffectiveFile(configure());
    const keys = ['apiVersion', 'kind', 'dryRun', 'dryRunInjection', 'levels', 'namespaces', 'mutateMode'];
    const more = ['enforceTemplates', 'apiAccess', 'namespaceWarnings', 'events', 'secretIndex', 'foreignWebhooks'];
    const last = ['excludedNamespaces', 'excludedNamespaceSets', 'checks', 'mutations', 'server'];
    expect(Object.keys(effective)).toEqual([...keys, ...more, ...last]);
    expect(toEffectiveFile(configure(effective))).toEqual(effective);
    expect(effective).toMatchObject({ ...EMPTY_CONFIGURATION_FILE, namespaces: {}, excludedNamespaces: [] });
  });

  it('says what is set, and leaves out what is not', () => {
    const file = {
      catalogue: '0.1',
      namespaces: { shop: { warn: 'off' } },
      excludedNamespaces: ['a'],
      excludedNamespaceSets: ['eks'],
      cluster: { issuers: ['https://a.example'] },
      checks: { 'pod-automount': { mode: 'audit' } },
      callerAuthentication: { caFile: '/ca', names: ['apiserver'] },
      tls: { certFile: '/cert', keyFile: '/key' },
    };
    const effective = toEffectiveFile(configure(file));
    expect(effective).toMatchObject({
      ...file,
      callerAuthentication: { ...file.callerAuthentication, enforce: true },
      tls: { ...file.tls, source: 'files' },
    });
    expect(effective['namespaces']).toEqual({ shop: { warn: 'off' } });
    expect(effective['cluster']).toEqual({ issuers: ['https://a.example'] });
    expect(toEffectiveFile(configure({ cluster: { apiAudiences: ['a'] } }))['cluster']).toEqual({
      apiAudiences: ['a'],
    });
  });
});

describe('A value that a command line sets', () => {
  it.each([
    ['dryRun', ['dryRun']],
    ['checks.token-lifetime.mode', ['checks', 'token-lifetime', 'mode']],
    ['a.b\\.c.d\\.e', ['a', 'b.c', 'd.e']],
    ['', ['']],
  ])('%s is at %j', (key, steps) => {
    expect(toSteps(key)).toEqual(steps);
  });

  it('is set in a copy, and what is on the way is made', () => {
    const file = { kind: 'a', checks: { one: { mode: 'warn', other: 1 } }, text: 'x' };
    const before = structuredClone(file);
    expect(setValue(file, ['checks', 'one', 'mode'], 'off')).toEqual({
      ...file,
      checks: { one: { mode: 'off', other: 1 } },
    });
    expect(setValue(file, ['new', 'one'], 1)).toEqual({ ...file, new: { one: 1 } });
    expect(setValue(file, ['text', 'one'], 1)).toEqual({ ...file, text: { one: 1 } });
    expect(setValue(file, ['list'], ['a'])).toEqual({ ...file, list: ['a'] });
    expect(setValue(file, ['text'], null)).toEqual({ kind: 'a', checks: file.checks });
    expect(setValue(file, [], 1)).toEqual({ ...file, '': 1 });
    expect(file).toEqual(before);
  });

  it('may be called as what every object has', () => {
    const set = setValue({}, ['__proto__', 'a'], 1);
    expect(Object.keys(set)).toEqual(['__proto__']);
    expect(JSON.stringify(set)).toBe('{"__proto__":{"a":1}}');
  });
});
