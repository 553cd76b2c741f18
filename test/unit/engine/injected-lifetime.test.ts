/** What `inject-token` makes, `cap-token-lifetime` leaves and `token-lifetime` judges: one lifetime, three rules. */

import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../src/checks/registry.ts';
import { judge } from '../../../src/engine/evaluate.ts';
import { mutate, toMutationVerdict } from '../../../src/engine/mutate.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { valueAt } from '../../../src/objects/json.ts';
import { LEVELS } from '../../../src/objects/level.ts';
import { effectiveLevels } from '../../../src/policy/level.ts';
import { scopeOf } from '../../../src/policy/scope.ts';
import { configure, contextOf } from '../judging.ts';
import { asking } from '../mutations/injecting.ts';
import { subjectOf } from '../subjects.ts';

const EXPIRATION = ['spec', 'volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken', 'expirationSeconds'];

/** A scheme with a shortest lifetime, and an annotation of its own that may ask. */
const OWN = {
  volume: 'own',
  mountPath: '/own',
  audience: 'own',
  expirationSeconds: 7_200,
  minExpirationSeconds: 5_400,
  expiration: { annotation: 'own.example/seconds', whenInvalid: 'refuse', whenOutOfRange: 'clamp' },
};

const QUARTER = { checks: { 'token-lifetime': { audiences: { reports: 900, own: 900 } } } };

/** A pod on its way through mutations and checks, as the API server sends it: denied by which of the two, or admitted. */
function admit(value: string, setting: JsonObject, annotations: JsonObject = {}) {
  const configuration = configure({ mutateMode: 'apply', ...setting });
  const subject = subjectOf('pods', asking({ x: value }, {}, { annotations }));
  const context = contextOf(subject, { configuration: setting });
  const levels = effectiveLevels(configuration, subject.namespace, context.namespace);
  const options = { configuration, context, levels, scope: scopeOf(configuration, subject, '') };
  const outcome = mutate(subject, { ...options, mutations: MUTATIONS });
  const mutated = { ...subject, object: outcome.object };
  // Asked again, as the API server asks after another webhook's change, there is nothing left to do.
  expect(mutate(mutated, { ...options, mutations: MUTATIONS }).patch).toEqual([]);
  const lifetimes = judge(mutated, { ...options, checks: CHECKS }).results.filter(
    ({ check }) => check.id === 'token-lifetime',
  );
  return {
    sentence: toMutationVerdict(subject, outcome, []).denial,
    seconds: valueAt(outcome.object, EXPIRATION),
    effects: lifetimes.map(({ effect }) => effect),
  };
}

const MATRIX = LEVELS.flatMap((enforce) => LEVELS.map((mutateLevel) => ({ enforce, mutateLevel })));

