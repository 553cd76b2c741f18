/**
 * Cases for property tests, drawn whole: the object of an example together with its resource, namespace, caller, options
 * and the world around it, and then changed a little. Parts that are drawn apart hardly ever meet in what a check reads.
 */

import { type Check, startLevel } from '../../src/checks/define-check.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import {
  EXAMPLE_ISSUER,
  EXAMPLE_NOW,
  prepareExample,
  prepareMutationExample,
} from '../../src/engine/example-subject.ts';
import { MUTATIONS } from '../../src/mutations/registry.ts';
import { API_ACCESS_ANNOTATION } from '../../src/objects/api-access.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import type { ActiveLevel } from '../../src/objects/level.ts';
import type { RuleContext } from '../../src/objects/rule-context.ts';
import type { Subject } from '../../src/objects/subject.ts';
import type { Lookup, NamespaceView } from '../../src/objects/views.ts';
import { fc } from '../properties.ts';
import { hostileObject, mutated } from './arbitraries.ts';
import { account, found, PLAIN_ACCOUNT } from './judging.ts';
import { admittedPod, subjectOf, tokenSecret } from './subjects.ts';

export type World = Omit<RuleContext, 'level'>;

export type Case = {
  readonly subject: Subject;
  readonly world: World;
  readonly level: ActiveLevel;
  /** Of the check whose example it is. */
  readonly options: JsonObject;
};

/** Characters that stand for what a Secret holds. */
export const SECRET_TEXT = 'c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU=';

const UNKNOWN = { state: 'unknown', why: 'no answer' } as const;
const ABSENT = { state: 'absent' } as const;
const WHY = { [API_ACCESS_ANNOTATION]: 'lists its own endpoints' };

const ACCOUNTS = [PLAIN_ACCOUNT, account({ automountServiceAccountToken: false }), account({}, WHY), ABSENT];
const TOKEN_SECRETS: readonly RuleContext['tokenSecret'][] = [
  () => ABSENT,
  (name) => ({ state: 'found', value: { namespace: 'shop', name, account: 'web' } }),
];
const NAMESPACES: readonly Lookup<NamespaceView>[] = [
  found('shop'),
  { state: 'found', value: { name: 'shop', labels: new Map(), annotations: new Map(Object.entries(WHY)) } },
  ABSENT,
];
const WEBHOOKS: readonly World['mutatingWebhooks'][] = [
  { state: 'found', value: [] },
  { state: 'found', value: ['pod-identity-webhook', 'azure-wi-webhook-mutating-webhook-configuration', 'vault-agent'] },
];

const sources = fc.subarray(['ServiceAccount', 'Pod', 'Namespace'] as const, { minLength: 1 });

/** Every lookup has an answer, whichever. */
export const answeredWorld: fc.Arbitrary<World> = fc.record({
  now: fc.constant(EXAMPLE_NOW),
  cluster: fc.constant({ apiAudiences: [EXAMPLE_ISSUER], issuers: [EXAMPLE_ISSUER] }),
  namespace: fc.constantFrom(...NAMESPACES),
  serviceAccount: fc.constantFrom(...ACCOUNTS).map((answer) => () => answer),
  tokenSecret: fc.constantFrom(...TOKEN_SECRETS),
  mutatingWebhooks: fc.constantFrom(...WEBHOOKS),
  acceptApiAccessFrom: sources,
});

const NOTHING_KNOWN: Pick<World, 'namespace' | 'serviceAccount' | 'tokenSecret' | 'mutatingWebhooks'> = {
  namespace: UNKNOWN,
  serviceAccount: () => UNKNOWN,
  tokenSecret: () => UNKNOWN,
  mutatingWebhooks: UNKNOWN,
};

/** Some lookups of a world, at least one of them, without an answer. */
export const silence: fc.Arbitrary<Partial<World>> = fc
  .subarray(['namespace', 'serviceAccount', 'tokenSecret', 'mutatingWebhooks'] as const, { minLength: 1 })
  .map((names) => Object.fromEntries(names.map((name) => [name, NOTHING_KNOWN[name]])));

