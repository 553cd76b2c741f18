/**
 * Writes one step for one Secret. Each write says which object it means, as it was when it was looked at (uid and
 * resourceVersion): what was changed since is a surprise, and nothing is written then. Answers are metadata alone.
 */

import type { KubeClient, KubeResponse } from '../kube/api.ts';
import { METADATA } from '../kube/metadata.ts';
import { describeResponseBriefly } from '../kube/sentences.ts';
import { stringMembers, valueAt } from '../objects/json.ts';
import { INVALID_SINCE_LABEL } from '../objects/legacy-token.ts';
import { formatMark, MARK_ANNOTATION, toDay } from './mark.ts';
import type { TokenSecret } from './token-secret.ts';

export type Step = 'invalidate' | 'restore' | 'delete';

export type StepOptions = {
  readonly client: Pick<KubeClient, 'request'>;
  /** In ms since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
};

/** Why the step was not taken; undefined if it was. */
export type Surprise = string;

const FIELD_MANAGER = 'curfew-cleanup';
const MAX_ANSWER_BYTES = 1024 * 1024;

export async function takeStep(step: Step, secret: TokenSecret, options: StepOptions): Promise<Surprise | undefined> {
  switch (step) {
    case 'invalidate':
      return await label(secret, options, {
        since: toDay(options.now),
        mark: formatMark({ at: options.now, lastUsed: secret.lastUsed }),
      });
    case 'restore':
      return await label(secret, options, { since: null, mark: null });
    case 'delete':
      return await remove(secret, options);
  }
}

async function label(
  secret: TokenSecret,
  { client, signal }: StepOptions,
  { since, mark }: { readonly since: string | null; readonly mark: string | null },
): Promise<Surprise | undefined> {
  const { uid, resourceVersion } = secret;
  const response = await client.request({
    method: 'PATCH',
    path: pathOf(secret),
    query: { fieldManager: FIELD_MANAGER },
    contentType: 'application/merge-patch+json',
    accept: METADATA,
    maxAnswerBytes: MAX_ANSWER_BYTES,
    body: {
      metadata: {
        uid,
        resourceVersion,
        labels: { [INVALID_SINCE_LABEL]: since },
        annotations: { [MARK_ANNOTATION]: mark },
      },
    },
    signal,
  });
  if (response.status !== 200) return describeFailure(response);
  // What is stored counts: another webhook may have put it back.
  const labels = stringMembers(valueAt(response.body, ['metadata', 'labels']));
  return (labels.get(INVALID_SINCE_LABEL) ?? null) === since ? undefined : `label ${INVALID_SINCE_LABEL} was not kept`;
}

async function remove(secret: TokenSecret, { client, signal }: StepOptions): Promise<Surprise | undefined> {
  const { uid, resourceVersion } = secret;
  const response = await client.request({
    method: 'DELETE',
    path: pathOf(secret),
    accept: METADATA,
    maxAnswerBytes: MAX_ANSWER_BYTES,
    body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } },
    signal,
  });
  return response.status === 200 || response.status === 202 ? undefined : describeFailure(response);
}

function pathOf({ namespace, name }: TokenSecret): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
}

/** Briefly: the message of a validation may quote what the Secret holds. */
function describeFailure(response: KubeResponse): Surprise {
  if (response.status === 404) return 'it is gone';
  if (response.status === 409) return 'it was changed since it was looked at';
  return describeResponseBriefly(response);
}
