/** What lies just beside what a check refuses, where no example of it would help a reader: Secrets. */

import { describe, expect, it } from 'vitest';
import bootstrapTokenExpiration from '../../../src/checks/bootstrap-token-expiration.ts';
import { isFinding } from '../../../src/checks/define-check.ts';
import embeddedToken from '../../../src/checks/embedded-token.ts';
import longLivedTokenSecret from '../../../src/checks/long-lived-token-secret.ts';
import { EXAMPLE_NOW } from '../../../src/engine/example-subject.ts';
import { exampleSecret } from '../../../src/objects/example-objects.ts';
import { EXAMPLE_LEGACY_CLAIMS, exampleJwt, toBase64 } from '../../../src/objects/example-tokens.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { ask, keysOf } from './asking.ts';

describe('A token Secret that is changed', () => {
  const NAME = 'kubernetes.io/service-account.name';
  const UID = 'kubernetes.io/service-account.uid';
  const secret = (annotations: JsonObject | undefined, token?: string): JsonObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'ci', namespace: 'ci', ...(annotations === undefined ? {} : { annotations }) },
    type: 'kubernetes.io/service-account-token',
    ...(token === undefined ? {} : { data: { token } }),
  });
  const judge = (object: JsonObject, oldObject: JsonObject, caller?: { readonly username: string }) =>
    ask(longLivedTokenSecret, { subject: { operation: 'UPDATE', object, oldObject, ...(caller && { caller }) } })
      .filter(isFinding)
      .map(({ key, path }) => `${key} at ${path}`)
      .filter((told) => told !== 'type at /type');

  it.each<[string, JsonObject, JsonObject, readonly string[]]>([
    ['nothing', secret({ [NAME]: 'a', [UID]: '1' }), secret({ [NAME]: 'a', [UID]: '1' }), []],
    ['a uid that comes', secret({ [NAME]: 'a', [UID]: '1' }), secret({ [NAME]: 'a' }), []],
    ['a name that comes', secret({ [NAME]: 'a' }), secret({}), []],
    [
      'the uid',
      secret({ [NAME]: 'a', [UID]: '2' }),
      secret({ [NAME]: 'a', [UID]: '1' }),
      ['account-uid at /metadata/annotations'],
    ],
    [
      'the name',
      secret({ [NAME]: 'b', [UID]: '1' }),
      secret({ [NAME]: 'a', [UID]: '1' }),
      ['account-name at /metadata/annotations'],
    ],
    [
      'all annotations, which go',
      secret(undefined),
      secret({ [NAME]: 'a', [UID]: '1' }),
      ['account-name at /type', 'account-uid at /type'],
    ],
    ['the token, which goes', secret({ [NAME]: 'a' }), secret({ [NAME]: 'a' }, 'eA=='), ['token-removed at /type']],
    [
      'the token, which is emptied',
      secret({ [NAME]: 'a' }, ''),
      secret({ [NAME]: 'a' }, 'eA=='),
      ['token-removed at /type'],
    ],
    ['a token that was never there', secret({ [NAME]: 'a' }), secret({ [NAME]: 'a' }, ''), []],
  ])('in %s', (_what, object, before, wanted) => {
    expect(judge(object, before)).toEqual(wanted);
  });

  it('by the token controller is its own affair', () => {
    const caller = { username: 'system:kube-controller-manager' };
    expect(judge(secret({ [NAME]: 'a' }), secret({ [NAME]: 'b' }, 'eA=='), caller)).toEqual([]);
  });
});

describe('A token in the place where a token Secret keeps its own', () => {
  const token = exampleJwt(EXAMPLE_LEGACY_CLAIMS);
  const secret = (account: string, namespace: string, type = 'kubernetes.io/service-account-token'): JsonObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'a', namespace, annotations: { 'kubernetes.io/service-account.name': account } },
    type,
    data: { token: toBase64(token) },
  });

  it.each<[string, JsonObject, JsonObject | undefined, number]>([
    ['of its own account', secret('deployer', 'ci'), undefined, 0],
    ['of another account', secret('other', 'ci'), undefined, 1],
    ['of an account of that name in another namespace', secret('deployer', 'shop'), undefined, 1],
    ['that stays, while the Secret is pointed elsewhere', secret('other', 'ci'), secret('deployer', 'ci'), 0],
    ['that another one had', secret('other', 'ci'), { ...secret('deployer', 'ci'), data: { token: 'eA==' } }, 1],
    ['in a Secret of another type', secret('deployer', 'ci', 'Opaque'), undefined, 1],
  ])('%s', (_what, object, oldObject, count) => {
    const subject = oldObject === undefined ? { object } : { operation: 'UPDATE' as const, object, oldObject };
    expect(keysOf(embeddedToken, { subject })).toHaveLength(count);
  });
});

describe('The end of a bootstrap token', () => {
  const day = new Date(EXAMPLE_NOW + 86_400_000).toISOString().slice(0, 19);
  const judge = (fields: JsonObject, options: JsonObject = { maxSeconds: 86_400 }) =>
    ask(bootstrapTokenExpiration, {
      subject: {
        object: {
          ...exampleSecret(fields),
          metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
          type: 'bootstrap.kubernetes.io/token',
        },
      },
      options,
    }).filter(isFinding);
  const keyOf = (expiration: string) => judge({ stringData: { expiration } }).map(({ key }) => key);

  it.each<[string, readonly string[]]>([
    [`${day}Z`, []],
    [`${day}.5Z`, ['too-late']],
    [`${day},25Z`, ['too-late']],
    [`${day}.250Z`, ['too-late']],
    [`${day}+00:00`, []],
    [`${day}.aZ`, ['unreadable']],
    [` ${day}Z`, ['unreadable']],
    [`${day}Z `, ['unreadable']],
    [`${day}a5Z`, ['unreadable']],
    ['', ['none']],
  ])('%j', (expiration, wanted) => {
    expect(keyOf(expiration)).toEqual(wanted);
  });

  it('is what stringData says, which is written over data', () => {
    const data = { expiration: toBase64(`${day}Z`) };
    expect(judge({ data })).toEqual([]);
    expect(judge({ data, stringData: { expiration: 'soon' } }).map(({ path }) => path)).toEqual([
      '/stringData/expiration',
    ]);
  });

  it('is proposed within a day, and within what is allowed', () => {
    const proposed = (options: JsonObject) => judge({}, options)[0]?.fix;
    expect(proposed({ maxSeconds: 3_600 })).toContain('--ttl 1h');
    expect(proposed({ maxSeconds: 864_000 })).toContain('--ttl 24h');
    expect(proposed({})).toContain('--ttl 24h');
  });
});
