/**
 * Where the pod spec is in every kind that has one, written by hand because guessing it is what other products get
 * wrong (CronJob is nested twice, JobSet and LeaderWorkerSet hold several). Facts: Kubernetes API reference for the
 * core kinds; the types of LeaderWorkerSet v1, JobSet v1alpha2, Argo Rollout v1alpha1 and Knative Serving v1.
 */

import type { JsonObject, JsonPath, JsonValue } from './json.ts';
import { asArray, asString, isObject, member, valueAt } from './json.ts';
import type { ResourceName, Subject } from './subject.ts';

/** Stands for every element of an array in the table's paths. */
const EACH = '*';

export type PodBearingKind = {
  readonly group: string;
  readonly versions: readonly string[];
  readonly kind: string;
  readonly resource: string;
  /** Paths of the objects that hold `metadata` and `spec` of a pod. */
  readonly templates: readonly (readonly string[])[];
};

export const POD: PodBearingKind = { group: '', versions: ['v1'], kind: 'Pod', resource: 'pods', templates: [[]] };

/** The kind that is a template and nothing else. */
export const POD_TEMPLATE: PodBearingKind = {
  group: '',
  versions: ['v1'],
  kind: 'PodTemplate',
  resource: 'podtemplates',
  templates: [['template']],
};

export const TEMPLATE_KINDS: readonly PodBearingKind[] = [
  ...(['Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet'] as const).map((kind) => ({
    group: 'apps',
    versions: ['v1'],
    kind,
    resource: `${kind.toLowerCase()}s`,
    templates: [['spec', 'template']],
  })),
  {
    group: '',
    versions: ['v1'],
    kind: 'ReplicationController',
    resource: 'replicationcontrollers',
    templates: [['spec', 'template']],
  },
  POD_TEMPLATE,
  { group: 'batch', versions: ['v1'], kind: 'Job', resource: 'jobs', templates: [['spec', 'template']] },
  {
    group: 'batch',
    versions: ['v1'],
    kind: 'CronJob',
    resource: 'cronjobs',
    templates: [['spec', 'jobTemplate', 'spec', 'template']],
  },
  {
    group: 'leaderworkerset.x-k8s.io',
    versions: ['v1'],
    kind: 'LeaderWorkerSet',
    resource: 'leaderworkersets',
    templates: [
      ['spec', 'leaderWorkerTemplate', 'leaderTemplate'],
      ['spec', 'leaderWorkerTemplate', 'workerTemplate'],
    ],
  },
  {
    group: 'jobset.x-k8s.io',
    versions: ['v1alpha2'],
    kind: 'JobSet',
    resource: 'jobsets',
    templates: [['spec', 'replicatedJobs', EACH, 'template', 'spec', 'template']],
  },
  {
    group: 'argoproj.io',
    versions: ['v1alpha1'],
    kind: 'Rollout',
    resource: 'rollouts',
    templates: [['spec', 'template']],
  },
  ...(['Service', 'Configuration'] as const).map((kind) => ({
    group: 'serving.knative.dev',
    versions: ['v1'],
    kind,
    resource: `${kind.toLowerCase()}s`,
    templates: [['spec', 'template']],
  })),
  { group: 'serving.knative.dev', versions: ['v1'], kind: 'Revision', resource: 'revisions', templates: [[]] },
];

/** One pod spec found in an object. */
export type FoundPodSpec = {
  /** Path of the spec in the object: `['spec', 'template', 'spec']`. */
  readonly path: JsonPath;
  /**
   * Which of the object's pods it is, for keys: empty where the kind has one pod, else `leaderTemplate`, or the name of
   * the list's element. It stays the same when pods are added, taken away or reordered.
   */
  readonly identity: string;
  /** `metadata` of the pod, or of the template that its pods are made from. */
  readonly metadata: JsonValue | undefined;
  readonly spec: JsonObject;
};

const KINDS_OF_RESOURCE: ReadonlyMap<string, readonly PodBearingKind[]> = Map.groupBy(
  [POD, ...TEMPLATE_KINDS],
  ({ resource }) => resource,
);