describe.each(MATRIX)('With enforce $enforce and mutate $mutateLevel', ({ enforce, mutateLevel }) => {
  const levels = { levels: { enforce, mutate: mutateLevel } };
  const isAnyOn = enforce !== 'off' || mutateLevel !== 'off';
  const isAnyRestricted = enforce === 'restricted' || mutateLevel === 'restricted';

  it('a lifetime that nobody asked for keeps to the limit of its audience', () => {
    const { sentence, seconds, effects } = admit('{audience: reports}', { ...levels, ...QUARTER });
    expect({ sentence, seconds }).toEqual({ sentence: undefined, seconds: isAnyOn ? 900 : 3_600 });
    expect(effects).not.toContain('deny');
  });

  it('so does the default of a preset', () => {
    const presets = { own: { ...OWN, minExpirationSeconds: 600 } };
    const { sentence, seconds } = admit('{preset: own}', { ...levels, mutations: { 'inject-token': { presets } } });
    expect({ sentence, seconds }).toEqual({ sentence: undefined, seconds: isAnyRestricted ? 3_600 : 7_200 });
  });

  it('one that was asked for is refused by the annotation exactly where the check would deny it', () => {
    for (const [value, isDenied] of [
      ['{audience: reports, expiration: 12h}', enforce !== 'off'],
      ['{audience: other, expiration: 12h}', enforce === 'restricted'],
      ['{audience: sts.amazonaws.com, expiration: 12h}', false],
    ] as const) {
      const { sentence, seconds, effects } = admit(value, { ...levels, ...QUARTER });
      expect(effects).not.toContain('deny');
      expect(seconds).toBe(isDenied ? undefined : 43_200);
      if (isDenied) expect(sentence).toContain('tokens.curfew.dev/x of the pod: expiration is 43200 seconds');
      else expect(sentence).toBeUndefined();
    }
  });

  it('a preset that takes no less than the limit is refused by a sentence, or injected at its least', () => {
    const setting = { ...levels, mutations: { 'inject-token': { presets: { own: OWN } } } };
    const { sentence, seconds, effects } = admit('{preset: own}', setting);
    expect(effects).not.toContain('deny');
    if (enforce === 'restricted') expect(sentence).toContain('preset own takes no less than 5400 s');
    else expect({ sentence, seconds }).toEqual({ sentence: undefined, seconds: isAnyRestricted ? 5_400 : 7_200 });
  });

  it('what the annotation of a scheme asks for is clamped to what the check would not deny', () => {
    const presets = { own: { ...OWN, minExpirationSeconds: 600 } };
    const { sentence, seconds, effects } = admit(
      '{preset: own}',
      { ...levels, mutations: { 'inject-token': { presets } } },
      { 'own.example/seconds': '43200' },
    );
    expect({ sentence, seconds }).toEqual({ sentence: undefined, seconds: enforce === 'restricted' ? 3_600 : 43_200 });
    expect(effects).not.toContain('deny');
  });
});

describe('Where the check denies nothing', () => {
  const RESTRICTED = { levels: { enforce: 'restricted', mutate: 'restricted' } };
  const ASKED = '{audience: reports, expiration: 12h}';

  it.each([
    ['only warns', { checks: { 'token-lifetime': { mode: 'warn' } } }],
    ['is off', { checks: { 'token-lifetime': { mode: 'off' } } }],
    ['is in a dry run', { dryRun: true }],
    [
      'is exempted from',
      {
        exemptions: {
          rules: [
            {
              name: 'reports',
              checks: ['token-lifetime'],
              match: { namespaces: ['shop'] },
              reason: 'it reads the file once',
              owner: 'shop@example.com',
              permanent: true,
            },
          ],
        },
      },
    ],
  ])('because it %s, the author gets what was asked for', (_why, setting) => {
    const { sentence, seconds, effects } = admit(ASKED, { ...RESTRICTED, ...setting });
    expect({ sentence, seconds }).toEqual({ sentence: undefined, seconds: 43_200 });
    expect(effects).not.toContain('deny');
  });

  it('a default still keeps to what it says, unless it is off', () => {
    const mode = (of: string) => ({ checks: { 'token-lifetime': { mode: of, audiences: { reports: 900 } } } });
    expect(admit('{audience: reports}', mode('warn')).seconds).toBe(900);
    expect(admit('{audience: reports}', mode('off')).seconds).toBe(3_600);
  });
});

it('The sentence names the annotation, the lifetime, the audience and the limit', () => {
  const { sentence } = admit('{audience: reports, expiration: 12h}', QUARTER);
  expect(sentence).toBe(
    [
      '',
      'Pod shop/web: 1 problem',
      '',
      '  inject-token at /metadata/annotations/tokens.curfew.dev~1x',
      '    annotation tokens.curfew.dev/x of the pod: expiration is 43200 seconds; allowed for audience "reports" here, by the check token-lifetime: 600 to 900 seconds',
      '    Fix: write expiration: 900, or less, in tokens.curfew.dev/x',
      '    More: curfew explain inject-token',
    ].join('\n'),
  );
});
