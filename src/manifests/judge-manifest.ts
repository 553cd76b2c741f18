/** Judges one manifest as its creation would be judged, by the engine that the webhook has. */

import type { Finding, RuleWords } from '../checks/define-check.ts';
import { startLevel } from '../checks/define-check.ts';
import { CHECKS, findCheck } from '../checks/registry.ts';
import type { AdmitOptions } from '../engine/admit.ts';
import { admit } from '../engine/admit.ts';
import { asAdmitted } from '../engine/as-admitted.ts';
import { ceilingOf } from '../engine/asked-checks.ts';
import type { Effect, Judgement, Result, UndecidedResult } from '../engine/evaluate.ts';
import { judge, NO_JUDGEMENT } from '../engine/evaluate.ts';
import { guardNamespaceLabels } from '../engine/guards.ts';
import type { MutationResult, MutationsOutcome } from '../engine/mutate.ts';
import { toMutationVerdict } from '../engine/mutate.ts';
import type { Verdict } from '../engine/verdict.ts';
import { toVerdict } from '../engine/verdict.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import { effectiveAutomount } from '../objects/automount.ts';
import { isObject, member, toPointer } from '../objects/json.ts';
import type { ActiveLevel } from '../objects/level.ts';
import { isAtLeast } from '../objects/level.ts';
import type { FoundPodSpec } from '../objects/pod-spec.ts';
import { findPodSpecs, isPod, isPodTemplate, POD, POD_TEMPLATE, serviceAccountOf } from '../objects/pod-spec.ts';
import type { ClusterFacts, RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import type { Lookup } from '../objects/views.ts';
import type { Configuration } from '../policy/configuration.ts';
import type { EffectiveLevels } from '../policy/level.ts';
import { effectiveLevels } from '../policy/level.ts';
import { scopeOf } from '../policy/scope.ts';
import type { World } from './world.ts';
import { NOT_HERE } from './world.ts';

export type JudgeManifestOptions = {
  readonly configuration: Configuration;
  readonly cluster: ClusterFacts;
  readonly world: World;
  /** In ms since the epoch. */
  readonly now: number;
  /** What the chart's objects are called. */
  readonly release: string;
  /** In place of every level that a label or the configuration sets, but for mutations. */
  readonly level?: ActiveLevel | undefined;
  /** Names of the MutatingWebhookConfigurations, but for Curfew's own. Default: no cluster was asked. */
  readonly mutatingWebhooks?: Lookup<readonly string[]>;
};

export type JudgedManifest = {
  readonly subject: Subject;
  readonly judgement: Judgement;
  readonly levels: EffectiveLevels;
  /** Ids of checks that could not know, and might have denied: the object, or its pods. */
  readonly mayDeny: ReadonlySet<string>;
  /** What the API server would be told; for a template, what it would be told if it asked about the pods too. */
  readonly verdict: Verdict;
};

/** What was judged on its own: the object itself, or one of the pods that it makes. */
type Judged = Pick<JudgedManifest, 'judgement' | 'mayDeny'> & { readonly warnings: readonly string[] };

type Ways = AdmitOptions;

const NONE: ReadonlySet<string> = new Set();

const NO_CLUSTER = { state: 'unknown', why: 'no cluster was asked', isFinal: true } as const;

/**
 * Judges `subject`, a new object. Of a template the pods are judged too, as they will be made of it: the webhook warns of
 * a template and denies its pods, and whoever asks before anything is applied wants to know both at once.
 */
export function judgeManifest(subject: Subject, options: JudgeManifestOptions): JudgedManifest {
  const ways = toWays(subject, options);
  const { levels } = ways;
  if (subject.resource.group === '' && subject.resource.name === 'namespaces') {
    const judgement = guardNamespaceLabels(subject, { ...options, ownNamespace: '' });
    return { subject, judgement, levels, mayDeny: NONE, verdict: toVerdict(subject, judgement, []) };
  }
  const own = isPodTemplate(subject.resource) ? judgeTemplate(subject, ways) : admitNew(subject, ways);
  const verdict = toVerdict(subject, { ...own.judgement, results: withoutHeldRefusals(own.judgement) }, levels.notes);
  const warnings = [...new Set([...own.warnings, ...verdict.warnings])];
  return { subject, judgement: own.judgement, levels, mayDeny: own.mayDeny, verdict: { ...verdict, warnings } };
}

/** With what `subject` is judged. */
export function toWays(subject: Subject, options: JudgeManifestOptions): Ways {
  const { configuration, cluster, world, now, level, mutatingWebhooks = NO_CLUSTER } = options;
  const namespace = world.namespace(subject.namespace);
  const levels = effectiveLevels(configuration, subject.namespace, namespace);
  // A namespace that is not among the manifests is not worth a word about each object in it.
  const notes = namespace.state === 'found' ? levels.notes : [];
  const context: Omit<RuleContext, 'level'> = {
    now,
    cluster,
    namespace,
    serviceAccount: (name) => world.serviceAccount(subject.namespace, name),
    tokenSecret: (name) => world.tokenSecret(subject.namespace, name),
    mutatingWebhooks,
    acceptApiAccessFrom: configuration.apiAccess.acceptFrom,
  };
  return {
    configuration,
    context,
    scope: scopeOf(configuration, subject, ''),
    levels: { ...levels, ...(level === undefined ? {} : { enforce: level, warn: level, audit: level }), notes },
    checks: CHECKS,
    mutations: MUTATIONS,
  };
}

function admitNew(subject: Subject, ways: Ways): Judged {
  const spec = isPod(subject.resource) ? member(subject.object, 'spec') : undefined;
  const account = ways.context.serviceAccount(isObject(spec) ? serviceAccountOf(spec) : '');
  const seen = asAdmitted(subject, account);
  const { mutation, judgement } = admit(seen, ways);
  const refusals = toRefusals(mutation);
  // Nearly every namespace is not among the manifests, which is not worth a word about each pod in it.
  const warnings = toMutationVerdict(seen, mutation, []).warnings.filter((warning) => !warning.endsWith(NOT_HERE.why));
  // The API server does not ask about it any more.
  if (refusals.some(({ effect }) => effect === 'deny')) {
    return { judgement: { ...NO_JUDGEMENT, results: refusals }, mayDeny: NONE, warnings };
  }
  const isTokenToCome = isObject(spec) && effectiveAutomount(spec, account).mounts === 'unknown';
  const undecided = firstOfEachCheck([
    ...judgement.undecided,
    ...(isTokenToCome ? judge(asTemplate(subject), ways).undecided : []),
  ]);
  return {
    judgement: { ...judgement, undecided, results: [...refusals, ...judgement.results] },
    mayDeny: new Set(undecided.map(({ check }) => check.id).filter((id) => mayDeny(id, ways))),
    warnings,
  };
}

/**
 * A pod of which nobody knows whether the API server will give it a token is no pod without one: what cannot be said of a
 * template, whose pods are still to come, cannot be said of it.
 */
function asTemplate(pod: Subject): Subject {
  const { resource, kind } = POD_TEMPLATE;
  return {
    ...pod,
    kind,
    resource: { group: POD_TEMPLATE.group, name: resource, subresource: '' },
    object: { apiVersion: 'v1', kind, metadata: member(pod.object, 'metadata') ?? null, template: pod.object },
  };
}

function firstOfEachCheck(undecided: readonly UndecidedResult[]): readonly UndecidedResult[] {
  return [...new Map(undecided.toReversed().map((result) => [result.check.id, result])).values()].toReversed();
}

function judgeTemplate(subject: Subject, ways: Ways): Judged {
  const own = judge(subject, ways);
  const pods = findPodSpecs(subject).map((pod) => {
    const made = toPod(subject, pod);
    const judged = admitNew(made, { ...ways, scope: scopeOf(ways.configuration, made, '') });
    return { ...judged, judgement: { ...judged.judgement, results: moveInto(judged.judgement.results, pod) } };
  });
  const denied = pods.flatMap(({ judgement }) => judgement.results.filter(isRefused));
  const told = new Set(own.results.filter(isRefused).map(({ check }) => check.id));
  const ofPods = denied.filter(({ check }) => !told.has(check.id));
  const results = [...(ofPods.length === 0 ? [] : rewordAs(ofPods, subject, ways)), ...own.results];
  const undecided = [own, ...pods.map(({ judgement }) => judgement)].flatMap((judgement) => judgement.undecided);
  return {
    judgement: { ...own, results, undecided: firstOfEachCheck(undecided) },
    mayDeny: new Set(pods.flatMap((pod) => [...pod.mayDeny])),
    warnings: pods.flatMap(({ warnings }) => warnings),
  };
}

function isRefused({ effect }: Result): boolean {
  return effect === 'deny' || effect === 'would_deny';
}

/** A pod as its controller would make it of the template. */
function toPod(subject: Subject, { metadata, spec }: FoundPodSpec): Subject {
  const generateName = `${subject.name}-`;
  return {
    operation: 'CREATE',
    resource: { group: POD.group, name: POD.resource, subresource: '' },
    kind: POD.kind,
    namespace: subject.namespace,
    name: '',
    object: {
      apiVersion: 'v1',
      kind: POD.kind,
      metadata: { ...(isObject(metadata) ? metadata : {}), generateName, namespace: subject.namespace },
      spec,
    },
  };
}

/** From paths of the pod to paths of its template. */
function moveInto(results: readonly Result[], pod: FoundPodSpec): readonly Result[] {
  const prefix = toPointer(pod.path.slice(0, -1));
  const owner = pod.identity === '' ? '' : `${pod.identity}: `;
  const move = (finding: Finding): Finding => ({
    ...finding,
    path: `${prefix}${finding.path}`,
    key: `${owner}${finding.key}`,
    ...(finding.repair === undefined
      ? {}
      : { repair: { ...finding.repair, path: [...pod.path.slice(0, -1), ...finding.repair.path] } }),
  });
  return results.map((result) => ({ ...result, findings: result.findings.map(move) }));
}

/**
 * What is said of pods, in the words for their template where there are some: a pod has volumes and mounts that no file
 * shows. Each check once, with everything that it found.
 */
function rewordAs(denied: readonly Result[], template: Subject, ways: Ways): readonly Result[] {
  // As if templates were refused too.
  const ofTemplate = judge(template, { ...ways, scope: { ...ways.scope, ceiling: 'enforce' } }).results;
  const joined = new Map<string, Result & { readonly findings: Finding[] }>();
  for (const result of denied) {
    const known = joined.get(result.check.id);
    if (known === undefined) joined.set(result.check.id, { ...result, findings: [...result.findings] });
    else for (const finding of result.findings) known.findings.push(finding);
  }
  return [...joined.values()].map(
    (result) =>
      ofTemplate.find(({ check, effect }) => check.id === result.check.id && effect === result.effect) ?? result,
  );
}

/** What was asked for and cannot be done is denied by the mutation, in the same form. */
function toRefusals({ results }: MutationsOutcome): readonly Result[] {
  return results.flatMap((result): readonly Result[] => {
    const effect = toEffect(result);
    if (effect === undefined || result.refusals.length === 0) return [];
    const findings = result.refusals.map(({ path, detail, fix }) => {
      return { path, key: path, reason: 'what was asked for cannot be done', detail, fix, shortFix: fix };
    });
    return [{ check: toWords(result), effect, findings }];
  });
}

/** Of these the mutations warn in words of their own. */
function withoutHeldRefusals({ results }: Judgement): readonly Result[] {
  return results.filter(({ check, effect }) => effect !== 'would_deny' || !MUTATIONS.some(({ id }) => id === check.id));
}

function toEffect({ decision }: MutationResult): Effect | undefined {
  return decision === 'deny' || decision === 'would_deny' ? decision : undefined;
}

function toWords({ mutation }: MutationResult): RuleWords {
  return { id: mutation.id, fix: () => mutation.title, shortFix: () => mutation.title };
}

/** True if what this check could not know could have been a denial. */
function mayDeny(id: string, { configuration, scope, levels }: Ways): boolean {
  const check = findCheck(id);
  if (check === undefined || scope.isDryRun || !isAtLeast(levels.enforce, startLevel(check))) return false;
  return ceilingOf(check, { configuration, scope }) === 'enforce';
}
