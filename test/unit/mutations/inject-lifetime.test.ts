import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asking, inject } from './injecting.ts';

const EXPIRATION = ['spec', 'volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken', 'expirationSeconds'];
/** A little more than 3607 s, so that some of it is 3607. */
const OWN = { volume: 'own', mountPath: '/own', audience: 'own', expirationSeconds: 3_700 };
const SPREAD = { mutations: { 'inject-token': { jitterPercent: 20, presets: { own: OWN } } } };

function secondsOf(value: string, { name = 'vault', metadata = {} }: { name?: string; metadata?: JsonObject } = {}) {
  const { denial, at } = inject(asking({ [name]: value }, {}, metadata), { configuration: SPREAD });
  expect(denial).toBe('');
  return Number(at(...EXPIRATION));
}

function ownedBy(name: string): JsonObject {
  return { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: '1', controller: true }] };
}

describe('The lifetime of a token that nobody gave one', () => {
  it('is spread over up to a fifth of it, by token and by owner', () => {
    const byToken = Array.from({ length: 200 }, (_, index) => secondsOf('{audience: a}', { name: `t${index}` }));
    const byOwner = Array.from({ length: 200 }, (_, index) =>
      secondsOf('{audience: a}', { metadata: ownedBy(`web-${index}`) }),
    );
    for (const all of [byToken, byOwner]) {
      expect(Math.min(...all)).toBeGreaterThanOrEqual(2_880);
      expect(Math.max(...all)).toBeLessThanOrEqual(3_600);
      expect(new Set(all).size).toBeGreaterThan(100);
    }
  });

  it('is the same for every pod of one owner, whatever the pod is called, and when the API server asks again', () => {
    const web = (metadata: JsonObject) => secondsOf('{audience: a}', { metadata: { ...ownedBy('web'), ...metadata } });
    const [first, ...others] = [{ name: 'web-1' }, { name: 'web-2', uid: '7' }, { generateName: 'web-' }].map(web);
    expect(others).toEqual([first, first]);
    const { object } = inject(asking({ vault: '{audience: a}' }), { configuration: SPREAD });
    expect(inject(object, { configuration: SPREAD })).toMatchObject({ denial: '', patch: [] });
  });

  it('keeps to the limits of its scheme, and is never the value that makes a year', () => {
    const all = Array.from({ length: 300 }, (_, index) => index).flatMap((index) => [
      secondsOf('{preset: teleport, clusterName: c}', { name: `t${index}` }),
      secondsOf('{preset: own}', { name: `t${index}` }),
    ]);
    expect(all.filter((seconds) => seconds < 600 || seconds === 3_607)).toEqual([]);
  });

  it('is left as it is where somebody gave one, and by default', () => {
    expect(secondsOf('{audience: a, expiration: 2h}')).toBe(7_200);
    expect(inject(asking({ vault: '{audience: a}' })).at(...EXPIRATION)).toBe(3_600);
  });
});
