import { describe, expect, it } from 'vitest';
import { createWorld } from '../../../src/manifests/world.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { toNewSubject } from '../../../src/objects/manifest.ts';

const NOT_HERE = { state: 'unknown', why: 'it is not among the manifests' };

function worldOf(...objects: readonly JsonObject[]) {
  const subjects = objects.flatMap((object) => toNewSubject({ apiVersion: 'v1', ...object }, 'shop') ?? []);
  return createWorld(subjects, { keys: new Set() });
}

describe('The world of manifests', () => {
  it('knows what they make, in the namespace of the command line where they name none', () => {
    const world = worldOf(
      { kind: 'Namespace', metadata: { name: 'shop', labels: { 'curfew.dev/enforce': 'restricted' } } },
      { kind: 'ServiceAccount', metadata: { name: 'web' }, automountServiceAccountToken: false },
      {
        kind: 'Secret',
        metadata: { name: 'old', annotations: { 'kubernetes.io/service-account.name': 'web' } },
        type: 'kubernetes.io/service-account-token',
      },
      { kind: 'Secret', metadata: { name: 'plain' } },
    );
    expect(world.namespace('shop')).toMatchObject({ state: 'found', value: { name: 'shop' } });
    expect(world.serviceAccount('shop', 'web')).toMatchObject({ state: 'found', value: { automount: false } });
    expect(world.tokenSecret('shop', 'old')).toMatchObject({ state: 'found', value: { account: 'web' } });
    expect(world.tokenSecret('shop', 'plain')).toEqual({ state: 'absent' });
  });

  it('says of everything else that nobody knows', () => {
    const world = worldOf({ kind: 'ServiceAccount', metadata: { name: 'web' } });
    expect(world.serviceAccount('other', 'web')).toMatchObject(NOT_HERE);
    expect(world.namespace('shop')).toMatchObject(NOT_HERE);
    expect(world.tokenSecret('shop', 'old')).toMatchObject(NOT_HERE);
  });

  it('knows nothing by a name that the API server makes up', () => {
    const metadata = { generateName: 'shop-' };
    const world = worldOf({ kind: 'Namespace', metadata }, { kind: 'ServiceAccount', metadata });
    expect(world.namespace('')).toMatchObject(NOT_HERE);
    expect(world.serviceAccount('shop', '')).toMatchObject(NOT_HERE);
  });

  it('takes two that are equal in what counts for one, and two that differ for no knowledge', () => {
    const account = (more: JsonObject) => ({ kind: 'ServiceAccount', metadata: { name: 'web' }, ...more });
    expect(worldOf(account({}), account({ secrets: [] })).serviceAccount('shop', 'web').state).toBe('found');
    expect(worldOf(account({}), account({ automountServiceAccountToken: true })).serviceAccount('shop', 'web')).toEqual(
      {
        state: 'unknown',
        why: 'it is there twice, and differs',
      },
    );
  });
});
