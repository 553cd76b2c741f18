import { applyPatch } from 'rfc6902';
import { describe, expect, it } from 'vitest';
import { mutate, toMutationVerdict } from '../../../src/engine/mutate.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import type { JsonObject, JsonValue } from '../../../src/objects/json.ts';
import { valueAt } from '../../../src/objects/json.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import { effectiveLevels } from '../../../src/policy/level.ts';
import { scopeOf } from '../../../src/policy/scope.ts';
import { fc } from '../../properties.ts';
import { deepFreeze, hostileObject, hostileValue, mutated, numRuns } from '../arbitraries.ts';
import { configure, contextOf, type Setting } from '../judging.ts';
import { admittedPod, subjectOf } from '../subjects.ts';

const POD = subjectOf('pods', admittedPod());
const APPLY = { mutateMode: 'apply' };

describe('The default token', () => {
  it.each<[string, Subject, Setting, string]>([
    ['is reported by default', POD, {}, 'would_mutate'],
    ['is shortened with mutateMode apply', POD, { configuration: APPLY }, 'mutate'],
    ['is shortened where the label asks for it', POD, { labels: { 'curfew.dev/mutate': 'baseline' } }, 'mutate'],
    [
      'is left alone where the label says off',
      POD,
      { configuration: APPLY, labels: { 'curfew.dev/mutate': 'off' } },
      '',
    ],
    ['is only reported with dryRun', POD, { configuration: { ...APPLY, dryRun: true } }, 'would_mutate'],
    ['is only reported in kube-system', { ...POD, namespace: 'kube-system' }, { configuration: APPLY }, 'would_mutate'],
    ['is left alone in an excluded namespace', POD, { configuration: { ...APPLY, excludedNamespaces: ['shop'] } }, ''],
    [
      'is left alone with mode off',
      POD,
      { configuration: { ...APPLY, mutations: { 'short-lived-api-token': { mode: 'off' } } } },
      '',
    ],
    [
      'is reported with mode report',
      POD,
      { configuration: { ...APPLY, mutations: { 'short-lived-api-token': { mode: 'report' } } } },
      'would_mutate',
    ],
  ])('%s', (_what, subject, setting, decision) => {
    const outcome = run(subject, setting);
    expect(outcome.results.map((result) => result.decision).join()).toBe(decision);
    expect(outcome.patch.length > 0).toBe(decision === 'mutate');
    expect(outcome.object === subject.object).toBe(decision !== 'mutate');
  });

  it('gets the lifetime that is configured', () => {
    const configuration = { ...APPLY, mutations: { 'short-lived-api-token': { expirationSeconds: 600 } } };
    const path = ['spec', 'volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken', 'expirationSeconds'];
    expect(valueAt(run(POD, { configuration }).object, path)).toBe(600);
  });
});

describe('A pod that is exempt from the check that a mutation mends', () => {
  const exemption = (checks: readonly string[], expires: string) => ({
    ...APPLY,
    levels: { mutate: 'restricted' },
    exemptions: {
      rules: [{ name: 'old', match: { namespaces: ['shop'] }, checks, reason: 'reads Pods', owner: 'team', expires }],
    },
  });

  it.each([
    ['keeps its token, and the audit log says why', ['pod-automount'], '2027-01-01', false],
    ['loses it once the exemption has ended', ['pod-automount'], '1969-12-30', true],
    ['loses it if the exemption is from another check', ['year-long-token'], '2027-01-01', true],
  ])('%s', (_what, checks, expires, isTaken) => {
    const outcome = run(POD, { configuration: exemption(checks, expires) });
    expect(outcome.results.some(({ mutation }) => mutation.id === 'automount-opt-out')).toBe(isTaken);
    const note = toMutationVerdict(POD, outcome, []).auditAnnotations.get('note') ?? '';
    expect(note.includes('automount-opt-out: nothing is changed: exemption old is from pod-automount')).toBe(!isTaken);
  });
});

