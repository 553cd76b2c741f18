import { expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asArray, isObject, member, valueAt } from '../../../src/objects/json.ts';
import { fc } from '../../properties.ts';
import { deepFreeze, numRuns } from '../arbitraries.ts';
import { account } from '../judging.ts';
import { inject, type World } from './injecting.ts';
import { colliding, worlds } from './random-pods.ts';

const RECORD = ['metadata', 'annotations', 'curfew.dev/injected'];

it('Nothing of the pod’s own is lost in two rounds, whatever changes between them', () => {
  fc.assert(
    fc.property(colliding, worlds, worlds, (pod, one, two) => {
      fc.pre(valueAt(pod, RECORD) === undefined && !JSON.stringify(pod).includes('overrideEnv'));
      deepFreeze(pod);
      const first = inject(pod, toWorld(one));
      fc.pre(first.denial === '');
      expectKept(pod, first.object);
      const second = inject(first.object, toWorld({ ...two, options: one.options }));
      if (second.denial !== '') {
        expect(second.patch).toEqual([]);
        return;
      }
      expectKept(pod, second.object);
      expect(inject(second.object, toWorld({ ...two, options: one.options }))).toMatchObject({ denial: '', patch: [] });
      // What nobody asks for any more is gone without a trace.
      const third = inject(second.object, { configuration: { mutations: { 'inject-token': { triggers: [] } } } });
      if (third.denial === '') expectKept(pod, third.object);
    }),
    { numRuns: numRuns() },
  );
});

type Drawn = typeof worlds extends fc.Arbitrary<infer One> ? One : never;

function toWorld({ options, onAccount, state, webhooks }: Drawn): World {
  const known = account({}, onAccount);
  const stale = known.state === 'found' ? { ...known, stale: 'no answer' } : known;
  const lookup = { found: known, stale, unknown: { state: 'unknown', why: 'no answer' } as const };
  return {
    configuration: { mutations: { 'inject-token': options } },
    serviceAccount: lookup[state],
    context: { mutatingWebhooks: { state: 'found', value: webhooks } },
  };
}

/** Every volume, mount and variable of the author is there, as it was and in its order. */
function expectKept(before: JsonObject, after: JsonObject): void {
  expectPart(valueAt(before, ['spec', 'volumes']), valueAt(after, ['spec', 'volumes']));
  for (const list of ['containers', 'initContainers']) {
    for (const [index, container] of asArray(valueAt(before, ['spec', list])).entries()) {
      const same = valueAt(after, ['spec', list, index]);
      for (const key of ['volumeMounts', 'env']) expectPart(member(container, key), member(same, key));
    }
  }
  const annotations = valueAt(before, ['metadata', 'annotations']);
  expect(valueAt(after, ['metadata', 'annotations'])).toMatchObject(isObject(annotations) ? annotations : {});
}

function expectPart(before: unknown, after: unknown): void {
  const left = asArray(after).map((entry) => JSON.stringify(entry));
  let from = 0;
  for (const entry of asArray(before)) {
    const at = left.indexOf(JSON.stringify(entry), from);
    expect(at, `${JSON.stringify(entry)} in ${left.join(', ')}`).toBeGreaterThanOrEqual(from);
    from = at + 1;
  }
}
