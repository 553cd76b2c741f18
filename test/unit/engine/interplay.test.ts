import { describe, expect, it } from 'vitest';
import { isFinding } from '../../../src/checks/define-check.ts';
import { CHECKS } from '../../../src/checks/registry.ts';
import { asAdmitted } from '../../../src/engine/as-admitted.ts';
import { judge } from '../../../src/engine/evaluate.ts';
import { prepareMutationExample } from '../../../src/engine/example-subject.ts';
import { mutate } from '../../../src/engine/mutate.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import { createDraft } from '../../../src/objects/draft.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { LEVELS } from '../../../src/objects/level.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import { effectiveLevels } from '../../../src/policy/level.ts';
import { scopeOf } from '../../../src/policy/scope.ts';
import { configure, contextOf, PLAIN_ACCOUNT } from '../judging.ts';
import { subjectOf } from '../subjects.ts';

/** Pods as people write them; the API server adds its own volume before any webhook is called. */
const PODS: readonly (readonly [string, JsonObject])[] = [
  ['one container', { containers: [{ name: 'app' }] }],
  ['a native sidecar', { initContainers: [{ name: 'proxy', restartPolicy: 'Always' }], containers: [{ name: 'app' }] }],
  ['automount off', { automountServiceAccountToken: false, containers: [{ name: 'app' }] }],
  [
    'a token of its own for Vault',
    {
      containers: [{ name: 'app', volumeMounts: [{ name: 'vault', mountPath: '/var/run/vault' }] }],
      volumes: [
        {
          name: 'vault',
          projected: {
            sources: [{ serviceAccountToken: { audience: 'vault', path: 'token', expirationSeconds: 600 } }],
          },
        },
      ],
    },
  ],
  ['a token of half a day for Vault', tokenFor('vault', 43_200)],
  ['a token of half a day for the API, written by hand', tokenFor(undefined, 43_200)],
  ['the token of Istio’s sidecar', tokenFor('istio-ca', 43_200, 'istio-token')],
];

function tokenFor(audience: string | undefined, expirationSeconds: number, name = 'own'): JsonObject {
  const token = { ...(audience === undefined ? {} : { audience }), path: 'token', expirationSeconds };
  return {
    automountServiceAccountToken: false,
    containers: [{ name: 'app', volumeMounts: [{ name, mountPath: '/var/run/own' }] }],
    volumes: [{ name, projected: { sources: [{ serviceAccountToken: token }] } }],
  };
}

const MENDING = MUTATIONS.flatMap((mutation) => {
  const check = CHECKS.find(({ id }) => id === mutation.mends);
  return check === undefined ? [] : [{ id: mutation.id, mends: check.id, mutation, check }];
});
/** What no pod is refused for once every mutation was applied, but for those of `LEFT`. */
const MENDED = MENDING.map(({ mends }) => mends);

const MATRIX = ['report', 'apply'].flatMap((mutateMode) =>
  LEVELS.flatMap((mutateLevel) => LEVELS.map((enforce) => ({ mutateMode, mutateLevel, enforce }))),
);

/** What an author wrote by hand is not taken away: it stays, and is refused. */
const LEFT: ReadonlyMap<string, readonly string[]> = new Map([
  ['a token of half a day for the API, written by hand', ['pod-automount']],
]);

describe.each(PODS)('A pod with %s', (what, spec) => {
  it.each(MATRIX)(
    'is mutated at $mutateLevel ($mutateMode) and judged at $enforce without a contradiction',
    ({ mutateMode, mutateLevel, enforce }) => {
      const setting = { mutateMode, levels: { enforce, mutate: mutateLevel } };
      const pod = {
        kind: 'Pod',
        metadata: { name: 'web', namespace: 'shop' },
        spec: { serviceAccountName: 'web', ...spec },
      };
      const subject = asAdmitted(subjectOf('pods', pod), PLAIN_ACCOUNT);
      const options = optionsFor(subject, setting);
      const outcome = mutate(subject, { ...options, mutations: MUTATIONS });
      const before = denialsOf(subject, options);
      const after = denialsOf({ ...subject, object: outcome.object }, options);
      // A mutation makes nothing worse, and what baseline refuses is never an ordinary pod.
      expect(before).toEqual(expect.arrayContaining([...after]));
      if (enforce !== 'restricted') expect(after).toEqual([]);
      const isMended = mutateMode === 'apply' && mutateLevel === 'restricted';
      const left = MENDED.filter((id) => after.some((key) => key.startsWith(`${id} `)));
      if (isMended) expect(left).toEqual(enforce === 'restricted' ? (LEFT.get(what) ?? []) : []);

      // Asked again, as the API server asks after another webhook's change, there is nothing left to do.
      const again = mutate({ ...subject, object: outcome.object }, { ...options, mutations: MUTATIONS });
      expect(again.patch).toEqual([]);
    },
  );
});

describe.each(MENDING)('What $id changes', ({ mutation, check }) => {
  const changed = mutation.examples.filter(({ expect: wanted }) => typeof wanted === 'object');

  it.each(changed.map((example) => ({ title: example.title, example })))(
    `is no longer refused by ${check.id}: $title`,
    ({ example }) => {
      const { subject, settings } = prepareMutationExample(mutation, example);
      const draft = createDraft(subject.object);
      mutation.mutate(subject, draft, settings);
      const { level } = settings.context;
      const limits = check.levels[level] ?? check.levels.restricted;
      const options = { ...check.defaults, ...example.checkOptions };
      const outcomes = check.evaluate({ ...subject, object: draft.current() }, { options, limits }, settings.context);
      expect(outcomes.filter(isFinding)).toEqual([]);
    },
  );

  it('is shown by some example', () => {
    expect(changed.length).toBeGreaterThan(0);
  });
});

function optionsFor(subject: Subject, setting: JsonObject) {
  const configuration = configure(setting);
  const context = contextOf(subject, { configuration: setting });
  const levels = effectiveLevels(configuration, subject.namespace, context.namespace);
  return { configuration, context, levels, scope: scopeOf(configuration, subject, '') };
}

function denialsOf(subject: Subject, options: ReturnType<typeof optionsFor>): readonly string[] {
  const { results } = judge(subject, { ...options, checks: CHECKS });
  return results
    .filter(({ effect }) => effect === 'deny')
    .flatMap(({ check, findings }) => findings.map(({ key }) => `${check.id} ${key}`));
}
