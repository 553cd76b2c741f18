/**
 * Writes Events on the owners of pods. One Event for an owner and a subject of complaint, whichever replica writes it: its
 * name is made of the two, and who comes second raises its count.
 */

import { createHash } from 'node:crypto';
import { asString, valueAt } from '../objects/json.ts';
import { type Owner, readController } from '../objects/owner.ts';
import type { KubeClient, KubeRequest, KubeResponse } from './api.ts';
import { METADATA } from './metadata.ts';
import { describeResponse } from './sentences.ts';

/** As kubectl shows it under "From". */
const REPORTER = 'curfew.dev/webhook';
const REASON = 'CurfewDenied';
const ACTION = 'Admission';

/** Longest name of an object, and of a reporting instance (kubernetes, pkg/apis/core/validation/events.go). */
const MOST_NAME_CHARACTERS = 253;
const MOST_INSTANCE_CHARACTERS = 128;
const MAX_ANSWER_BYTES = 64 * 1024;

/** What a ReplicaSet or a Job may belong to is looked up; every other owner is what people made themselves. */
const STEPS: readonly { readonly group: string; readonly kind: string; readonly resource: string }[] = [
  { group: 'apps', kind: 'ReplicaSet', resource: 'replicasets' },
  { group: 'batch', kind: 'Job', resource: 'jobs' },
];

export type OwnerEvent = {
  readonly namespace: string;
  readonly owner: Owner;
  /** Tells this complaint from others about the same owner. */
  readonly about: string;
  /** At most 1,024 bytes. */
  readonly note: string;
  /** How often it was seen since it was last written. */
  readonly count: number;
  /** When it was seen last, in ms since the epoch. */
  readonly at: number;
};

type Api = { readonly client: Pick<KubeClient, 'request'>; readonly signal: AbortSignal };

/**
 * The top of the chain of controllers: the Deployment of a ReplicaSet, the CronJob of a Job. Where the API server says that
 * it knows no such object, or that we may not see it, the owner itself.
 *
 * @throws Error with a sentence if the API server could not be asked
 */
export async function findTopOwner({ client, signal }: Api, namespace: string, owner: Owner): Promise<Owner> {
  const [group, version = ''] = owner.apiVersion.split('/');
  const step = STEPS.find((each) => each.kind === owner.kind && each.group === group);
  if (step === undefined) return owner;
  const folder = `/apis/${step.group}/${encodeURIComponent(version)}/namespaces/${encodeURIComponent(namespace)}`;
  const path = `${folder}/${step.resource}/${encodeURIComponent(owner.name)}`;
  const answer = await client.request({
    method: 'GET',
    path,
    accept: METADATA,
    maxAnswerBytes: MAX_ANSWER_BYTES,
    signal,
  });
  if (answer.status === 403 || answer.status === 404) return owner;
  if (answer.status !== 200) throw new Error(describeResponse(answer));
  // The reference is what somebody wrote, and another object may have the name by now.
  if (asString(valueAt(answer.body, ['metadata', 'uid'])) !== owner.uid) return owner;
  return readController(answer.body) ?? owner;
}

/**
 * Makes the Event, or raises the count of the one that is there.
 *
 * @param instance - who writes: the name of the pod
 * @throws Error with a sentence if it could not be written
 */
export async function writeOwnerEvent({ client, signal }: Api, event: OwnerEvent, instance: string): Promise<void> {
  const name = nameEvent(event);
  const folder = `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(event.namespace)}/events`;
  const send = async (request: Pick<KubeRequest, 'method' | 'path' | 'contentType' | 'body'>): Promise<KubeResponse> =>
    await client.request({ ...request, maxAnswerBytes: MAX_ANSWER_BYTES, signal });
  const patch = async (body: object): Promise<KubeResponse> =>
    await send({
      method: 'PATCH',
      path: `${folder}/${encodeURIComponent(name)}`,
      contentType: 'application/merge-patch+json',
      body,
    });

  const made = await send({ method: 'POST', path: folder, body: toEvent(event, { name, instance }) });
  if (made.status === 201) return;
  if (made.status !== 409) throw new Error(describeResponse(made));
  // A patch of nothing changes nothing, and shows what is there without the right to read events.
  const before = await patch({});
  if (before.status !== 200) throw new Error(describeResponse(before));
  const count = Number(valueAt(before.body, ['series', 'count']) ?? 1) + event.count;
  const counted = await patch({ series: { count, lastObservedTime: toMicroTime(event.at) } });
  if (counted.status !== 200) throw new Error(describeResponse(counted));
}

/** The same for every replica; lives until the API server forgets it, an hour after the last change. */
function nameEvent({ owner, about }: OwnerEvent): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([owner.uid, about]))
    .digest('hex')
    .slice(0, 16);
  return `${owner.name.slice(0, MOST_NAME_CHARACTERS - hash.length - 1)}.${hash}`;
}

function toEvent(
  { namespace, owner, note, count, at }: OwnerEvent,
  who: { readonly name: string; readonly instance: string },
) {
  const time = toMicroTime(at);
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: who.name, namespace },
    type: 'Warning',
    reason: REASON,
    action: ACTION,
    note,
    eventTime: time,
    // The API server refuses a series of one.
    ...(count < 2 ? {} : { series: { count, lastObservedTime: time } }),
    reportingController: REPORTER,
    reportingInstance: who.instance.slice(0, MOST_INSTANCE_CHARACTERS) || 'curfew',
    // kubectl looks events up by all of these (kubectl, pkg/describe: events by involvedObject.uid, name and kind).
    regarding: { ...owner, namespace },
  };
}

/** RFC 3339 with six digits, as the type MicroTime has them. */
function toMicroTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
