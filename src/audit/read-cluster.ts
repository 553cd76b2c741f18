/**
 * What of a cluster is looked at, page by page: nothing is kept but what others are judged by. Of Secrets only the metadata
 * of those that hold a token is asked for; no key of a Secret ever leaves the API server.
 */

import type { KubeClient } from '../kube/api.ts';
import { listAll } from '../kube/list-all.ts';
import { METADATA_LIST, TOKEN_SECRETS } from '../kube/metadata.ts';
import { describeError } from '../kube/sentences.ts';
import type { JsonObject } from '../objects/json.ts';
import { asString, isObject, member, valueAt } from '../objects/json.ts';
import type { Kind } from '../objects/kinds.ts';
import { KINDS } from '../objects/kinds.ts';
import { toNewSubject } from '../objects/manifest.ts';
import { readController } from '../objects/owner.ts';
import { isPod } from '../objects/pod-spec.ts';
import { isBuiltInBinding, isBuiltInRole } from '../objects/rbac/built-in.ts';
import type { Subject } from '../objects/subject.ts';
import { TOKEN_SECRET_TYPE } from '../objects/views.ts';

export type ClusterOptions = {
  readonly client: Pick<KubeClient, 'request'>;
  /** All of them if it is undefined. */
  readonly namespace: string | undefined;
  readonly signal: AbortSignal;
  /** Called before each list. */
  readonly onList?: (resource: string) => void;
};

/** What could not be listed: one sentence. */
export type ClusterFault = {
  readonly message: string;
  /** The plural of the kind, `pods`; undefined for what no check judges. */
  readonly resource?: string;
};

/** First, since the others are judged by them. */
const SETTING: readonly string[] = ['Namespace', 'ServiceAccount', 'Secret'];

/** What each of its controllers makes is judged where it is written: in the template. */
const MAKERS: ReadonlySet<string> = new Set(KINDS.map(({ kind }) => kind));

/** The objects by which others are judged. */
export async function readSetting(options: ClusterOptions, faults: ClusterFault[]): Promise<readonly Subject[]> {
  const subjects: Subject[] = [];
  for await (const subject of listKinds(SETTING, options, faults)) subjects.push(subject);
  return subjects;
}

/** Everything else that rules read, in the order of the table of kinds. */
export function listOthers(options: ClusterOptions, faults: ClusterFault[]): AsyncIterable<Subject> {
  const isLookedAt = ({ kind, scope }: Kind) =>
    !SETTING.includes(kind) && (options.namespace === undefined || scope === 'Namespaced');
  return listKinds(
    KINDS.filter(isLookedAt).map(({ kind }) => kind),
    options,
    faults,
  );
}

/** Objects of these kinds, in the order of the table of kinds. */
export async function* listKinds(
  kinds: readonly string[],
  options: ClusterOptions,
  faults: ClusterFault[],
): AsyncIterable<Subject> {
  for (const kind of KINDS.filter((one) => kinds.includes(one.kind))) yield* listSubjects(kind, options, faults);
}

async function* listSubjects(
  kind: Kind,
  { client, namespace, signal, onList }: ClusterOptions,
  faults: ClusterFault[],
): AsyncIterable<Subject> {
  onList?.(kind.resource);
  const version = kind.versions[0] ?? '';
  const apiVersion = kind.group === '' ? version : `${kind.group}/${version}`;
  try {
    for await (const page of listAll(client, toList(kind, apiVersion, namespace), signal)) {
      yield* page.filter(isObject).flatMap((item) => toNewSubject(withType(item, kind, apiVersion), '') ?? []);
    }
  } catch (error) {
    signal.throwIfAborted();
    faults.push({ message: describeError(error), resource: kind.resource });
  }
}

function toList({ group, resource, kind, scope }: Kind, apiVersion: string, namespace: string | undefined) {
  const base = group === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
  const within = namespace === undefined || scope === 'Cluster' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return {
    path: `${base}${within}/${resource}`,
    ...(kind === 'Namespace' ? { accept: METADATA_LIST } : {}),
    ...(kind === 'Secret' ? { accept: TOKEN_SECRETS.listAccept, query: TOKEN_SECRETS.query } : {}),
    // Of a custom resource that is not installed there are none.
    isOptional: group.includes('.') && !group.endsWith('.k8s.io'),
  };
}

/**
 * Items of a list do not say what they are; of a Secret nothing but its type is known, which the list was asked for. What
 * is kept for the whole audit is kept without the fields of whoever managed it, which are half of it.
 */
function withType(item: JsonObject, { kind }: Kind, apiVersion: string): JsonObject {
  const { managedFields: _, ...metadata } = (member(item, 'metadata') ?? {}) as JsonObject;
  return { ...item, metadata, apiVersion, kind, ...(kind === 'Secret' ? { type: TOKEN_SECRET_TYPE } : {}) };
}

/** Of the setting, what is judged itself. */
export function listJudgedOf(setting: readonly Subject[], namespace: string | undefined): readonly Subject[] {
  return setting.filter(({ kind, name }) => namespace === undefined || kind !== 'Namespace' || name === namespace);
}

/** False of what somebody else's word is about: what is made of a template, brought by Kubernetes, or over. */
export function isJudged(subject: Subject): boolean {
  return !isMade(subject) && !isBuiltIn(subject) && !hasEnded(subject);
}

/** True of what a controller made of a template that is judged itself. */
export function isMade({ object }: Subject): boolean {
  return MAKERS.has(readController(object)?.kind ?? '');
}

/** True of roles and bindings that Kubernetes brings. */
export function isBuiltIn({ resource, object }: Subject): boolean {
  if (resource.group !== 'rbac.authorization.k8s.io') return false;
  return resource.name.endsWith('bindings') ? isBuiltInBinding(object) : isBuiltInRole(object);
}

/** True of a pod whose tokens ended with it. */
export function hasEnded({ resource, object }: Subject): boolean {
  const phase = asString(valueAt(object, ['status', 'phase']));
  return isPod(resource) && (phase === 'Succeeded' || phase === 'Failed');
}
