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

const ROLE = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/web' };
function injectAws(pod: JsonObject, { options = {}, checks = {} }: { options?: JsonObject; checks?: JsonObject } = {}) {
  const configuration = { mutations: { 'inject-token': { triggers: ['aws-irsa'], ...options } }, checks };
  return inject(pod, { configuration, onAccount: ROLE });
}

describe('The lifetime that the annotation of a scheme asks for', () => {
  const asked = (seconds: string, maxExpirationSeconds: number) => {
    const metadata = { annotations: { 'eks.amazonaws.com/token-expiration': seconds } };
    return injectAws(asking({}, {}, metadata), { options: { maxExpirationSeconds } });
  };

  it.each([
    ['86400', 3_600, 'allowed: 600 to 3600 seconds; it lives 3600 s'],
    ['60', 3_600, 'allowed: 600 to 3600 seconds; it lives 600 s'],
  ])('%s is told to be another, in a warning and the audit log', (seconds, most, said) => {
    const { warnings, auditAnnotations } = asked(seconds, most);
    const note = `inject-token: token aws-irsa: annotation eks.amazonaws.com/token-expiration is "${seconds}"; ${said}`;
    expect(warnings).toEqual([`curfew ${note}`]);
    expect(auditAnnotations.get('note')).toBe(note);
  });

  it('is told where only the check allows less', () => {
    const metadata = { annotations: { 'eks.amazonaws.com/token-expiration': '7200' } };
    const checks = { 'token-lifetime': { audiences: { 'sts.amazonaws.com': 900 } } };
    expect(injectAws(asking({}, {}, metadata), { checks }).warnings.join()).toContain('it lives 900 s');
  });

  it('is not spoken of where it is what the token gets', () => {
    const { warnings, at } = asked('7200', 86_400);
    expect({ warnings, seconds: at(...EXPIRATION) }).toEqual({ warnings: [], seconds: 7_200 });
  });
});