const PLACE_IN_POD: PlaceOfOne = { template: [], path: ['spec'] };

/** Where the pod is in other kinds that have one, at a fixed place, as nearly all do. */
const PLACE_OF_ONE: ReadonlyMap<PodBearingKind, PlaceOfOne> = new Map(
  TEMPLATE_KINDS.flatMap((kind) => {
    const [template = [], ...others] = kind.templates;
    const place = { template, path: [...template, 'spec'] };
    return others.length > 0 || template.includes(EACH) ? [] : [[kind, place] as const];
  }),
);

/** Paths of what holds the pod's `metadata` and `spec`, and of its spec. */
type PlaceOfOne = { readonly template: readonly string[]; readonly path: JsonPath };

function kindOf({ group, name }: ResourceName): PodBearingKind | undefined {
  return KINDS_OF_RESOURCE.get(name)?.find((kind) => kind.group === group);
}

/** True for a pod itself, false for a template of pods. */
export function isPod(resource: ResourceName): boolean {
  return resource.group === POD.group && resource.name === POD.resource;
}

/** True for a kind whose objects make pods. */
export function isPodTemplate(resource: ResourceName): boolean {
  return !isPod(resource) && kindOf(resource) !== undefined;
}

/** Every pod spec of a subject, in the order of the object; none for kinds that have no pods. */
export function findPodSpecs(subject: Subject): readonly FoundPodSpec[] {
  // Every rule asks, and nearly always of a pod.
  if (isPod(subject.resource)) return findOne(subject.object, PLACE_IN_POD);
  const kind = kindOf(subject.resource);
  if (kind === undefined) return [];
  const place = PLACE_OF_ONE.get(kind);
  if (place !== undefined) return findOne(subject.object, place);
  const found: FoundPodSpec[] = [];
  for (const template of kind.templates) {
    const own = kind.templates.length > 1 ? template.slice(-1) : [];
    for (const { path, elements, holder } of expandPath(subject.object, template)) {
      const spec = member(holder, 'spec');
      if (!isObject(spec)) continue;
      const identity = [...own, ...elements].join('/');
      found.push({ path: [...path, 'spec'], identity, metadata: member(holder, 'metadata'), spec });
    }
  }
  return found;
}

function findOne(object: JsonObject, { template, path }: PlaceOfOne): readonly FoundPodSpec[] {
  const holder = valueAt(object, template);
  const spec = member(holder, 'spec');
  return isObject(spec) ? [{ path, identity: '', metadata: member(holder, 'metadata'), spec }] : [];
}

/** The spec of a pod itself, without anything in it where the pod has none. */
export function specOf(pod: JsonObject): JsonObject {
  const spec = member(pod, 'spec');
  return isObject(spec) ? spec : {};
}

/** The service account a pod with this spec runs as; `default` if it names none, as the API server fills in. */
export function serviceAccountOf(spec: JsonObject): string {
  const name = asString(member(spec, 'serviceAccountName')) || asString(member(spec, 'serviceAccount'));
  return name === undefined || name === '' ? 'default' : name;
}

type Expanded = {
  readonly path: JsonPath;
  readonly elements: readonly string[];
  /** What stands at `path`. */
  readonly holder: JsonValue | undefined;
};

/** Replaces each `*` by the indexes of the array that is there, and remembers the names of the elements. */
function expandPath(object: JsonObject, template: readonly string[]): readonly Expanded[] {
  let places: readonly Expanded[] = [{ path: [], elements: [], holder: object }];
  for (const step of template) {
    places = places.flatMap(({ path, elements, holder }) =>
      step === EACH
        ? asArray(holder).map((element, index) => ({
            path: [...path, index],
            elements: [...elements, asString(member(element, 'name')) ?? String(index)],
            holder: element,
          }))
        : [{ path: [...path, step], elements, holder: member(holder, step) }],
    );
  }
  return places;
}
