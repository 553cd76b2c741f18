/** Verdict → AdmissionReview v1, and fault → Status, in the very form the API server checks. */

import type { Verdict } from '../engine/verdict.ts';
import type { Fault } from '../errors.ts';
import type { JsonObject, JsonValue } from '../objects/json.ts';
import { countOf, cutToBytes, toOneLine } from '../objects/text.ts';
import { REVIEW_API_VERSION, REVIEW_KIND } from './parse.ts';

/** All warnings of a response together: the API server takes 4,096 runes of all webhooks (filters/warning.go). */
const MOST_WARNING_BYTES = 3_000;
const MOST_ANNOTATION_BYTES = 4_096;

/**
 * The answer to the review `uid`, as JSON. A denial carries code 403 *and* reason Forbidden: without the code kubectl shows
 * a 400 (apiserver, webhook/errors/statuserror.go). A patch goes with its type or not at all.
 */
export function respond(uid: string, verdict: Verdict): string {
  const { denial, warnings, auditAnnotations, patch } = verdict;
  let text = `${HEAD}${JSON.stringify(uid)},"allowed":${denial === undefined}`;
  const add = (field: string, value: JsonValue): void => {
    text += `,"${field}":${JSON.stringify(value)}`;
  };
  if (denial !== undefined) add('status', { code: 403, reason: 'Forbidden', message: denial });
  if (warnings.length > 0) add('warnings', boundWarnings(warnings));
  if (auditAnnotations.size > 0) text += `,"auditAnnotations":${formatAnnotations(auditAnnotations)}`;
  // Base64 has nothing that JSON would escape, and looking for it takes as long as all the rest.
  if (patch.length > 0) text += `,"patchType":"JSONPatch","patch":"${toBase64(JSON.stringify(patch))}"`;
  return `${text}}}`;
}

const HEAD = `{"apiVersion":"${REVIEW_API_VERSION}","kind":"${REVIEW_KIND}","response":{"uid":`;

/** The same where nothing is to be said, which is nearly always: made without a verdict. */
export function respondAllowed(uid: string): string {
  return `${HEAD}${JSON.stringify(uid)},"allowed":true}}`;
}

/** The answer to what could not be judged: the API server applies the entry's failure policy and shows the message. */
export function respondToFault(fault: Fault): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Status',
    status: 'Failure',
    reason: fault.status >= 500 ? 'InternalError' : 'BadRequest',
    code: fault.status,
    message: fault.message,
  };
}

/** JSON of them, each within what it may be long. */
function formatAnnotations(texts: ReadonlyMap<string, string>): string {
  let members = '';
  for (const [key, text] of texts) {
    const value = cutToBytes(toOneLine(text), MOST_ANNOTATION_BYTES);
    members += `${members === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(value)}`;
  }
  return `{${members}}`;
}

function boundWarnings(warnings: readonly string[]): readonly string[] {
  const bounded: string[] = [];
  let left = MOST_WARNING_BYTES;
  for (const warning of warnings) {
    const line = toOneLine(warning);
    left -= new TextEncoder().encode(line).length;
    if (left < 0) {
      bounded.push(`curfew: ${countOf(warnings.length - bounded.length, 'more warning')}, in the audit log`);
      break;
    }
    bounded.push(line);
  }
  return bounded;
}

const ASCII = /^[ -~]*$/;

/** Base64 of UTF-8 without Node's Buffer, since this folder is pure. */
function toBase64(text: string): string {
  if (ASCII.test(text)) return btoa(text);
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
}
