/** Reading the claims of a JSON Web Token (RFC 7519). Nothing is verified: claims describe a token, they prove nothing. */

import { isObject, type JsonObject, member } from './json.ts';

/** A longer text is not looked at. A service account token has about 1,000 characters. */
export const MAX_JWT_CHARACTERS = 16 * 1024;

/**
 * The claims of `text` if it is a signed JWT in compact form (header.payload.signature, each base64url), else undefined.
 * Never throws. The header must be a JSON object with a string `alg`, so that other dotted texts are not taken for one.
 */
export function decodeJwtClaims(text: string): JsonObject | undefined {
  if (text.length > MAX_JWT_CHARACTERS || !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)) return undefined;
  const [header, payload] = text.split('.');
  if (header === undefined || payload === undefined) return undefined;
  return typeof member(decodeJwtPart(header), 'alg') === 'string' ? decodeJwtPart(payload) : undefined;
}

/** The JSON object that one part of a token, its header or its claims, is the base64url of; undefined if it is none. */
export function decodeJwtPart(part: string): JsonObject | undefined {
  try {
    const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isObject(value) ? value : undefined;
  } catch {
    // No base64, no UTF-8 or no JSON: no token.
    return undefined;
  }
}
