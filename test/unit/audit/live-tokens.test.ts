import { describe, expect, it } from 'vitest';
import { createGathered, gather } from '../../../src/audit/gathered.ts';
import { listMountedTokens } from '../../../src/audit/mounted-tokens.ts';
import { listRestarts } from '../../../src/audit/restarts.ts';
import type { TokenLimits } from '../../../src/audit/token-limits.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import { defaultVolume, judgingWith, SECRET_TYPE, seen, storedPod } from './seen.ts';

const YEAR = 31_536_000;
const MEASURED: TokenLimits = { measured: true, extendsTo: YEAR };
const APPLY = { mutateMode: 'apply' };

const replicaSet = seen('ReplicaSet', {
  name: 'web-5d8f',
  uid: 'rs',
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd', controller: true }],
});
const OF_REPLICA_SET = { kind: 'ReplicaSet', name: 'web-5d8f', uid: 'rs' };

function audit(subjects: readonly Subject[], how = judgingWith([], APPLY), limits = MEASURED) {
  const gathered = createGathered();
  for (const subject of subjects) gather(gathered, subject, how);
  const { pods, owners, onDelete } = gathered;
  return {
    gathered,
    tokens: listMountedTokens(pods.held.values(), { owners, limits }),
    restarts: listRestarts(pods.before.values(), {
      owners,
      limits,
      onDelete,
      hasRights: (_, name) => name === 'strong',
    }),
  };
}

function withAudience(audience: string, expirationSeconds: number): JsonObject {
  const token = { path: 'token', audience, expirationSeconds };
  return { name: 'own', projected: { sources: [{ serviceAccountToken: token }] } };
}

describe('The tokens of live pods', () => {
  it('are one entry for all pods of a Deployment, with what they are really valid for', () => {
    const { tokens, gathered } = audit([storedPod('a', OF_REPLICA_SET), storedPod('b', OF_REPLICA_SET), replicaSet]);
    expect(tokens).toEqual([
      {
        namespace: 'shop',
        owner: { kind: 'Deployment', name: 'web' },
        account: 'web',
        pods: 2,
        containers: ['app'],
        source: 'default',
        reachesApi: true,
        askedSeconds: 3607,
        trueSeconds: YEAR,
        never: false,
        fromBefore: true,
      },
    ]);
    expect([...gathered.pods.byAccount]).toEqual([['shop/web', 2]]);
    expect(gathered.pods.withApiToken).toBe(2);
  });

  it.each<[string, TokenLimits, JsonObject, number]>([
    ['an extended one, measured', { measured: true, extendsTo: 7_776_000 }, defaultVolume(), 7_776_000],
    ['an extended one, not measured', { measured: false }, defaultVolume(), YEAR],
    ['where nothing is extended', { measured: true, extendsTo: 3607 }, defaultVolume(), 3607],
    ['an hour', MEASURED, defaultVolume(3600), 3600],
    ['3607 s for another audience', MEASURED, withAudience('vault', 3607), 3607],
    ['3607 s for the audience of the API', MEASURED, withAudience('https://kubernetes.default.svc', 3607), YEAR],
    ['longer than the maximum', { ...MEASURED, maximumSeconds: 7200 }, withAudience('vault', 86_400), 7200],
    ['a maximum below what is extended', { ...MEASURED, maximumSeconds: 1800 }, defaultVolume(), 1800],
  ])('live as long as the API server makes them: %s', (_title, limits, volume, seconds) => {
    const { tokens } = audit([storedPod('a', undefined, [volume])], judgingWith([]), limits);
    expect(tokens.map(({ trueSeconds }) => trueSeconds)).toEqual([seconds]);
  });

  it('never end where they are from a Secret, and are of the account of that Secret', () => {
    const annotations = { 'kubernetes.io/service-account.name': 'robot' };
    const how = judgingWith([seen('Secret', { name: 'old', annotations }, SECRET_TYPE)]);
    const volumes = [
      { name: 'old', secret: { secretName: 'old' } },
      { name: 'other', secret: { secretName: 'opaque' } },
    ];
    const { tokens, gathered } = audit([storedPod('a', undefined, volumes)], how);
    expect(tokens).toMatchObject([
      { source: 'secret', secret: 'old', account: 'robot', never: true, reachesApi: true, containers: ['app'] },
    ]);
    expect(tokens[0]).not.toHaveProperty('trueSeconds');
    expect([...gathered.pods.byAccount.keys()]).toEqual(['shop/robot']);
  });

  it('do not count where the pod has ended', () => {
    const ended = storedPod('a');
    const { tokens } = audit([{ ...ended, object: { ...ended.object, status: { phase: 'Succeeded' } } }]);
    expect(tokens).toEqual([]);
  });
});

