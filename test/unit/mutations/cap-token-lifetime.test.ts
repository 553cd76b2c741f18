import { describe, expect, it } from 'vitest';
import { exampleTokenVolume } from '../../../src/objects/example-objects.ts';
import { isSidecarToken } from '../../../src/objects/foreign-tokens.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asArray, isObject, member, toPointer } from '../../../src/objects/json.ts';
import { LEVELS } from '../../../src/objects/level.ts';
import type { TokenSource } from '../../../src/objects/tokens.ts';
import { listTokenSources } from '../../../src/objects/tokens.ts';
import { fc } from '../../properties.ts';
import { numRuns } from '../arbitraries.ts';
import { judgeWith, PLAIN_ACCOUNT } from '../judging.ts';
import { subjectOf } from '../subjects.ts';
import type { World } from './injecting.ts';
import { asking, inject } from './injecting.ts';
import { colliding } from './random-pods.ts';

const RESTRICTED = { mutateMode: 'apply', levels: { mutate: 'restricted' } };
const SECONDS = ['spec', 'volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken', 'expirationSeconds'] as const;
const HALF_DAY = { a: '{audience: a, expiration: 12h}' };

/** A pod with this one token of the author's own, in the volume that injection would make for `a`. */
function podOf(token: JsonObject, { name = 'curfew-token-a', tokens = {}, spec = {} }: Partial<PodParts> = {}) {
  return asking(tokens, { volumes: [{ ...exampleTokenVolume(token), name }], ...spec });
}

type PodParts = {
  readonly name: string;
  readonly tokens: Readonly<Record<string, string>>;
  readonly spec: JsonObject;
};

function cap(pod: JsonObject, world: World = {}) {
  return inject(pod, { ...world, configuration: { ...RESTRICTED, ...world.configuration } });
}

function sourcesOf(pod: JsonObject): readonly TokenSource[] {
  const spec = member(pod, 'spec');
  return isObject(spec) ? listTokenSources(spec) : [];
}

/** The sources that `token-lifetime` has anything to say about. */
function listRefused(pod: JsonObject, configuration: JsonObject): readonly TokenSource[] {
  const { judgement } = judgeWith(subjectOf('pods', pod), { configuration });
  const paths = judgement.results
    .filter(({ check, effect }) => check.id === 'token-lifetime' && effect === 'deny')
    .flatMap(({ findings }) => findings.map(({ path }) => path));
  return sourcesOf(pod).filter(({ path }) => {
    const pointer = toPointer(['spec', ...path]);
    return paths.includes(pointer) || paths.includes(`${pointer}/expirationSeconds`);
  });
}

/** What administrators choose for the audiences of the generated pods. Few, for each is a configuration to compile. */
const audiences = fc.constantFrom<JsonObject>(
  {},
  { a: 600 },
  { a: 3607, vault: 900 },
  { b: 43_200, 'istio-ca': 600 },
  { 'sts.amazonaws.com': 3600, 'https://kubernetes.default.svc': 900 },
  { 'https://kubernetes.default.svc': 3607, conjur: 4_294_967_296 },
);

describe('What the mutation makes', () => {
  /** Without what injection was asked for, which has a limit of its own. */
  const silent = colliding.map((pod) => ({ ...pod, metadata: { name: 'web', namespace: 'shop' } }));

  it('is refused at no level by the check that it mends, whatever that check’s options are', () => {
    fc.assert(
      fc.property(silent, audiences, fc.constantFrom(...LEVELS), (pod, chosen, enforce) => {
        const levels = { mutate: 'restricted', enforce };
        const configuration = { mutateMode: 'apply', levels, checks: { 'token-lifetime': { audiences: chosen } } };
        const refused = listRefused(inject(pod, { configuration }).object, configuration);
        expect(refused.filter((source) => !isSidecarToken(source))).toEqual([]);
      }),
      { numRuns: numRuns() },
    );
  });

  it('is shorter, and neither less than the API server takes nor the number that makes a year', () => {
    fc.assert(
      fc.property(silent, audiences, (pod, chosen) => {
        const configuration = { ...RESTRICTED, checks: { 'token-lifetime': { audiences: chosen } } };
        const after = sourcesOf(inject(pod, { configuration }).object);
        for (const [index, before] of sourcesOf(pod).entries()) {
          const seconds = after[index]?.expirationSeconds ?? 0;
          if (seconds === before.expirationSeconds) continue;
          expect(seconds).toBeLessThan(before.expirationSeconds);
          expect(seconds).toBeGreaterThanOrEqual(600);
          expect(seconds).not.toBe(3607);
        }
      }),
      { numRuns: numRuns() },
    );
  });

  it.each([
    ['is made at restricted', {}, 3600],
    ['is not made at baseline', { levels: { mutate: 'baseline' } }, 43_200],
    ['is only reported by default', { mutateMode: 'report' }, 43_200],
    ['is made whatever the check may do', { checks: { 'token-lifetime': { mode: 'audit' } } }, 3600],
    ['is an hour where 3607 s are allowed', { checks: { 'token-lifetime': { audiences: { a: 3607 } } } }, 3600],
  ])('%s', (_what, configuration, seconds) => {
    expect(cap(podOf({ audience: 'a', expirationSeconds: 43_200 }), { configuration }).at(...SECONDS)).toBe(seconds);
  });

  it('is kept from what is exempt from the check, and the audit log says so', () => {
    const rule = { match: { namespaces: ['shop'] }, reason: 'reads it once', owner: 'team', permanent: true };
    const exemptions = { rules: [{ name: 'once', checks: ['token-lifetime'], ...rule }] };
    const { patch, auditAnnotations } = cap(podOf({ audience: 'a', expirationSeconds: 43_200 }), {
      configuration: { exemptions },
    });
    expect(patch).toEqual([]);
    expect(auditAnnotations.get('note')).toContain('cap-token-lifetime: nothing is changed: exemption once is from');
  });

  it('is warned about once where the pod may take longer to stop than the token lives', () => {
    const spec = {
      terminationGracePeriodSeconds: 1800,
      volumes: ['one', 'two'].map((name) => ({
        ...exampleTokenVolume({ audience: name, expirationSeconds: 43_200 }),
        name,
      })),
    };
    expect(cap(podOf({}, { spec })).warnings).toEqual([
      'curfew cap-token-lifetime: a token in volumes one, two now lives 3600 s and is not renewed while the pod stops, which may take 1800 s',
    ]);
    expect(cap(podOf({}, { spec: { ...spec, terminationGracePeriodSeconds: 30 } })).warnings).toEqual([]);
  });
});

