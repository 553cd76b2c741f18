import { describe, expect, it } from 'vitest';
import { decodeJwtClaims, MAX_JWT_CHARACTERS } from '../../../src/objects/jwt.ts';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (claims: unknown, header: unknown = { alg: 'RS256' }) => `${encode(header)}.${encode(claims)}.c2ln`;

describe('decodeJwtClaims', () => {
  it('reads the claims of a token', () => {
    const claims = { iss: 'https://kubernetes.default.svc', aud: ['a', 'b'], name: 'Zoë ÿ>?' };
    expect(decodeJwtClaims(token(claims))).toEqual(claims);
  });

  it('reads a token without a signature', () => {
    expect(decodeJwtClaims(`${encode({ alg: 'none' })}.${encode({ a: 1 })}.`)).toEqual({ a: 1 });
  });

  it.each([
    ['empty text', ''],
    ['two parts', 'a.b'],
    ['four parts', `${token({})}.x`],
    ['a host name', 'vault.example.com'],
    ['a line break at the end', `${token({})}\n`],
    ['a header without alg', token({ a: 1 }, { typ: 'JWT' })],
    ['a header that is no object', token({ a: 1 }, ['alg'])],
    ['claims that are no object', token('text')],
    ['claims that are null', token(null)],
    ['claims that are no JSON', `${encode({ alg: 'x' })}.${Buffer.from('{').toString('base64url')}.s`],
    ['claims that are no base64', `${encode({ alg: 'x' })}.aaaaa.s`],
    ['claims that are no UTF-8', `${encode({ alg: 'x' })}.${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}.s`],
    ['a text that is too long', token({ a: 'x'.repeat(MAX_JWT_CHARACTERS) })],
  ])('takes %s for no token', (_, text) => {
    expect(decodeJwtClaims(text)).toBeUndefined();
  });

  it('keeps a claim named __proto__ as data', () => {
    const text = `${encode({ alg: 'x' })}.${Buffer.from('{"__proto__":{"a":1}}').toString('base64url')}.s`;
    expect(Object.keys(decodeJwtClaims(text) ?? {})).toEqual(['__proto__']);
  });
});
