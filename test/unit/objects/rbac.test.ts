import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectGrants, type ListGrants, listProduct, listRights, MOST_GRANTS } from '../../../src/objects/grants.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { allowsName, limitOf, listGranted, prepareRights, type Right, readRules } from '../../../src/objects/rbac.ts';
import { numRuns } from '../arbitraries.ts';

type Rule = {
  readonly verbs: string[];
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly resourceNames?: string[];
};

function rule(verbs: string, apiGroups: string, resources: string, names?: string): Rule {
  const split = (text: string) => text.split(' ').map((word) => (word === '-' ? '' : word));
  return {
    verbs: split(verbs),
    apiGroups: split(apiGroups),
    resources: split(resources),
    ...(names === undefined ? {} : { resourceNames: split(names) }),
  };
}

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

/** A part of what random rules grant, so that some of them matter. */
const TABLE = prepareRights(
  ['get', 'list', 'create'].flatMap((verb) =>
    ['secrets', 'pods', 'pods/exec'].map((resource) => ({ verb, group: '', resource })),
  ),
);
const RIGHTS: ListGrants = listRights(TABLE, () => true);
const WILDCARDS: ListGrants = (read) =>
  [read.verbs, read.groups, read.resources].some((list) => list.includes('*')) ? listProduct(read, read) : [];

const keysOf = (list: ListGrants, rules: readonly JsonObject[], old?: readonly JsonObject[]) =>
  collectGrants({ rules }, old === undefined ? undefined : { rules: old }, list);
const sorted = (list: ListGrants, rules: readonly JsonObject[]) =>
  keysOf(list, rules)
    .map(({ key }) => key)
    .toSorted();
const added = (list: ListGrants, rules: readonly JsonObject[], old: readonly JsonObject[]) =>
  keysOf(list, rules, old)
    .filter(({ isNew }) => isNew)
    .map(({ key }) => key);

const some = (...texts: readonly string[]) => fc.uniqueArray(fc.constantFrom(...texts), { minLength: 1, maxLength: 3 });
const randomRule: fc.Arbitrary<Rule> = fc.record(
  {
    verbs: some('get', 'list', 'create', 'patch', '*'),
    apiGroups: some('', 'apps', '*'),
    resources: some('secrets', 'pods', 'pods/exec', '*/exec', 'deployments', 'a.b', '*'),
    resourceNames: fc.uniqueArray(fc.constantFrom('', 'a', 'b', 'c d'), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['verbs', 'apiGroups', 'resources'] },
);
const randomRules = fc.array(randomRule, { minLength: 1, maxLength: 5 });

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

  it('add something when they change', () => {
    const wider = { ...enormous, resources: [...enormous.resources, 'secrets'] };
    expect(added(WILDCARDS, [wider], [enormous])).toHaveLength(1);
  });

  it('are those above the limit only', () => {
    const names = many('n', MOST_GRANTS);
    const grants = keysOf(RIGHTS, [{ ...rule('get', '-', 'secrets'), resourceNames: names }]);
    expect(grants.map(({ key }) => key)).toEqual(names.map((name) => `get secrets named ${name}`));
    const more = keysOf(RIGHTS, [{ ...rule('get', '-', 'secrets'), resourceNames: [...names, 'n'] }]);
    expect(more).toHaveLength(1);
  });
});
