import { applyPatch } from 'rfc6902';
import { describe, expect, it } from 'vitest';
import { type Check, isFinding, type Outcome } from '../../src/checks/define-check.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { asAdmitted } from '../../src/engine/as-admitted.ts';
import { toMutationSettings } from '../../src/engine/mutation-settings.ts';
import { isChange } from '../../src/mutations/define-mutation.ts';
import injectToken from '../../src/mutations/inject-token.ts';
import { MUTATIONS } from '../../src/mutations/registry.ts';
import { createDraft } from '../../src/objects/draft.ts';
import { asArray, member, stringMembers, valueAt } from '../../src/objects/json.ts';
import { respond } from '../../src/review/respond.ts';
import { fc } from '../properties.ts';
import { deepFreeze, numRuns } from './arbitraries.ts';
import { answeredWorld, anyCase, type Case, caseOf, SECRET_TEXT, SETTINGS, silence } from './cases.ts';
import { resolvePointer } from './json-pointer.ts';
import { contextOf, judgeWith, PLAIN_ACCOUNT } from './judging.ts';
import { admittedPod, subjectOf } from './subjects.ts';

/** Of a denial or an annotation, as UTF-8. */
const MOST_BYTES = 4_096;
/** Of all warnings together, or the API server cuts them (filters/warning.go). */
const MOST_RUNES = 4_096;

/** Pods whose containers have names that no API server takes, for more words than fit into a message. */
const wordyCase: fc.Arbitrary<Pick<Case, 'subject' | 'world'>> = fc
  .array(fc.tuple(fc.constantFrom('x', 'é', '漢', '🔑', '\n', '\ud800'), fc.nat(3_000)), { minLength: 1, maxLength: 4 })
  .map((names) => subjectOf('pods', admittedPod(names.map(([character, count]) => character.repeat(count)))))
  .map((subject) => ({ subject, world: contextOf(subject, {}) }));

const level = fc.constantFrom('baseline', 'restricted');
/** Each is a configuration of its own, and compiling one takes longer than judging by it. */
const few = fc.nat({ max: 5 });

/** What `check` says of a case at the given settings, and its keys. */
function run(check: Check, { subject, world, level, options }: Case): readonly Outcome[] {
  const limits = check.levels[level] ?? check.levels.restricted;
  return check.evaluate(subject, { options, limits }, { ...world, level });
}

function keysOf(check: Check, drawn: Case): readonly string[] {
  return run(check, drawn).flatMap((outcome) => ('key' in outcome ? [outcome.key] : []));
}

/** One of the settings of each check. */
function settingsOf(check: Check, way: number): Pick<Case, 'level' | 'options'> {
  const all = SETTINGS.get(check) ?? [];
  return all[way % all.length] ?? { level: 'restricted', options: check.defaults };
}

describe.each(CHECKS.map((check) => ({ id: check.id, check })))('Examples of $id, changed at random,', ({ check }) => {
  it('are judged the same way twice, untouched, and what is found is there and has a key of its own', () => {
    let findings = 0;
    fc.assert(
      fc.property(caseOf(check), (drawn) => {
        deepFreeze(drawn.subject);
        const outcomes = run(check, drawn);
        expect(run(check, drawn)).toEqual(outcomes);
        for (const finding of outcomes.filter(isFinding)) {
          findings += 1;
          expect(resolvePointer(drawn.subject.object, finding.path)).toBeDefined();
        }
        const keys = keysOf(check, drawn);
        expect(new Set(keys).size).toBe(keys.length);
      }),
      { numRuns: numRuns(60) },
    );
    // A generator that never hits would prove nothing.
    expect(findings).toBeGreaterThan(5);
  });

  it('are not refused for want of an answer that could have allowed it', () => {
    let refusals = 0;
    fc.assert(
      fc.property(caseOf(check), answeredWorld, silence, (drawn, world, silent) => {
        const refused = keysOf(check, { ...drawn, world: { ...world, ...silent } });
        refusals += refused.length;
        expect(keysOf(check, { ...drawn, world })).toEqual(expect.arrayContaining([...refused]));
      }),
      { numRuns: numRuns(60) },
    );
    expect(refusals).toBeGreaterThan(0);
  });
});

describe('Whatever the object is', () => {
  it('every check judges it at every level, with any options, the same way twice, without touching it', () => {
    fc.assert(
      fc.property(anyCase, fc.nat(), (drawn, way) => {
        deepFreeze(drawn.subject);
        for (const check of CHECKS) {
          const given = { ...drawn, ...settingsOf(check, way) };
          const outcomes = run(check, given);
          expect(run(check, given)).toEqual(outcomes);
          const findings = outcomes.filter(isFinding);
          for (const { path } of findings) expect(resolvePointer(drawn.subject.object, path)).toBeDefined();
          expect(new Set(findings.map(({ key }) => key)).size).toBe(findings.length);
        }
      }),
      { numRuns: numRuns() },
    );
  });

  it('no check refuses it for want of an answer that could have allowed it', () => {
    fc.assert(
      fc.property(anyCase, answeredWorld, silence, fc.nat(), ({ subject }, world, silent, way) => {
        for (const check of CHECKS) {
          const settings = settingsOf(check, way);
          const refused = keysOf(check, { subject, ...settings, world: { ...world, ...silent } });
          expect(keysOf(check, { subject, ...settings, world })).toEqual(expect.arrayContaining([...refused]));
        }
      }),
      { numRuns: numRuns() },
    );
  });

  it('the words about it are bounded, on clean lines, and hold nothing of a Secret', () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 3, arbitrary: anyCase }, wordyCase), level, few, (drawn, enforce, way) => {
        const checks = CHECKS.map((check) => [check.id, settingsOf(check, way).options]);
        const configuration = {
          levels: { enforce, clusterScoped: { enforce } },
          enforceTemplates: true,
          checks: Object.fromEntries(checks),
        };
        const { verdict } = judgeWith(drawn.subject, { configuration, context: drawn.world });
        const { denial = '' } = verdict;
        const sent = member(JSON.parse(respond('a', verdict)), 'response');
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
      fc.property(anyCase, ({ subject: judged, world }) => {
        fc.pre(!/"(constructor|prototype|__proto__)":/.test(JSON.stringify(judged.object)));
        for (const mutation of MUTATIONS) {
          const settings = toMutationSettings(mutation, {
            context: { ...world, level: 'restricted' },
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
      fc.property(anyCase, ({ subject: judged }) => {
        const admitted = asAdmitted(judged, PLAIN_ACCOUNT);
        expect(asAdmitted(admitted, PLAIN_ACCOUNT).object).toEqual(admitted.object);
      }),
      { numRuns: numRuns() },
    );
  });
});
