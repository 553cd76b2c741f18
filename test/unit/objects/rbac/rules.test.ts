import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/objects/json.ts';
import {
  allowsName,
  limitOf,
  listGranted,
  prepareRights,
  type Right,
  readRules,
} from '../../../../src/objects/rbac/rules.ts';
import { type Rule, rule } from './rules-for-tests.ts';

function isGranted(rules: readonly JsonObject[], right: Right, name = 'x'): boolean {
  const table = prepareRights([right]);
  return readRules({ rules }).some((read) => listGranted(read, table).length > 0 && allowsName(read, name));
}

describe('A rule', () => {
  const secrets = { verb: 'get', group: '', resource: 'secrets' };
  const exec = { verb: 'create', group: '', resource: 'pods/exec' };
  const scale = { verb: 'patch', group: 'apps', resource: 'deployments/scale' };

  // `-` stands for the core API group.
  it.each<[string, Rule, Right, boolean]>([
    ['by name', rule('get', '-', 'secrets'), secrets, true],
    ['by one of several', rule('list get', 'apps -', 'pods secrets'), secrets, true],
    ['by any verb', rule('*', '-', 'secrets'), secrets, true],
    ['by any group', rule('get', '*', 'secrets'), secrets, true],
    ['by any resource', rule('get', '-', '*'), secrets, true],
    ['by anything', rule('*', '*', '*'), secrets, true],
    ['by anything, a subresource', rule('*', '*', '*'), exec, true],
    ['not by another verb', rule('list', '-', 'secrets'), secrets, false],
    ['not by another group', rule('get', 'apps', 'secrets'), secrets, false],
    ['not by another resource', rule('get', '-', 'configmaps'), secrets, false],
    ['not in other letters', rule('GET', '-', 'Secrets'), secrets, false],
    ['not by a pattern of a verb', rule('g*', '-', 'secrets'), secrets, false],
    ['a subresource by name', rule('create', '-', 'pods/exec'), exec, true],
    ['a subresource of every resource', rule('create', '-', '*/exec'), exec, true],
    ['a subresource of every resource in its group', rule('patch', 'apps', '*/scale'), scale, true],
    ['no subresource by its resource', rule('create', '-', 'pods'), exec, false],
    ['no subresource by a pattern behind the slash', rule('create', '-', 'pods/*'), exec, false],
    ['no subresource by two stars', rule('create', '-', '*/*'), exec, false],
    ['no subresource by its own name', rule('create', '-', 'exec'), exec, false],
    ['no resource by a subresource of every resource', rule('get', '-', '*/secrets'), secrets, false],
  ])('grants a right %s', (_what, given, right, wanted) => {
    expect(isGranted([given], right)).toBe(wanted);
  });

  it('for paths that are no resources grants none', () => {
    expect(isGranted([{ verbs: ['*'], nonResourceURLs: ['*'] }], secrets)).toBe(false);
  });

  it.each<[string, JsonObject]>([
    ['null lists', { verbs: null, apiGroups: null, resources: null, resourceNames: null }],
    ['a text in the place of a list', { verbs: '*', apiGroups: '*', resources: '*' }],
    ['numbers in lists', { verbs: [1], apiGroups: [0], resources: [{}] }],
    ['inherited names', { verbs: ['constructor'], apiGroups: ['__proto__'], resources: ['toString'] }],
  ])('with %s grants nothing', (_what, given) => {
    expect(isGranted([given], secrets)).toBe(false);
  });

  it.each<[string, Rule, Right, readonly string[] | undefined]>([
    ['nothing', rule('get', '-', 'secrets'), secrets, undefined],
    ['its names', rule('get', '-', 'secrets', 'a b'), secrets, ['a', 'b']],
    ['its names, for get of the empty one too', rule('get', '-', 'secrets', '- a'), secrets, ['', 'a']],
    [
      'nothing where no request has a name',
      rule('list', '-', 'secrets', '- a'),
      { ...secrets, verb: 'list' },
      undefined,
    ],
    [
      'its names for list, which may select one',
      rule('list', '-', 'secrets', 'a'),
      { ...secrets, verb: 'list' },
      ['a'],
    ],
    ['its names for create on a subresource', rule('create', '-', 'pods/exec', '- a'), exec, ['', 'a']],
  ])('limits a right to %s', (_what, given, right, wanted) => {
    expect(readRules({ rules: [given] }).map((read) => limitOf(read, right))).toEqual([wanted]);
  });

  it('keeps its place among rules that are none', () => {
    expect(readRules({ rules: [null, 'x', rule('get', '-', 'pods')] }).map(({ index }) => index)).toEqual([2]);
  });
});
