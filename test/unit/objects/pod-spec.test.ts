import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { findPodSpecs, isPodTemplate, serviceAccountOf, TEMPLATE_KINDS } from '../../../src/objects/pod-spec.ts';
import type { Subject } from '../../../src/objects/subject.ts';

const SPEC = { containers: [] };

/** One object of each kind, written by hand from the kinds' own documentation. */
const OBJECTS: readonly (readonly [string, string, JsonObject, readonly string[]])[] = [
  ['', 'pods', { spec: SPEC }, ['spec']],
  ['apps', 'deployments', { spec: { template: { spec: SPEC } } }, ['spec/template/spec']],
  ['apps', 'replicasets', { spec: { template: { spec: SPEC } } }, ['spec/template/spec']],
  ['apps', 'daemonsets', { spec: { template: { spec: SPEC } } }, ['spec/template/spec']],
  ['apps', 'statefulsets', { spec: { template: { spec: SPEC } } }, ['spec/template/spec']],
  ['', 'replicationcontrollers', { spec: { template: { spec: SPEC } } }, ['spec/template/spec']],
  ['', 'podtemplates', { template: { spec: SPEC } }, ['template/spec']],
  ['batch', 'jobs', { spec: { template: { spec: SPEC } } }, ['spec/template/spec']],
  [
    'batch',
    'cronjobs',
    { spec: { jobTemplate: { spec: { template: { spec: SPEC } } } } },
    ['spec/jobTemplate/spec/template/spec'],
  ],
  [
    'leaderworkerset.x-k8s.io',
    'leaderworkersets',
    { spec: { leaderWorkerTemplate: { leaderTemplate: { spec: SPEC }, workerTemplate: { spec: SPEC } } } },
    ['spec/leaderWorkerTemplate/leaderTemplate/spec', 'spec/leaderWorkerTemplate/workerTemplate/spec'],
  ],
  [
    'jobset.x-k8s.io',
    'jobsets',
    {
      spec: {
        replicatedJobs: [
          { template: { spec: { template: { spec: SPEC } } } },
          { template: { spec: { template: { spec: SPEC } } } },
        ],
      },
    },
    ['spec/replicatedJobs/0/template/spec/template/spec', 'spec/replicatedJobs/1/template/spec/template/spec'],
  ],
  ['argoproj.io', 'rollouts', { spec: { template: { spec: SPEC } } }, ['spec/template/spec']],
  ['serving.knative.dev', 'services', { spec: { template: { spec: SPEC } } }, ['spec/template/spec']],
  ['serving.knative.dev', 'configurations', { spec: { template: { spec: SPEC } } }, ['spec/template/spec']],
  ['serving.knative.dev', 'revisions', { spec: SPEC }, ['spec']],
];

describe('The pod spec', () => {
  it.each(OBJECTS)('of %s %s is found', (group, name, object, paths) => {
    expect(findPodSpecs(subjectOf(group, name, object)).map(({ path }) => path.join('/'))).toEqual(paths);
  });

  it('is tested for every kind of the table', () => {
    const tested = OBJECTS.map(([group, name]) => `${group} ${name}`);
    expect(tested.slice(1).toSorted()).toEqual(
      TEMPLATE_KINDS.map(({ group, resource }) => `${group} ${resource}`).toSorted(),
    );
  });

  it('is not looked for in a kind of the same name in another group', () => {
    expect(findPodSpecs(subjectOf('', 'services', { spec: { template: { spec: SPEC } } }))).toEqual([]);
    expect(isPodTemplate({ group: '', name: 'services', subresource: '' })).toBe(false);
  });

  it.each([[{}], [{ spec: null }], [{ spec: [] }], [{ spec: { replicatedJobs: {} } }]])(
    'is nothing in %j',
    (object) => {
      expect(findPodSpecs(subjectOf('jobset.x-k8s.io', 'jobsets', object))).toEqual([]);
    },
  );
});

describe('The service account of a pod', () => {
  it.each([
    [{ serviceAccountName: 'web' }, 'web'],
    [{ serviceAccount: 'old' }, 'old'],
    [{ serviceAccountName: '', serviceAccount: 'old' }, 'old'],
    [{ serviceAccountName: 'web', serviceAccount: 'old' }, 'web'],
    [{ serviceAccountName: '' }, 'default'],
    [{ serviceAccountName: 7 }, 'default'],
    [{}, 'default'],
  ])('%j runs as %s', (spec, name) => {
    expect(serviceAccountOf(spec)).toBe(name);
  });
});

function subjectOf(group: string, name: string, object: JsonObject): Subject {
  return {
    operation: 'CREATE',
    resource: { group, name, subresource: '' },
    kind: name,
    namespace: 'shop',
    name: 'a',
    object,
  };
}
