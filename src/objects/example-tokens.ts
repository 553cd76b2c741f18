/** Tokens for examples, made of claims and a signature that anyone can see is none. */

import type { JsonObject } from './json.ts';
import { LEGACY_ISSUER } from './pasted-tokens/token-claims.ts';

const HEADER: JsonObject = { alg: 'RS256', kid: 'example' };
const NO_SIGNATURE = 'this-is-an-example-and-not-a-signature';

/** The first second of 2100: far enough for examples that are also applied to a real API server. */
export const EXAMPLE_END = Date.UTC(2100, 0, 1) / 1_000;

/** Claims of a token that a token Secret holds. */
export const EXAMPLE_LEGACY_CLAIMS: JsonObject = {
  iss: LEGACY_ISSUER,
  'kubernetes.io/serviceaccount/namespace': 'ci',
  'kubernetes.io/serviceaccount/secret.name': 'deployer-token',
  'kubernetes.io/serviceaccount/service-account.name': 'deployer',
  'kubernetes.io/serviceaccount/service-account.uid': '5c1b0d3e-4a2f-4d6b-9f0a-2b7c8d9e0f11',
  sub: 'system:serviceaccount:ci:deployer',
};

/** Claims of a token that a TokenRequest of `seconds` gets, by default until 2100; `more` replaces some. */
export function exampleBoundClaims(seconds: number, more: JsonObject = {}): JsonObject {
  const end = typeof more['exp'] === 'number' ? more['exp'] : EXAMPLE_END;
  return {
    aud: ['https://kubernetes.default.svc'],
    exp: end,
    iat: end - seconds,
    iss: 'https://kubernetes.default.svc',
    jti: `token-of-${seconds}-s`,
    'kubernetes.io': {
      namespace: 'ci',
      serviceaccount: { name: 'deployer', uid: '5c1b0d3e-4a2f-4d6b-9f0a-2b7c8d9e0f11' },
    },
    nbf: end - seconds,
    sub: 'system:serviceaccount:ci:deployer',
    ...more,
  };
}

/** A token in compact form with these claims. */
export function exampleJwt(claims: JsonObject): string {
  const [header, payload] = [HEADER, claims].map((part) =>
    toBase64(JSON.stringify(part)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
  );
  return `${header}.${payload}.${NO_SIGNATURE}`;
}

/** Base64 of a text of Latin characters. */
export function toBase64(text: string): string {
  return btoa(text);
}
