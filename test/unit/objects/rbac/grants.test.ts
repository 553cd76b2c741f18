import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/objects/json.ts';
import type { ListGrants } from '../../../../src/objects/rbac/grants.ts';
import { fc } from '../../../properties.ts';
import { numRuns } from '../../arbitraries.ts';
import { added, keysOf, RIGHTS, type Rule, randomRules, rule, WILDCARDS } from './rules-for-tests.ts';

const sorted = (list: ListGrants, rules: readonly JsonObject[]) =>
  keysOf(list, rules)
    .map(({ key }) => key)
    .toSorted();

/** The same rights in other rules: each list of a rule is cut in two, each part a rule of its own. */
function split(rules: readonly Rule[], cut: number): readonly Rule[] {
  const halves = (list: readonly string[]) => {
    const at = 1 + (cut % Math.max(1, list.length));
    return [list.slice(0, at), list.slice(at)].filter((half) => half.length > 0);
  };
  return rules.flatMap((given) =>
    halves(given.verbs).flatMap((verbs) =>
      halves(given.apiGroups).flatMap((apiGroups) =>
        halves(given.resources).flatMap((resources) => {
          const names = given.resourceNames === undefined ? [undefined] : halves(given.resourceNames);
          return names.map((resourceNames) => ({
            verbs: [...verbs],
            apiGroups: [...apiGroups],
            resources: [...resources],
            ...(resourceNames === undefined ? {} : { resourceNames: [...resourceNames] }),
          }));
        }),
      ),
    ),
  );
}

describe.each([
  ['rights that are looked for', RIGHTS],
  ['wildcards', WILDCARDS],
])('Keys of %s', (_what, list) => {
  it('are the same for the same rules in another order, with their lists in another order', () => {
    const shuffled = randomRules.chain((rules) =>
      fc.tuple(
        fc.constant(rules),
        fc.shuffledSubarray(rules, { minLength: rules.length }).map((mixed) =>
          mixed.map((given) => ({
            ...given,
            verbs: given.verbs.toReversed(),
            apiGroups: given.apiGroups.toReversed(),
            resources: given.resources.toReversed(),
          })),
        ),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([rules, mixed]) => {
        expect(sorted(list, mixed)).toEqual(sorted(list, rules));
        expect(added(list, mixed, rules)).toEqual([]);
      }),
      { numRuns: numRuns() },
    );
  });

  it('show nothing new where rules are split, merged or narrowed', () => {
    fc.assert(
      fc.property(randomRules, fc.nat(), (rules, cut) => {
        const parts = split(rules, cut);
        expect(added(list, parts, rules)).toEqual([]);
        // A part may have no wildcard left, and so be nothing that is looked for.
        if (list === RIGHTS) expect(added(list, rules, parts)).toEqual([]);
        for (const left of parts) expect(added(list, [left], rules)).toEqual([]);
        const named = rules.map((given) => ({ ...given, resourceNames: given.resourceNames ?? ['a'] }));
        expect(added(list, named, rules)).toEqual([]);
      }),
      { numRuns: numRuns() },
    );
  });

  it('are never shared by two grants', () => {
    fc.assert(
      fc.property(randomRules, randomRules, (rules, old) => {
        const keys = keysOf(list, rules, old).map(({ key }) => key);
        expect(new Set(keys).size).toBe(keys.length);
      }),
      { numRuns: numRuns() },
    );
  });
});

describe('An update', () => {
  it.each<[string, readonly Rule[], readonly Rule[], readonly string[]]>([
    ['another verb', [rule('get', '-', 'secrets')], [rule('get list', '-', 'secrets')], ['list secrets']],
    ['another resource', [rule('get', '-', 'pods')], [rule('get', '-', 'pods secrets')], ['get secrets']],
    ['every name', [rule('get', '-', 'secrets', 'a')], [rule('get', '-', 'secrets')], ['get secrets']],
    ['another name', [rule('get', '-', 'secrets', 'a')], [rule('get', '-', 'secrets', 'a b')], ['get secrets named b']],
    [
      'the verb of one name for another',
      [rule('get', '-', 'secrets', 'a'), rule('list', '-', 'secrets', 'b')],
      [rule('get list', '-', 'secrets', 'a b')],
      ['get secrets named b', 'list secrets named a'],
    ],
    ['a wildcard', [rule('get', '-', 'secrets')], [rule('get', '-', '*')], ['get pods', 'get pods/exec']],
    [
      'a subresource of every resource',
      [rule('get', '-', 'pods')],
      [rule('get', '-', 'pods */exec')],
      ['get pods/exec'],
    ],
    ['nothing by fewer names', [rule('get', '-', 'secrets', 'a b')], [rule('get', '-', 'secrets', 'b')], []],
    ['nothing by names where there were none', [rule('get', '-', 'secrets')], [rule('get', '-', 'secrets', 'a')], []],
    ['nothing by a list in place of a wildcard', [rule('*', '*', '*')], [rule('get', '-', 'secrets pods')], []],
    [
      'nothing by an empty name where every name was allowed',
      [rule('get', '-', 'secrets')],
      [rule('get', '-', 'secrets', '-')],
      [],
    ],
  ])('adds %s', (_what, old, rules, wanted) => {
    expect(added(RIGHTS, rules, old).toSorted()).toEqual(wanted);
  });

  it.each<[string, readonly Rule[], readonly Rule[], readonly string[]]>([
    ['a resource to every verb', [rule('*', '-', 'pods')], [rule('*', '-', 'pods secrets')], ['* secrets']],
    [
      'the resource of one group to another',
      [rule('*', '-', 'configmaps'), rule('*', 'serving.knative.dev', 'services')],
      [rule('*', '- serving.knative.dev', 'configmaps services')],
      ['* configmaps.serving.knative.dev', '* services'],
    ],
    ['every group', [rule('*', 'apps', '*')], [rule('*', '*', '*')], ['* *.*']],
    ['nothing by less than everything', [rule('*', '*', '*')], [rule('*', 'apps', 'deployments', 'web')], []],
    ['what has a name, where none was allowed', [rule('*', 'a', '*', '-')], [rule('*', 'a', '*')], ['* *.a']],
    [
      'subresources of every name',
      [rule('create', 'apps', '*', '- x')],
      [rule('create', 'apps', '*')],
      ['create *.apps'],
    ],
    [
      'nothing by names to what is asked for without one, where the empty name had it',
      [rule('*', '*', 'userextras', '- x')],
      [rule('list escalate', '*', 'userextras', 'a')],
      [],
    ],
    [
      'what has a name, beside it',
      [rule('*', '*', 'userextras', '-')],
      [rule('list get', '*', 'userextras', 'a')],
      ['get userextras.* named a'],
    ],
    ['nothing by merging', [rule('*', '-', 'a'), rule('*', '-', 'b')], [rule('*', '-', 'a b')], []],
    [
      'a resource whose name looks like one with a group',
      [rule('*', '-', 'deployments.apps')],
      [rule('*', 'apps', 'deployments')],
      ['* deployments.apps'],
    ],
  ])('adds %s, to wildcards', (_what, old, rules, wanted) => {
    expect(added(WILDCARDS, rules, old).toSorted()).toEqual(wanted);
  });
});
