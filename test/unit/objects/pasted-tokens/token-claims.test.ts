import { describe, expect, it } from 'vitest';
import { EXAMPLE_LEGACY_CLAIMS, exampleBoundClaims } from '../../../../src/objects/example-tokens.ts';
import type { JsonObject } from '../../../../src/objects/json.ts';
import { readAccountToken } from '../../../../src/objects/pasted-tokens/token-claims.ts';

const ISSUER = 'https://kubernetes.default.svc';
const NOW = Date.UTC(2026, 0, 1);
const read = (claims: JsonObject) => readAccountToken(claims, { issuers: [ISSUER], now: NOW });

describe('A service account token', () => {
  it('of a token Secret never ends', () => {
    expect(read(EXAMPLE_LEGACY_CLAIMS)).toMatchObject({
      namespace: 'ci',
      account: 'deployer',
      expiresAt: Number.POSITIVE_INFINITY,
      lifetimeSeconds: Number.POSITIVE_INFINITY,
    });
  });

  it('of this cluster lives from its issue to its end', () => {
    expect(read(exampleBoundClaims(7_200))).toMatchObject({
      namespace: 'ci',
      account: 'deployer',
      lifetimeSeconds: 7_200,
    });
  });

  it('of another audience is one all the same: its service takes it from whoever holds it', () => {
    expect(read(exampleBoundClaims(7_200, { aud: ['vault'] }))?.lifetimeSeconds).toBe(7_200);
  });

  it('lives from now where nothing says when it was issued, and for ever without an end', () => {
    const { iat: _iat, nbf: _nbf, exp: _exp, ...claims } = exampleBoundClaims(7_200);
    expect(read({ ...claims, exp: NOW / 1_000 + 60 })?.lifetimeSeconds).toBe(60);
    expect(read(claims)?.lifetimeSeconds).toBe(Number.POSITIVE_INFINITY);
  });

  it('is known by its subject alone', () => {
    const claims = { iss: ISSUER, sub: 'system:serviceaccount:a:b.c', exp: 1 };
    expect(read(claims)).toMatchObject({ namespace: 'a', account: 'b.c' });
  });

  it('has another id than the next one of the same account', () => {
    const ids = [
      exampleBoundClaims(7_200),
      exampleBoundClaims(7_200, { jti: 'other' }),
      exampleBoundClaims(7_200, { jti: null }),
      exampleBoundClaims(7_201, { jti: null }),
      EXAMPLE_LEGACY_CLAIMS,
      { ...EXAMPLE_LEGACY_CLAIMS, 'kubernetes.io/serviceaccount/secret.name': 'other' },
    ].map((claims) => read(claims)?.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each<[string, JsonObject]>([
    ['no claims at all', {}],
    ['another issuer', exampleBoundClaims(7_200, { iss: 'https://gitlab.example' })],
    ['no issuer', exampleBoundClaims(7_200, { iss: null })],
    ['the issuer of token Secrets, but an end', { ...EXAMPLE_LEGACY_CLAIMS, exp: 4_000_000_000 }],
    ['an end that is no number', exampleBoundClaims(7_200, { exp: 'soon' })],
    ['the subject of a person', { iss: ISSUER, sub: 'jane', exp: 4_000_000_000 }],
    ['a namespace that cannot be one', { iss: ISSUER, sub: 'system:serviceaccount:a b:c' }],
    ['an account that cannot be one', { iss: ISSUER, sub: 'system:serviceaccount:a:eyJhbGciOiJ' }],
    ['a subject with too many parts', { iss: ISSUER, sub: 'system:serviceaccount:a:b:c' }],
  ])('is not what has %s', (_name, claims) => {
    expect(read(claims)).toBeUndefined();
  });
});