describe('Restarts', () => {
  it('are of what Curfew would shorten, and not of what it would leave', () => {
    const { restarts } = audit([
      storedPod('long', OF_REPLICA_SET),
      storedPod('short', { kind: 'StatefulSet', name: 'db', uid: 's' }, [defaultVolume(3600)]),
      replicaSet,
    ]);
    expect(restarts).toEqual([
      {
        order: 1,
        namespace: 'shop',
        owner: { kind: 'Deployment', name: 'web' },
        pods: 1,
        why: 'The API token lives a year; that of a new pod lives 1h.',
        command: 'kubectl rollout restart deployment/web --namespace shop',
      },
    ]);
  });

  it('say that a restart is of no use before mutations are applied', () => {
    const { restarts } = audit([storedPod('a')], judgingWith([]));
    expect(restarts.map(({ why }) => why)).toEqual([
      'The API token lives a year; that of a new pod lives 1h once mutations are applied (mutateMode: apply).',
    ]);
  });

  it('are of pods whose account has opted out since, mutations or not', () => {
    const account = seen('ServiceAccount', { name: 'web' }, { automountServiceAccountToken: false });
    const { restarts } = audit([storedPod('a', OF_REPLICA_SET)], judgingWith([account]));
    expect(restarts.map(({ why }) => why)).toEqual(['The API token lives a year; a new pod gets none.']);
  });

  it.each<[string, JsonObject | undefined, string]>([
    ['a DaemonSet', { kind: 'DaemonSet', name: 'ds' }, 'kubectl rollout restart daemonset/ds --namespace shop'],
    ['a bare ReplicaSet', { kind: 'ReplicaSet', name: 'rs' }, 'kubectl delete pod a --namespace shop'],
    [
      'a pod of nobody',
      undefined,
      'kubectl get pod a --namespace shop --output yaml | kubectl replace --force --filename -',
    ],
    [
      'a Job',
      { kind: 'Job', name: 'j' },
      "kubectl wait pod/a --namespace shop --for=jsonpath='{.status.phase}'=Succeeded --timeout=24h",
    ],
  ])('have a command for %s', (_title, controller, command) => {
    const owned = controller === undefined ? undefined : { uid: 'x', ...controller };
    expect(audit([storedPod('a', owned)]).restarts.map((step) => step.command)).toEqual([command]);
  });

  it('delete the pods of what waits for somebody to do so', () => {
    const daemonSet = seen('DaemonSet', { name: 'ds' }, { spec: { updateStrategy: { type: 'OnDelete' } } });
    const { restarts } = audit([storedPod('a', { kind: 'DaemonSet', name: 'ds', uid: 'x' }), daemonSet]);
    expect(restarts.map(({ command }) => command)).toEqual(['kubectl delete pod a --namespace shop']);
  });

  it('put tokens for the API first, then those of accounts with rights, then those of many pods', () => {
    const strong = storedPod('strong', { kind: 'StatefulSet', name: 'strong', uid: '1' });
    const spec = { ...(strong.object['spec'] as JsonObject), serviceAccountName: 'strong' };
    const how = judgingWith([seen('ServiceAccount', { name: 'web' }), seen('ServiceAccount', { name: 'strong' })], {
      ...APPLY,
      levels: { mutate: 'restricted', enforce: 'off' },
    });
    const { restarts } = audit(
      [
        storedPod('v', { kind: 'StatefulSet', name: 'vault', uid: '2' }, [withAudience('vault', 604_800)]),
        storedPod('m1', { kind: 'StatefulSet', name: 'many', uid: '3' }),
        storedPod('m2', { kind: 'StatefulSet', name: 'many', uid: '3' }),
        storedPod('f', { kind: 'StatefulSet', name: 'few', uid: '4' }),
        { ...strong, object: { ...strong.object, spec } },
      ],
      how,
    );
    expect(restarts.map(({ owner }) => owner.name)).toEqual(['strong', 'many', 'few', 'vault']);
  });

  it('never trust a circle of owners', () => {
    const circle = (name: string, uid: string, of: string) =>
      seen('ReplicaSet', {
        name,
        uid,
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: of, uid: of, controller: true }],
      });
    const { tokens } = audit([
      circle('x', 'x', 'y'),
      circle('y', 'y', 'x'),
      storedPod('a', { kind: 'ReplicaSet', name: 'x', uid: 'x' }),
    ]);
    expect(tokens).toHaveLength(1);
  });
});
