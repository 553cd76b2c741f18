/**
 * Short texts for logs and status pages, made from what others said: bounded, one line, and free of credentials.
 */

import { asString, isObject, member } from '../objects/json.ts';
import type { KubeResponse } from './api.ts';

const MAX_SENTENCE_CHARACTERS = 300;

/**
 * `text` as one bounded line without control characters, and without what looks like a token: error texts of
 * credential plugins and proxies are not ours, so nothing in them is trusted to be printable.
 */
export function toSafeLine(text: string): string {
  const line = text
    .slice(0, 10 * MAX_SENTENCE_CHARACTERS)
    .replaceAll(/eyJ[\w-]+(\.[\w-]*)*/g, '[token]')
    .replaceAll(/(bearer|basic|token["']?[:=])\s*\S+/gi, '$1 [token]')
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  return line.length > MAX_SENTENCE_CHARACTERS ? `${line.slice(0, MAX_SENTENCE_CHARACTERS)}…` : line;
}

/** What `error` says, as a safe line. Never the text of a SyntaxError: V8 quotes the input in it. */
export function describeError(error: unknown): string {
  if (error instanceof SyntaxError) return 'the answer is not valid JSON';
  if (!(error instanceof Error)) return toSafeLine(String(error));
  // An AggregateError (all addresses of a host refused) has no message of its own, only a code.
  const code = isObject(error) ? asString(member(error, 'code')) : undefined;
  return toSafeLine(error.message === '' ? (code ?? error.name) : error.message);
}

/** `HTTP 403 Forbidden: pods is forbidden …`, from the Status that the API server answers with. */
export function describeResponse(response: KubeResponse): string {
  const reason = asString(member(response.body, 'reason'));
  const message = asString(member(response.body, 'message'));
  const head = reason === undefined || reason === '' ? `HTTP ${response.status}` : `HTTP ${response.status} ${reason}`;
  return toSafeLine(message === undefined || message === '' ? head : `${head}: ${message}`);
}

/** The same without the message, for objects that hold secrets: a validation message may quote a value. */
export function describeResponseBriefly(response: KubeResponse): string {
  const reason = asString(member(response.body, 'reason'));
  if (response.status === 0) return toSafeLine(reason ?? 'no answer');
  return toSafeLine(reason === undefined ? `HTTP ${response.status}` : `HTTP ${response.status} ${reason}`);
}
