import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import type { Check } from '../../../src/checks/define-check.ts';
import { defineCheck } from '../../../src/checks/define-check.ts';
import { CHECKS } from '../../../src/checks/registry.ts';
import { listSelfRefusals } from '../../../src/engine/self-refusals.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import { isObject, member } from '../../../src/objects/json.ts';
import { LEVELS } from '../../../src/objects/level.ts';
import { listTokenSources } from '../../../src/objects/tokens.ts';
import { configure } from '../judging.ts';

/** Refuses every token that lives exactly as long as it says, which nothing but a mutation makes of the default one. */
const refusing = (expirationSeconds: number): Check =>
  defineCheck({
    id: 'made-up',
    since: '0.1',
    levels: { restricted: {} },
    options: Type.Object({}),
    defaults: {},
    reads: [{ group: '', resource: 'pods', operations: ['CREATE'] }],
    needs: [],
    title: 'a check that a test made up',
    why: '',
    fix: () => '',
    shortFix: () => '',
    evaluate: ({ object }) => {
      const spec = member(object, 'spec');
      return (isObject(spec) ? listTokenSources(spec) : [])
        .filter((source) => source.expirationSeconds === expirationSeconds)
        .map(({ volume }) => ({ path: '/spec', key: volume, reason: 'made up', detail: `${expirationSeconds} s.` }));
    },
    examples: [],
  });

describe('What the mutations of a configuration make', () => {
  it.each(LEVELS.flatMap((enforce) => LEVELS.map((mutate) => ({ enforce, mutate }))))(
    'is not refused by the checks there are: enforce $enforce, mutate $mutate',
    (levels) => {
      expect(listSelfRefusals(configure({ levels }))).toEqual([]);
    },
  );

  it('is not refused whatever limits the administrator sets for audiences', () => {
    const audiences = { vault: 900, reports: 3607, own: 600, 'istio-ca': 600 };
    const configuration = configure({
      mutateMode: 'apply',
      levels: { enforce: 'restricted', mutate: 'restricted' },
      checks: { 'token-lifetime': { audiences } },
    });
    expect(listSelfRefusals(configuration)).toEqual([]);
    // It is the limit that makes the difference: of the same samples, this check refuses what has become 900 s.
    expect(listSelfRefusals(configuration, { checks: [refusing(900)], mutations: MUTATIONS })).toEqual([
      { path: '/mutations', problem: expect.stringContaining('what cap-token-lifetime makes of "A day for Vault"') },
    ]);
  });

  it('is a mistake of the configuration where a check refuses it, told once for each pair of levels', () => {
    const configuration = configure({
      levels: { enforce: 'restricted' },
      namespaces: { shop: { enforce: 'baseline' }, bank: { enforce: 'restricted' } },
    });
    const rules = { checks: [...CHECKS, refusing(3600)], mutations: MUTATIONS };
    expect(listSelfRefusals(configuration, rules)).toEqual([
      {
        path: '/mutations',
        problem: expect.stringMatching(
          /^contradict enforce level restricted: what short-lived-api-token makes of "An ordinary pod" is refused by made-up: 3600 s\.$/,
        ),
      },
    ]);
  });

  it.each([
    ['the level does not reach the check', { levels: { enforce: 'baseline' } }],
    ['the check may only warn', { levels: { enforce: 'restricted' }, catalogue: '0.0' }],
    [
      'the mutation is off',
      { levels: { enforce: 'restricted' }, mutations: { 'short-lived-api-token': { mode: 'off' } } },
    ],
    ['nothing is mutated', { levels: { enforce: 'restricted', mutate: 'off' } }],
  ])('is no mistake where %s', (_what, keys) => {
    expect(listSelfRefusals(configure(keys), { checks: [refusing(3600)], mutations: MUTATIONS })).toEqual([]);
  });

  it('is no mistake where the object was refused before', () => {
    const checks = [{ ...refusing(3600), id: 'a' }].map((check) => ({
      ...check,
      evaluate: () => [{ path: '/spec', key: 'always', reason: 'always', detail: 'Always.' }],
    }));
    expect(
      listSelfRefusals(configure({ levels: { enforce: 'restricted' } }), { checks, mutations: MUTATIONS }),
    ).toEqual([]);
  });
});
