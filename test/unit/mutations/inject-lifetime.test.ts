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
const AWS = { volume: 'aws-iam-token', mountPath: '/var/run/secrets/eks.amazonaws.com/serviceaccount' };

/** A pod that has the token of AWS by hand, as the scheme's own webhook writes it. */
function withOwnToken(expirationSeconds: number | undefined): JsonObject {
  const lifetime = expirationSeconds === undefined ? {} : { expirationSeconds };
  const token = { audience: 'sts.amazonaws.com', path: 'token', ...lifetime };
  return asking(
    {},
    {
      containers: [{ name: 'app', volumeMounts: [{ name: AWS.volume, mountPath: AWS.mountPath, readOnly: true }] }],
      volumes: [{ name: AWS.volume, projected: { sources: [{ serviceAccountToken: token }] } }],
    },
  );
}

function injectAws(pod: JsonObject, { options = {}, checks = {} }: { options?: JsonObject; checks?: JsonObject } = {}) {
  const configuration = { mutations: { 'inject-token': { triggers: ['aws-irsa'], ...options } }, checks };
  return inject(pod, { configuration, onAccount: ROLE });
}

describe('The same token of the author’s own, with another lifetime', () => {
  it.each([
    ['an hour', 3_600, {}],
    ['an hour that the API server fills in', undefined, {}],
    ['an hour, where lifetimes are spread', 3_600, { options: { jitterPercent: 20 } }],
    ['ten minutes', 600, {}],
    ['a day, as the scheme’s own webhook writes it', 86_400, {}],
    ['a day, where lifetimes are spread', 86_400, { options: { jitterPercent: 20 } }],
    ['half an hour, where that is the limit', 1_800, { options: { maxExpirationSeconds: 1_800 } }],
    ['what the check allows', 900, { checks: { 'token-lifetime': { audiences: { 'sts.amazonaws.com': 900 } } } }],
  ])('is kept if it is %s', (_what, seconds, setting) => {
    const { denial, at, object } = injectAws(withOwnToken(seconds), setting);
    expect(denial).toBe('');
    expect(at(...EXPIRATION)).toBe(seconds);
    expect(at('spec', 'containers', 0, 'env', 0, 'name')).toBe('AWS_ROLE_ARN');
    expect(injectAws(object, setting)).toMatchObject({ denial: '', patch: [] });
  });

  it.each([
    ['longer than the limit', 86_400, { options: { maxExpirationSeconds: 3_600 } }],
    ['longer than the limit by a second', 3_601, { options: { maxExpirationSeconds: 3_600 } }],
    [
      'longer than the check allows',
      3_600,
      { checks: { 'token-lifetime': { audiences: { 'sts.amazonaws.com': 900 } } } },
    ],
    ['less than the API server takes', 599, {}],
    ['the number that may make a year', 3_607, {}],
    ['no whole number', 3_600.5, {}],
  ])('is another one if it is %s', (_what, seconds, setting) => {
    expect(injectAws(withOwnToken(seconds), setting).denial).toContain('"aws-iam-token" is a token for audience');
  });

  it('is another one where somebody asked for a lifetime', () => {
    const own = withOwnToken(3_600);
    const asks = (expiration: string) => ({
      'tokens.curfew.dev/aws': `{preset: aws-irsa, expiration: ${expiration}}`,
    });
    const pod = (annotations: JsonObject) => ({ ...own, metadata: { name: 'web', namespace: 'shop', annotations } });
    expect(injectAws(pod(asks('2h'))).denial).toContain('"aws-iam-token" is a token for audience');
    expect(injectAws(pod(asks('1h'))).denial).toBe('');
    const scheme = pod({ 'eks.amazonaws.com/token-expiration': '7200' });
    expect(injectAws(scheme).denial).toContain('"aws-iam-token" is a token for audience');
  });

  it('is kept under another name too, where every container has it at that place', () => {
    const text = JSON.stringify(withOwnToken(86_400)).replaceAll('aws-iam-token', 'mine');
    const { denial, at } = injectAws(JSON.parse(text) as JsonObject, { options: { jitterPercent: 20 } });
    expect(denial).toBe('');
    expect(at('spec', 'volumes')).toHaveLength(1);
  });

  it.each([
    ['', 600],
    [', also where the preset takes no less than more', 5_400],
  ])('is shortened by cap-token-lifetime first, where that runs%s', (_where, minExpirationSeconds) => {
    const configuration = {
      mutateMode: 'apply',
      levels: { mutate: 'restricted' },
      mutations: { 'inject-token': { presets: { own: { ...OWN, expirationSeconds: 7_200, minExpirationSeconds } } } },
    };
    const token = { audience: 'own', path: 'token', expirationSeconds: 86_400 };
    const spec = {
      containers: [{ name: 'app', volumeMounts: [{ name: 'own', mountPath: '/own' }] }],
      volumes: [{ name: 'own', projected: { sources: [{ serviceAccountToken: token }] } }],
    };
    const { denial, at, object } = inject(asking({ x: '{preset: own}' }, spec), { configuration });
    expect({ denial, seconds: at(...EXPIRATION) }).toEqual({ denial: '', seconds: 3_600 });
    expect(inject(object, { configuration })).toMatchObject({ denial: '', patch: [] });
  });
});

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