describe('The token of a sidecar', () => {
  it.each([
    ['istio-token', 'istio-ca'],
    ['linkerd-identity-token', 'identity.l5d.io'],
    ['dapr-identity-token', 'dapr.io/sentry'],
    ['dapr-identity-token', 'spiffe://cluster.local/ns/dapr-system/dapr-sentry'],
    ['spire-token', 'spire-server'],
    ['gcsfuse-sa-token', 'shop-1.svc.id.goog'],
    ['gke-workload-identity-token', 'https://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p'],
  ])('in volume %s for %s is left alone, and another one in a volume of that name is not', (name, audience) => {
    const configuration = { checks: { 'token-lifetime': { audiences: { [audience]: 600 } } } };
    expect(cap(podOf({ audience }, { name }), { configuration }).patch).toEqual([]);
    expect(cap(podOf({ audience }, { name: 'own' }), { configuration }).at(...SECONDS)).toBe(600);
    expect(cap(podOf({ audience: 'own', expirationSeconds: 7200 }, { name })).at(...SECONDS)).toBe(3600);
  });
});

describe('What inject-token is asked for', () => {
  it('is added with the lifetime that was asked for, and stays so when the API server asks again', () => {
    const first = cap(asking(HALF_DAY));
    expect(first.at(...SECONDS)).toBe(43_200);
    expect(cap(first.object)).toMatchObject({ denial: '', patch: [] });
  });

  it.each([
    ['under the name of the injected volume', 'curfew-token-a'],
    ['under another name, at its place', 'own'],
  ])('may stand there already, %s', (_where, name) => {
    const volumeMounts = [{ name, mountPath: '/var/run/curfew/a', readOnly: true }];
    const spec = { containers: [{ name: 'app', image: 'registry.example/web:1', volumeMounts }] };
    const pod = podOf({ audience: 'a', expirationSeconds: 43_200 }, { name, tokens: HALF_DAY, spec });
    expect(cap(pod)).toMatchObject({ denial: '', patch: [] });
  });

  it.each([
    ['another audience', { audience: 'b', expirationSeconds: 43_200 }],
    ['another lifetime', { audience: 'a', expirationSeconds: 86_400 }],
  ])('is no reason to spare a token of %s', (_what, token) => {
    const { object } = cap(podOf(token, { name: 'own', tokens: HALF_DAY }));
    expect(sourcesOf(object).map(({ volume, expirationSeconds }) => [volume, expirationSeconds])).toEqual([
      ['own', 3600],
      ['curfew-token-a', 43_200],
    ]);
  });

  it('counts for nothing where it is not made', () => {
    const pod = podOf({ audience: 'a', expirationSeconds: 43_200 }, { tokens: HALF_DAY });
    for (const mode of ['off', 'report']) {
      expect(cap(pod, { configuration: { mutations: { 'inject-token': { mode } } } }).at(...SECONDS)).toBe(3600);
    }
  });

  it('and was added for a service account that cannot be read now, is left as it is', () => {
    const asked = { onAccount: { 'tokens.curfew.dev/a': '{audience: a, expiration: 12h}' } };
    const { object } = cap(asking({}), asked);
    expect(sourcesOf(object)[0]?.expirationSeconds).toBe(43_200);
    const unread = { serviceAccount: { state: 'unknown', why: 'no answer' } as const };
    expect(cap(object, unread).patch).toEqual([]);
    // What it says now may be more than is known of it; then the pod is admitted.
    const stale = { serviceAccount: { ...PLAIN_ACCOUNT, stale: 'no answer' } as typeof PLAIN_ACCOUNT };
    expect(cap(object, stale)).toMatchObject({ denial: '', patch: [] });
    const own = { ...exampleTokenVolume({ audience: 'a', expirationSeconds: 43_200 }), name: 'own' };
    const spec = object['spec'] as JsonObject;
    const volumes = [...asArray(spec['volumes']), own];
    expect(
      sourcesOf(cap({ ...object, spec: { ...spec, volumes } }, stale).object).map((one) => one.expirationSeconds),
    ).toEqual([43_200, 3600]);
    // Once it can be read and asks for nothing, it goes.
    expect(sourcesOf(cap(object).object)).toEqual([]);
  });

  it('is nothing in a pod without a service account, which gets no token from anybody', () => {
    const spec = { serviceAccountName: '', serviceAccount: '' };
    const pod = podOf({ audience: 'a', expirationSeconds: 43_200 }, { tokens: HALF_DAY, spec });
    expect(cap(pod).at(...SECONDS)).toBe(3600);
  });
});