describe('What was changed', () => {
  it('is added to what others wrote into the annotation, once', () => {
    const annotated = (by: string) =>
      subjectOf('pods', admittedPod(['app'], { annotations: { 'curfew.dev/mutated-by': by } }));
    const result = (by: string) =>
      valueAt(run(annotated(by), { configuration: APPLY }).object, [
        'metadata',
        'annotations',
        'curfew.dev/mutated-by',
      ]);
    expect(result('another')).toBe('another,short-lived-api-token');
    expect(result('short-lived-api-token')).toBe('short-lived-api-token');
    expect([result(''), result('a,a,,b'), result('x'.repeat(1_001))]).toEqual([
      'short-lived-api-token',
      'a,b,short-lived-api-token',
      'short-lived-api-token',
    ]);
  });

  it('is said to the audit log, and so is what would have been', () => {
    const keys = (setting: Setting) => [...toMutationVerdict(POD, run(POD, setting), []).auditAnnotations.keys()];
    expect(keys({ configuration: APPLY })).toEqual(['mutate']);
    expect(keys({})).toEqual(['would-mutate']);
  });
});

describe('An object that no API server sends', () => {
  const PATH = ['spec', 'volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken', 'expirationSeconds'];
  const NOTE = ['metadata', 'annotations', 'curfew.dev/mutated-by'];
  const withMetadata = (metadata: JsonValue) => subjectOf('pods', { ...admittedPod(), metadata });

  it.each<[string, JsonValue]>([
    ['metadata that is text', 'web'],
    ['metadata that is a number', 7],
    ['metadata that is a list', []],
    ['annotations that are text', { annotations: 'a=b' }],
    ['annotations that are true', { annotations: true }],
    ['annotations that are a list', { annotations: ['a'] }],
  ])('with %s gets the patch, without the note that has no place there', (_what, metadata) => {
    const { object, results } = run(withMetadata(metadata), { configuration: APPLY });
    expect(results.map(({ decision }) => decision)).toEqual(['mutate']);
    expect(valueAt(object, PATH)).toBe(3600);
    expect(object['metadata']).toEqual(metadata);
  });

  it.each<[string, JsonValue]>([
    ['metadata that is null', null],
    ['annotations that are null', { annotations: null }],
    ['the note as a number', { annotations: { 'curfew.dev/mutated-by': 7 } }],
  ])('with %s gets both', (_what, metadata) => {
    const { object } = run(withMetadata(metadata), { configuration: APPLY });
    expect(valueAt(object, PATH)).toBe(3600);
    expect(valueAt(object, NOTE)).toBe('short-lived-api-token');
  });

  it.each(['report', 'apply'])('with a million-deep list in its status is judged by mutateMode %s', (mutateMode) => {
    const status: JsonValue = JSON.parse(`${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`);
    const { results } = run(subjectOf('pods', { ...admittedPod(), status }), { configuration: { mutateMode } });
    expect(results).toHaveLength(1);
  });

  it('is patched or left alone, whatever its metadata or its other parts are, by a patch that applies', () => {
    const metadata = fc.oneof(
      hostileValue,
      hostileValue.map((annotations) => ({ annotations })),
      hostileObject.map((annotations) => ({ annotations })),
    );
    const object: fc.Arbitrary<JsonObject> = fc.oneof(
      metadata.map((value) => ({ ...admittedPod(), metadata: value })),
      mutated([admittedPod()]),
      hostileObject,
    );
    fc.assert(
      fc.property(object, (pod) => {
        // The library that applies the patch refuses such keys; the API server does not.
        fc.pre(!/"(constructor|prototype|__proto__)":/.test(JSON.stringify(pod)));
        deepFreeze(pod);
        const outcome = run(subjectOf('pods', pod), { configuration: APPLY });
        const patched = structuredClone(pod);
        const errors = applyPatch(patched, structuredClone([...outcome.patch])).filter((error) => error !== null);
        expect(errors).toEqual([]);
        expect(patched).toEqual(outcome.object);
      }),
      { numRuns: numRuns() },
    );
  });
});

function run(subject: Subject, setting: Setting) {
  const configuration = configure(setting.configuration);
  const context = contextOf(subject, setting);
  return mutate(subject, {
    mutations: MUTATIONS,
    configuration,
    scope: scopeOf(configuration, subject, ''),
    levels: effectiveLevels(configuration, subject.namespace, context.namespace),
    context,
  });
}
