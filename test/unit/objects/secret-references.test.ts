import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { toPointer } from '../../../src/objects/json.ts';
import { listSecretReferences } from '../../../src/objects/secret-references.ts';

function referencesOf(spec: JsonObject): readonly string[] {
  return listSecretReferences(spec).map(({ by, secret, path }) => `${by} ${secret} ${toPointer(path)}`);
}

describe('References to Secrets', () => {
  it('are found in every kind of container and in every kind of volume', () => {
    const env = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'one', key: 'token' } } }];
    const spec = {
      initContainers: [{ name: 'init', env }],
      containers: [{ name: 'app', envFrom: [{ configMapRef: { name: 'x' } }, { secretRef: { name: 'two' } }] }],
      ephemeralContainers: [{ name: 'debug', env }],
      volumes: [
        { name: 'a', secret: { secretName: 'three' } },
        { name: 'b', projected: { sources: [{ configMap: { name: 'x' } }, { secret: { name: 'four' } }] } },
      ],
    };
    expect(referencesOf(spec)).toEqual([
      'volume three /volumes/0/secret/secretName',
      'volume four /volumes/1/projected/sources/1/secret/name',
      'env one /initContainers/0/env/0/valueFrom/secretKeyRef/name',
      'envFrom two /containers/0/envFrom/1/secretRef/name',
      'env one /ephemeralContainers/0/env/0/valueFrom/secretKeyRef/name',
    ]);
  });

  it.each<[string, JsonObject, number]>([
    ['the CA bundle alone', { secretName: 'a', items: [{ key: 'ca.crt', path: 'ca.crt' }] }, 0],
    ['the CA bundle and the token', { secretName: 'a', items: [{ key: 'ca.crt' }, { key: 'token' }] }, 1],
    ['a key of another name', { secretName: 'a', items: [{ key: 'copy', path: 'x' }] }, 1],
    ['an empty list of keys, which means all', { secretName: 'a', items: [] }, 1],
  ])('to %s are told apart', (_what, secret, count) => {
    expect(referencesOf({ volumes: [{ name: 'v', secret }] })).toHaveLength(count);
  });

  it('to the CA bundle by a variable are none', () => {
    const env = [{ name: 'CA', valueFrom: { secretKeyRef: { name: 'a', key: 'ca.crt' } } }];
    expect(referencesOf({ containers: [{ name: 'app', env }] })).toEqual([]);
  });

  it('name each container that mounts the volume once', () => {
    const volumeMounts = [
      { name: 'v', mountPath: '/a' },
      { name: 'v', mountPath: '/b' },
    ];
    const [reference] = listSecretReferences({
      containers: [
        { name: 'app', volumeMounts },
        { name: 'proxy', volumeMounts },
      ],
      volumes: [{ name: 'v', secret: { secretName: 'a' } }],
    });
    expect(reference).toMatchObject({ by: 'volume', volume: 'v', containers: ['app', 'proxy'] });
  });
});
