/**
 * JSON Web Tokens that stand in a text, as they are or inside base64: once, or twice as in a `.dockerconfigjson` or in
 * a kubeconfig within JSON. What is returned are claims, never text of a token. Linear in the text. What is
 * compressed or encrypted is not looked into.
 */

import type { JsonObject } from '../json.ts';
import { asString, member } from '../json.ts';
import { decodeJwtPart, MAX_JWT_CHARACTERS } from '../jwt.ts';
import { decodeBase64 } from './base64-quads.ts';
import { decodeStretches, mayHaveTextStretch } from './base64-text.ts';

/** How often a text is decoded: base64 in base64. */
const MOST_DECODINGS = 2;

/** Between header and claims of a token of Kubernetes: both are JSON objects without blanks, and `{"` is `eyJ`. */
const JOINT = '.eyJ';
const HEADER_START = 'eyJ';
/** A header names an algorithm and a key; the id of an external signer's key has up to 1,024 bytes (KEP-740). */
const MOST_HEADER_CHARACTERS = 2_048;
/** Text that is stuck to a token's front may look like the start of a header too. */
const MOST_HEADERS = 8;

/** Shorter claims cannot name an issuer and an account. */
const LEAST_CLAIMS_CHARACTERS = 40;

/** The least header that names an algorithm, two dots, the least claims and a signature of one character. */
export const LEAST_TOKEN_CHARACTERS = 'eyJhbGciOiIifQ'.length + 1 + LEAST_CLAIMS_CHARACTERS + 1 + 1;

/** Parsing what is no JSON is what costs; an object that is all of such texts must not take seconds. */
const MOST_CANDIDATES = 1_000;

/** A search through the texts of one object. */
export type TokenSearch = {
  /** The claims of every token in `text`, in their order within each decoding. Never throws; nothing is verified. */
  findIn(text: string): readonly JsonObject[];
  /** The same for a value that is base64 as a whole, such as one of a Secret's `data`. No base64 is read as text. */
  findInData(data: string): readonly JsonObject[];
  /** True if there was more that looks like a token than is looked at; the rest was left out. */
  isCut(): boolean;
};

/** @param most - how many texts that look like a token are looked at */
export function createTokenSearch(most: number = MOST_CANDIDATES): TokenSearch {
  let left = most;
  let isCut = false;

  function collect(text: string, decodings: number, found: JsonObject[]): void {
    for (let joint = text.indexOf(JOINT); joint !== -1; joint = text.indexOf(JOINT, joint + 1)) {
      const end = endOfClaims(text, joint + 1);
      if (end === -1) continue;
      isCut ||= left === 0;
      if (left === 0) return;
      left -= 1;
      const claims = decodeJwtPart(text.slice(joint + 1, end));
      if (claims !== undefined && hasHeaderBefore(text, joint)) found.push(claims);
    }
    if (decodings === 0) return;
    for (const decoded of decodeStretches(text)) collect(decoded, decodings - 1, found);
  }

  function findIn(text: string): readonly JsonObject[] {
    const found: JsonObject[] = [];
    collect(text, MOST_DECODINGS, found);
    return found;
  }

  function findInData(data: string): readonly JsonObject[] {
    // A key or an archive is not even decoded.
    return mayHaveTextStretch(data) ? findIn(decodeBase64(data) ?? data) : [];
  }

  return { findIn, findInData, isCut: () => isCut };
}

/** Where the claims that start at `from` end, if a signature follows; else -1. */
function endOfClaims(text: string, from: number): number {
  const end = endOfPart(text, from);
  const length = end - from;
  if (length < LEAST_CLAIMS_CHARACTERS || length > MAX_JWT_CHARACTERS || text[end] !== '.') return -1;
  return isUrlCharacter(text, end + 1) ? end : -1;
}

/** Where the base64url text that starts at `from` ends. */
function endOfPart(text: string, from: number): number {
  let end = from;
  while (isUrlCharacter(text, end)) end += 1;
  return end;
}

function hasHeaderBefore(text: string, joint: number): boolean {
  let from = joint;
  while (from > 0 && joint - from < MOST_HEADER_CHARACTERS && isUrlCharacter(text, from - 1)) from -= 1;
  const part = text.slice(from, joint);
  let start = part.lastIndexOf(HEADER_START);
  for (let tries = 0; tries < MOST_HEADERS && start !== -1; tries += 1) {
    if (asString(member(decodeJwtPart(part.slice(start)), 'alg')) !== undefined) return true;
    start = start === 0 ? -1 : part.lastIndexOf(HEADER_START, start - 1);
  }
  return false;
}

/** Digits, letters, - and _. */
function isUrlCharacter(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (
    (code >= 48 && code < 58) || (code >= 65 && code < 91) || (code >= 97 && code < 123) || code === 45 || code === 95
  );
}