/** Mostly the world as it is given; else some answers of another one, or none. */
function changedWorld(world: World): fc.Arbitrary<World> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(world) },
    { weight: 1, arbitrary: answeredWorld },
    { weight: 1, arbitrary: silence.map((silent) => ({ ...world, ...silent })) },
    { weight: 1, arbitrary: fc.tuple(answeredWorld, silence).map(([other, silent]) => ({ ...other, ...silent })) },
  );
}

function changedSubject(subject: Subject): fc.Arbitrary<Subject> {
  const stored = subject.oldObject ?? subject.object;
  return fc
    .record({
      object: fc.oneof({ weight: 2, arbitrary: fc.constant(subject.object) }, mutated([subject.object])),
      oldObject: fc.oneof(
        { weight: 4, arbitrary: fc.constant(subject.oldObject) },
        fc.option(mutated([stored]), { nil: undefined }),
      ),
      namespace: fc.oneof({ weight: 8, arbitrary: fc.constant(subject.namespace) }, fc.constantFrom('kube-system', '')),
    })
    .map(({ oldObject, ...changes }) => {
      const { oldObject: _without, ...rest } = { ...subject, ...changes };
      return oldObject === undefined ? rest : { ...rest, operation: 'UPDATE' as const, oldObject };
    });
}

/** An example of `check`, as it stands or changed. */
export function caseOf(check: Check): fc.Arbitrary<Case> {
  const prepared = check.examples.map((example) => ({ ...prepareExample(check, example), level: example.level }));
  return fc.constantFrom(...prepared).chain(({ subject, context, level, settings }) =>
    fc.record({
      subject: changedSubject(subject),
      world: changedWorld(context),
      level: fc.constant(level),
      options: fc.constant(settings.options),
    }),
  );
}

const EXAMPLES: readonly { readonly subject: Subject; readonly world: World }[] = [
  ...CHECKS.flatMap((check) =>
    check.examples.map((example) => {
      const { subject, context } = prepareExample(check, example);
      return { subject, world: context };
    }),
  ),
  ...MUTATIONS.flatMap((mutation) =>
    mutation.examples.map((example) => {
      const { subject, settings } = prepareMutationExample(mutation, example);
      return { subject, world: settings.context };
    }),
  ),
];

const whole = fc
  .constantFrom(...EXAMPLES)
  .chain(({ subject, world }) => fc.record({ subject: changedSubject(subject), world: changedWorld(world) }));

/** Objects under resources that they do not fit, and ones that fit nothing. */
const pieces = fc
  .record({
    resource: fc.constantFrom(...EXAMPLES.map(({ subject }) => subject.resource), {
      group: '',
      name: 'endpoints',
      subresource: '',
    }),
    object: fc.oneof(
      mutated([
        admittedPod(['a', 'b']),
        tokenSecret({}, { data: { token: SECRET_TEXT, other: SECRET_TEXT }, stringData: { text: SECRET_TEXT } }),
        ...EXAMPLES.map(({ subject }) => subject.object),
      ]),
      hostileObject,
    ),
    world: answeredWorld,
  })
  .map(({ resource, object, world }) => ({ subject: subjectOf('', object, { resource }), world }));

/** Whatever may come. */
export const anyCase: fc.Arbitrary<Pick<Case, 'subject' | 'world'>> = fc.oneof(
  { weight: 3, arbitrary: whole },
  { weight: 1, arbitrary: pieces },
);

/** At each level of `check`: with its defaults, and with the options of each of its examples. */
export const SETTINGS: ReadonlyMap<Check, readonly Pick<Case, 'level' | 'options'>[]> = new Map(
  CHECKS.map((check) => {
    const levels = startLevel(check) === 'baseline' ? (['baseline', 'restricted'] as const) : (['restricted'] as const);
    const sets = new Map(
      [{}, ...check.examples.map(({ options = {} }) => options)].map((options) => [JSON.stringify(options), options]),
    );
    return [
      check,
      levels.flatMap((level) =>
        [...sets.values()].map((options) => ({ level, options: { ...check.defaults, ...options } })),
      ),
    ];
  }),
);
