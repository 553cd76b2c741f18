import fc from 'fast-check';
import { applyPatch } from 'rfc6902';
import { describe, expect, it } from 'vitest';
import { type Check, isFinding } from '../../src/checks/define-check.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { asAdmitted } from '../../src/engine/as-admitted.ts';
import { prepareMutationExample, toExampleSubject } from '../../src/engine/example-subject.ts';
import { toMutationSettings } from '../../src/engine/mutation-settings.ts';
import { isChange } from '../../src/mutations/define-mutation.ts';
import injectToken from '../../src/mutations/inject-token.ts';
import { MUTATIONS } from '../../src/mutations/registry.ts';
import { createDraft } from '../../src/objects/draft.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import { asArray, member, stringMembers, valueAt } from '../../src/objects/json.ts';
import type { RuleContext } from '../../src/objects/rule-context.ts';
import type { ResourceName, Subject } from '../../src/objects/subject.ts';
import { respond } from '../../src/review/respond.ts';
import { deepFreeze, hostileObject, mutated, numRuns } from './arbitraries.ts';
import { resolvePointer } from './json-pointer.ts';
import { account, contextOf, judgeWith, PLAIN_ACCOUNT } from './judging.ts';
import { admittedPod, deployment, subjectOf, tokenSecret } from './subjects.ts';

const SECRET_TEXT = 'c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU=';

/** Of a denial or an annotation, as UTF-8. */
const MOST_BYTES = 4_096;
/** Of all warnings together, or the API server cuts them (filters/warning.go). */
const MOST_RUNES = 4_096;

/** Every object of every example, and some that are nearly right. */
const OBJECTS: readonly JsonObject[] = [
  ...CHECKS.flatMap(({ examples }) =>
    examples.map((example) => asAdmitted(toExampleSubject(example), PLAIN_ACCOUNT).object),
  ),
  ...MUTATIONS.flatMap((mutation) =>
    mutation.examples.map((example) => prepareMutationExample(mutation, example).subject.object),
  ),
  admittedPod(['a', 'b']),
  deployment(),
  tokenSecret({}, { data: { token: SECRET_TEXT, other: SECRET_TEXT }, stringData: { text: SECRET_TEXT } }),
];

/** Everything that some check reads, and something that none does. */
const RESOURCES: readonly ResourceName[] = [
  ...new Map(
    CHECKS.flatMap(({ reads }) => reads).map(({ group, resource, subresource = '' }) => [
      `${group}/${resource}/${subresource}`,
      { group, name: resource, subresource },
    ]),
  ).values(),
  { group: '', name: 'endpoints', subresource: '' },
];

const subject: fc.Arbitrary<Subject> = fc
  .record({
    resource: fc.constantFrom(...RESOURCES),
    object: fc.oneof(mutated(OBJECTS), mutated(OBJECTS), hostileObject),
    oldObject: fc.option(mutated(OBJECTS), { nil: undefined }),
  })
  .map(({ resource, object, oldObject }) => ({
    ...subjectOf('', object, { resource }),
    ...(oldObject === undefined ? {} : { operation: 'UPDATE' as const, oldObject }),
  }));

/** Pods whose containers have names that no API server takes, for more words than fit into a message. */
const wordySubject: fc.Arbitrary<Subject> = fc
  .array(fc.tuple(fc.constantFrom('x', 'é', '漢', '🔑', '\n', '\ud800'), fc.nat(3_000)), { minLength: 1, maxLength: 4 })
  .map((names) => subjectOf('pods', admittedPod(names.map(([character, count]) => character.repeat(count)))));

const UNKNOWN = { state: 'unknown', why: 'no answer' } as const;

const LOOKUPS = fc.constantFrom(PLAIN_ACCOUNT, { state: 'absent' } as const, UNKNOWN);

/** What a lookup may say once it is answered; the rule must not have denied before what any of these allows. */
const ANSWERS: readonly Partial<RuleContext>[] = [
  PLAIN_ACCOUNT,
  account({ automountServiceAccountToken: false }),
  account({}, { 'curfew.dev/api-access': 'lists its own endpoints' }),
].flatMap((answer) => [
  { serviceAccount: () => answer, tokenSecret: () => ({ state: 'absent' }) as const },
  {
    serviceAccount: () => answer,
    tokenSecret: (name) => ({ state: 'found', value: { namespace: 'shop', name, account: 'web' } }) as const,
  },
]);

