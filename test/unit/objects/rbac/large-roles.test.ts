import { describe, expect, it } from 'vitest';
import { collectGrants, type ListGrants, MOST_GRANTS } from '../../../../src/objects/rbac/grants.ts';
import { fc } from '../../../properties.ts';
import { numRuns } from '../../arbitraries.ts';
import { added, keysOf, RIGHTS, type Rule, randomRules, rule, WILDCARDS } from './rules-for-tests.ts';

describe('Rules that grant more than can be told', () => {
  const many = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  const enormous: Rule = { verbs: ['*'], apiGroups: many('g', 10_000), resources: many('r', 10_000) };

  it('are told as a whole, and do not write out their product', () => {
    const grants = keysOf(WILDCARDS, [enormous, rule('get', '-', 'secrets'), rule('*', '-', 'pods')]);
    expect(grants.map(({ rule: { index } }) => index)).toEqual([0, 2]);
  });

  it('add nothing while they stay as they are, whatever their order is', () => {
    const other = { ...enormous, verbs: ['get', '*'] };
    expect(added(WILDCARDS, [enormous, other], [other, enormous])).toEqual([]);
  });

  const [first = '', ...fewerGroups] = enormous.apiGroups;
  const [, ...fewerResources] = enormous.resources;
  const named: Rule = { ...rule('get list', '-', 'secrets pods'), resourceNames: many('n', 1_000) };

  it.each<[string, ListGrants, readonly Rule[], readonly Rule[]]>([
    ['one group less', WILDCARDS, [enormous], [{ ...enormous, apiGroups: fewerGroups }]],
    [
      'less of two',
      WILDCARDS,
      [enormous],
      [
        { ...enormous, apiGroups: fewerGroups },
        { ...enormous, resources: fewerResources },
      ],
    ],
    [
      'two parts',
      WILDCARDS,
      [enormous],
      [
        { ...enormous, apiGroups: fewerGroups },
        { ...enormous, apiGroups: [first] },
      ],
    ],
    [
      'one rule of two',
      WILDCARDS,
      [
        { ...enormous, apiGroups: fewerGroups },
        { ...enormous, apiGroups: [first, 'g1'] },
      ],
      [enormous],
    ],
    ['a list in place of everything', WILDCARDS, [rule('*', '*', '*')], [enormous]],
    ['names in place of none', WILDCARDS, [enormous], [{ ...enormous, resourceNames: ['a'] }]],
    ['so little that all can be told', WILDCARDS, [enormous], [rule('*', 'g1 g7', 'r1 r2')]],
    ['one name less', RIGHTS, [named], [{ ...named, resourceNames: many('n', 999) }]],
    ['a single name', RIGHTS, [named], [{ ...named, resourceNames: ['n7'] }]],
    ['rules of one name each', RIGHTS, [named], many('n', 1_000).map((name) => ({ ...named, resourceNames: [name] }))],
    [
      'one rule in place of one for each name',
      RIGHTS,
      many('n', 1_000).map((name) => ({ ...named, resourceNames: [name] })),
      [named],
    ],
  ])('add nothing when they become %s', (_what, list, old, rules) => {
    expect(added(list, rules, old)).toEqual([]);
    // What the engine goes by: the keys of the old object, judged alone.
    const keys = new Set(keysOf(list, old).map(({ key }) => key));
    for (const { key } of keysOf(list, rules, old)) expect(keys).toContain(key);
  });

  it.each<[string, ListGrants, readonly Rule[], readonly Rule[]]>([
    ['another resource', WILDCARDS, [enormous], [{ ...enormous, resources: [...fewerResources, 'secrets'] }]],
    ['every resource', WILDCARDS, [enormous], [{ ...enormous, resources: ['*'] }]],
    ['every name', RIGHTS, [named], [{ ...named, resourceNames: [...many('n', 999), ''] }]],
    ['another name', RIGHTS, [named], [{ ...named, resourceNames: [...many('n', 999), 'other'] }]],
    ['another name, and little else', RIGHTS, [named], [{ ...named, verbs: ['get'], resourceNames: ['other'] }]],
    [
      'the groups of one rule with the resources of another',
      WILDCARDS,
      [
        { ...enormous, apiGroups: fewerGroups },
        { ...enormous, resources: fewerResources },
      ],
      [enormous],
    ],
  ])('add something when they get %s', (_what, list, old, rules) => {
    expect(added(list, rules, old)).not.toEqual([]);
  });

  it('add something where and only where single grants do', () => {
    const most = fc.constantFrom(0, 1, 3, 8);
    fc.assert(
      fc.property(randomRules, randomRules, fc.constantFrom(RIGHTS, WILDCARDS), most, (rules, old, list, limit) => {
        const all = collectGrants({ rules }, { rules: old }, { list, most: limit });
        const hasNew = all.some(({ isNew }) => isNew);
        expect(hasNew).toBe(added(list, rules, old).length > 0);
        const keys = new Set(collectGrants({ rules: old }, undefined, { list, most: limit }).map(({ key }) => key));
        for (const { key, isNew } of all) expect(keys.has(key)).toBe(!isNew);
      }),
      { numRuns: numRuns() },
    );
  });

  it('are compared with the first 5,000 products of the old ones: what comes after is told as new, though it is old', () => {
    // Nine products each, for every verb and resource of the table.
    const old = many('n', 600).map((name) => rule('get list create', '-', 'secrets pods pods/exec', name));
    const narrowed = old.map((one) => ({ ...one, verbs: ['get'] }));
    const grants = collectGrants({ rules: narrowed }, { rules: old }, { list: RIGHTS, most: 100 });
    const compared = Math.ceil(5_000 / 9);
    expect(grants.filter(({ isNew }) => isNew).map(({ rule: { names } }) => names)).toEqual(
      many('n', 600)
        .slice(compared)
        .map((name) => [name]),
    );
  });

  it('are those above the limit only', () => {
    const names = many('n', MOST_GRANTS);
    const grants = keysOf(RIGHTS, [{ ...rule('get', '-', 'secrets'), resourceNames: names }]);
    expect(grants.map(({ key }) => key)).toEqual(names.map((name) => `get secrets named ${name}`));
    const more = keysOf(RIGHTS, [{ ...rule('get', '-', 'secrets'), resourceNames: [...names, 'n'] }]);
    expect(more).toHaveLength(1);
  });
});
