import { applyPatch } from 'rfc6902';
import { expect, it } from 'vitest';
import { asAdmitted } from '../../../src/engine/as-admitted.ts';
import { mutate } from '../../../src/engine/mutate.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../../../src/objects/json.ts';
import { effectiveLevels } from '../../../src/policy/level.ts';
import { scopeOf } from '../../../src/policy/scope.ts';
import { fc } from '../../properties.ts';
import { deepFreeze, mutated, numRuns } from '../arbitraries.ts';
import { configure, contextOf, PLAIN_ACCOUNT } from '../judging.ts';
import { subjectOf } from '../subjects.ts';
import { asking, inject } from './injecting.ts';
import { colliding } from './random-pods.ts';

const RUNS = { numRuns: numRuns(1000) };

it('A pod in the way of its tokens is refused, or patched by a patch that applies and is not wanted twice', () => {
  fc.assert(
    fc.property(colliding, (pod) => {
      deepFreeze(pod);
      const first = inject(pod);
      const patched = structuredClone(pod);
      expect(applyPatch(patched, structuredClone([...first.patch])).filter((error) => error !== null)).toEqual([]);
      expect(patched).toEqual(first.object);
      if (first.denial !== '') {
        expect(first.patch).toEqual([]);
        expect(first.denial).toContain('inject-token at /');
        return;
      }
      expectPossible(first.object);
      const second = inject(first.object);
      expect(second).toMatchObject({ denial: '', patch: [] });
    }),
    RUNS,
  );
});

it('Nothing of the pod’s own is lost, reordered or changed', () => {
  fc.assert(
    fc.property(colliding, (pod) => {
      const { object, denial } = inject(pod);
      fc.pre(denial === '' && valueAt(pod, ['metadata', 'annotations', 'curfew.dev/injected']) === undefined);
      fc.pre(!JSON.stringify(pod).includes('overrideEnv'));
      for (const list of ['containers', 'initContainers']) {
        for (const [index, before] of asArray(valueAt(pod, ['spec', list])).entries()) {
          const after = valueAt(object, ['spec', list, index]);
          const mountsBefore = asArray(member(before, 'volumeMounts'));
          expect(asArray(member(after, 'volumeMounts')).slice(0, mountsBefore.length)).toEqual(mountsBefore);
          const envBefore = asArray(member(before, 'env'));
          const envAfter = asArray(member(after, 'env'));
          expect(envAfter.slice(envAfter.length - envBefore.length)).toEqual(envBefore);
        }
      }
      const volumesBefore = asArray(valueAt(pod, ['spec', 'volumes']));
      expect(asArray(valueAt(object, ['spec', 'volumes'])).slice(0, volumesBefore.length)).toEqual(volumesBefore);
    }),
    { numRuns: numRuns() },
  );
});

it('Whatever the object is, the engine answers, with every subset of the mutations', () => {
  const objects = [
    asking({ a: '{audience: a}', aws: '{preset: aws-irsa, roleArn: r}' }),
    asking({ b: '{preset: vault}' }),
  ];
  const subset = fc.subarray([...MUTATIONS]);
  const configuration = configure({ mutateMode: 'apply', levels: { mutate: 'restricted' } });
  fc.assert(
    fc.property(fc.oneof(mutated(objects), colliding, colliding.map(admit)), subset, (pod, mutations) => {
      fc.pre(!/"(constructor|prototype|__proto__)":/.test(JSON.stringify(pod)));
      deepFreeze(pod);
      const run = (object: JsonObject) => {
        const subject = subjectOf('pods', object);
        const context = contextOf(subject, {});
        const levels = effectiveLevels(configuration, 'shop', context.namespace);
        const scope = scopeOf(configuration, subject, '');
        return mutate(subject, { mutations, configuration, scope, levels, context });
      };
      const outcome = run(pod);
      const patched = structuredClone(pod);
      expect(applyPatch(patched, structuredClone([...outcome.patch])).filter((error) => error !== null)).toEqual([]);
      expect(patched).toEqual(outcome.object);
      if (outcome.results.every(({ decision }) => decision !== 'deny')) expect(run(patched).patch).toEqual([]);
    }),
    { numRuns: numRuns() },
  );
});

/** With the default token, as every pod has that does not turn it off. */
function admit(pod: JsonObject): JsonObject {
  return asAdmitted(subjectOf('pods', pod), PLAIN_ACCOUNT).object;
}

/** Nothing that the API server would refuse: no name or path twice, no mount of nothing. */
function expectPossible(pod: JsonObject): void {
  const names = asArray(valueAt(pod, ['spec', 'volumes'])).map((volume) => asString(member(volume, 'name')));
  expect(new Set(names).size).toBe(names.length);
  for (const list of ['containers', 'initContainers']) {
    for (const container of asArray(valueAt(pod, ['spec', list]))) {
      const mounts = asArray(member(container, 'volumeMounts'));
      const paths = mounts.map((mount) => member(mount, 'mountPath'));
      expect(new Set(paths).size).toBe(paths.length);
      for (const mount of mounts) expect(names).toContain(member(mount, 'name'));
    }
  }
}
