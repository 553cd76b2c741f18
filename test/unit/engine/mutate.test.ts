import { describe, expect, it } from 'vitest';
import { mutate, toMutationVerdict } from '../../../src/engine/mutate.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import { valueAt } from '../../../src/objects/json.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import { effectiveLevels } from '../../../src/policy/level.ts';
import { scopeOf } from '../../../src/policy/scope.ts';
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
  });

  it('is said to the audit log, and so is what would have been', () => {
    const keys = (setting: Setting) => [...toMutationVerdict(run(POD, setting), []).auditAnnotations.keys()];
    expect(keys({ configuration: APPLY })).toEqual(['mutate']);
    expect(keys({})).toEqual(['would-mutate']);
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
