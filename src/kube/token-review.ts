/** Asks an API server whether it accepts a token (authentication.k8s.io/v1 TokenReview). The token goes there and nowhere else. */

import { asString, member, valueAt } from '../objects/json.ts';
import { toOneLine } from '../objects/text.ts';
import type { KubeClient } from './api.ts';
import { describeResponse } from './sentences.ts';

export type TokenVerdict =
  | { readonly state: 'accepted'; readonly username: string }
  | { readonly state: 'refused'; readonly why: string };

const MOST_ERROR_CHARACTERS = 200;

/** @throws Error with a sentence if the API server does not say; it never holds the token */
export async function reviewToken(client: KubeClient, token: string, signal: AbortSignal): Promise<TokenVerdict> {
  const { status, body } = await client.request({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/tokenreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
    signal,
  });
  const conceal = (text: string) => toOneLine(text.replaceAll(token, '(the token)')).slice(0, MOST_ERROR_CHARACTERS);
  if (status !== 200 && status !== 201) {
    throw new Error(`The cluster cannot be asked: ${conceal(describeResponse({ status, body }))}`);
  }
  if (valueAt(body, ['status', 'authenticated']) === true) {
    return { state: 'accepted', username: asString(valueAt(body, ['status', 'user', 'username'])) ?? '' };
  }
  return { state: 'refused', why: conceal(asString(member(member(body, 'status'), 'error')) ?? 'it does not say why') };
}