function keysOf(check: Check, judged: Subject, context: Partial<RuleContext>): readonly string[] {
  const settings = { options: check.defaults, limits: check.levels.restricted };
  const outcomes = check.evaluate(judged, settings, { ...contextOf(judged, { context }), level: 'restricted' });
  return outcomes.flatMap((outcome) => ('key' in outcome ? [outcome.key] : []));
}

describe('Whatever the object is', () => {
  it('every check judges it, the same way twice, without touching it, and points at what is there', () => {
    fc.assert(
      fc.property(subject, LOOKUPS, (judged, serviceAccount) => {
        deepFreeze(judged);
        for (const check of CHECKS) {
          const run = () =>
            check.evaluate(
              judged,
              { options: check.defaults, limits: check.levels.restricted },
              { ...contextOf(judged, { serviceAccount }), level: 'restricted' },
            );
          const outcomes = run();
          expect(run()).toEqual(outcomes);
          const findings = outcomes.filter(isFinding);
          for (const { path } of findings) expect(resolvePointer(judged.object, path)).toBeDefined();
        }
      }),
      { numRuns: numRuns() },
    );
  });

  it('no check refuses it for want of an answer that could have allowed it', () => {
    fc.assert(
      fc.property(subject, (judged) => {
        for (const check of CHECKS.filter(({ needs }) => needs.length > 0)) {
          const refused = keysOf(check, judged, { serviceAccount: () => UNKNOWN, tokenSecret: () => UNKNOWN });
          for (const answer of ANSWERS)
            expect(keysOf(check, judged, answer)).toEqual(expect.arrayContaining([...refused]));
        }
      }),
      { numRuns: numRuns() },
    );
  });

  it('no two findings of a check share a key', () => {
    fc.assert(
      fc.property(subject, LOOKUPS, (judged, serviceAccount) => {
        for (const check of CHECKS) {
          const keys = keysOf(check, judged, { serviceAccount: () => serviceAccount });
          expect(new Set(keys).size).toBe(keys.length);
        }
      }),
      { numRuns: numRuns() },
    );
  });

  it('the words about it are bounded, on clean lines, and hold nothing of a Secret', () => {
    fc.assert(
      fc.property(fc.oneof(subject, wordySubject), LOOKUPS, (judged, serviceAccount) => {
        const configuration = { levels: { enforce: 'restricted' }, enforceTemplates: true };
        const { verdict } = judgeWith(judged, { configuration, serviceAccount });
        const { denial = '' } = verdict;
        const sent = member(respond('a', verdict), 'response');
        const warnings = asArray(member(sent, 'warnings')).map(String);
        const annotations = [...stringMembers(member(sent, 'auditAnnotations')).values()];
        expect(denial === '' ? undefined : denial).toBe(valueAt(sent, ['status', 'message']));
        for (const line of [denial.replaceAll('\n', ''), ...warnings, ...annotations]) {
          expect(line).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
          expect(line).not.toContain(SECRET_TEXT.slice(0, 8));
        }
        for (const text of [denial, ...annotations]) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MOST_BYTES);
        expect(warnings.join('').length).toBeLessThanOrEqual(MOST_RUNES);
      }),
      { numRuns: numRuns() },
    );
  });

  it('a mutation’s patch applies, gives the draft’s object, and is not wanted twice', () => {
    fc.assert(
      fc.property(subject, (judged) => {
        fc.pre(!/"(constructor|prototype|__proto__)":/.test(JSON.stringify(judged.object)));
        for (const mutation of MUTATIONS) {
          const settings = toMutationSettings(mutation, {
            context: { ...contextOf(judged, {}), level: 'restricted' },
            injection: injectToken.injects?.(injectToken.defaults),
          });
          const draft = createDraft(judged.object);
          mutation.mutate(judged, draft, settings);
          const applied = structuredClone(judged.object);
          const patch = structuredClone([...draft.operations()]);
          expect(applyPatch(applied, patch).filter((result) => result !== null)).toEqual([]);
          expect(applied).toEqual(draft.current());
          const again = createDraft(draft.current());
          const outcomes = mutation.mutate({ ...judged, object: draft.current() }, again, settings);
          expect({ changes: outcomes.filter(isChange), patch: again.operations() }).toEqual({ changes: [], patch: [] });
        }
      }),
      { numRuns: numRuns() },
    );
  });

  it('it can be shown as admitted, and that is done once', () => {
    fc.assert(
      fc.property(subject, (judged) => {
        const admitted = asAdmitted(judged, PLAIN_ACCOUNT);
        expect(asAdmitted(admitted, PLAIN_ACCOUNT).object).toEqual(admitted.object);
      }),
      { numRuns: numRuns() },
    );
  });
});
