/** What lies just beside what a check refuses, where no example of it would help a reader: pods. */

import { describe, expect, it } from 'vitest';
import ephemeralContainerToken from '../../../src/checks/ephemeral-container-token.ts';
import longLivedTokenMount from '../../../src/checks/long-lived-token-mount.ts';
import tokenAudience from '../../../src/checks/token-audience.ts';
import { examplePod, exampleServiceAccount, exampleTokenVolume } from '../../../src/objects/example-objects.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { ask, keysOf } from './asking.ts';

describe('A debug container', () => {
  const TOKEN = { name: 'token', mountPath: '/t' };
  const VARIABLE = { name: 'A', valueFrom: { secretKeyRef: { name: 'web-token', key: 'token' } } };
  const app = (fields: JsonObject) => ({ name: 'app', image: 'a', ...fields });
  const volumes = [
    { ...exampleTokenVolume({ expirationSeconds: 3_600 }), name: 'token' },
    { name: 'plain', secret: { secretName: 'settings' } },
    {
      name: 'both',
      projected: { sources: [{ serviceAccountToken: { path: 't' } }, { secret: { name: 'web-token' } }] },
    },
  ];
  const pod = (container: JsonObject, debuggers: readonly JsonObject[]) =>
    examplePod({
      automountServiceAccountToken: false,
      volumes,
      containers: [app(container)],
      ephemeralContainers: debuggers.map((fields) => ({ image: 'd', ...fields })),
    });
  const judge = (object: JsonObject, oldObject: JsonObject) =>
    ask(ephemeralContainerToken, {
      subject: { operation: 'UPDATE', subresource: 'ephemeralcontainers', object, oldObject },
      context: { tokenSecrets: { 'web-token': 'web' } },
    });

  it.each<[string, JsonObject, readonly JsonObject[], readonly JsonObject[]]>([
    ['what the application has', { volumeMounts: [TOKEN], env: [VARIABLE] }, [], [{ name: 'new' }]],
    [
      'what a debug container has that was there before',
      {},
      [{ name: 'old', volumeMounts: [TOKEN], env: [VARIABLE] }],
      [{ name: 'new' }],
    ],
    [
      'a volume of a Secret without a token',
      {},
      [],
      [{ name: 'new', volumeMounts: [{ name: 'plain', mountPath: '/p' }] }],
    ],
    [
      'a variable of a Secret without a token',
      {},
      [],
      [{ name: 'new', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'settings', key: 'token' } } }] }],
    ],
  ])('is not told of %s', (_what, container, before, added) => {
    expect(judge(pod(container, [...before, ...added]), pod(container, before))).toEqual([]);
  });

  it('is told of a volume once, by the token that the kubelet would renew', () => {
    const mounting = { name: 'new', volumeMounts: [{ name: 'both', mountPath: '/b' }] };
    expect(judge(pod({}, [mounting]), pod({}, []))).toEqual([
      expect.objectContaining({ key: 'new: both', detail: expect.stringContaining('holds an API token,') }),
    ]);
  });
});

describe('The name of a Secret that Kubernetes would have generated', () => {
  const long = 'a'.repeat(100);
  it.each<[string, string, boolean]>([
    ['web', 'web-token-x7k2p', true],
    ['web', 'web-token-x7k2', false],
    ['web', 'web-token-ax7k2p', false],
    ['web', 'web-token-x7k2pp', false],
    ['web', 'my-web-token-x7k2p', false],
    ['web', 'web-x7k2p', false],
    ['web', 'web-token-x7k2a', false],
    [long, `${long.slice(0, 58)}x7k2p`, true],
    [long, `${long.slice(0, 59)}x7k2p`, false],
    [long, `${long}-token-x7k2p`, false],
  ])('of account %s: %s', (serviceAccountName, secretName, isGenerated) => {
    const object = examplePod({ serviceAccountName, volumes: [{ name: 'v', secret: { secretName } }] });
    const keys = keysOf(longLivedTokenMount, { subject: { object }, context: { tokenSecrets: 'unknown' } });
    expect(keys).toEqual(isGenerated ? ['undecided'] : []);
  });
});

describe('Of two hand-written tokens for the API, the one too many', () => {
  const DOCUMENTED = exampleServiceAccount({}, { 'curfew.dev/api-access': 'lists its own endpoints' });
  const AT_THE_USUAL_PLACE = '/var/run/secrets/kubernetes.io/serviceaccount';
  const token = (name: string) => ({ ...exampleTokenVolume({ expirationSeconds: 3_600 }), name });
  const mount = (name: string, mountPath: string) => ({ name, mountPath });

  it.each<[string, readonly JsonObject[], readonly string[]]>([
    ['is the one elsewhere', [mount('first', '/a'), mount('second', AT_THE_USUAL_PLACE)], ['web/first/token']],
    [
      'is the second, if none is at the usual place',
      [mount('first', '/a'), mount('second', '/b')],
      ['web/second/token'],
    ],
    [
      'is the one elsewhere, also if the other is mounted there as well',
      [mount('first', '/a'), mount('second', '/b'), mount('second', AT_THE_USUAL_PLACE)],
      ['web/first/token'],
    ],
  ])('%s', (_what, volumeMounts, wanted) => {
    const containers = [{ name: 'app', image: 'a', volumeMounts }];
    const volumes = [token('first'), token('second')];
    const object = examplePod({ automountServiceAccountToken: false, containers, volumes });
    expect(keysOf(tokenAudience, { subject: { object }, context: { serviceAccount: DOCUMENTED } })).toEqual(wanted);
  });
});
