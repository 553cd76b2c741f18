import { describe, expect, it } from 'vitest';
import { createGathered, gather } from '../../../src/audit/gathered.ts';
import { describeLongLived } from '../../../src/audit/long-lived-secrets.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import { judgingWith, SECRET_TYPE, seen, storedPod } from './seen.ts';

const ANNOTATIONS = { 'kubernetes.io/service-account.name': 'web', 'kubernetes.io/service-account.uid': 'u' };
const secret = (labels: JsonObject = {}) =>
  seen(
    'Secret',
    { name: 'old', creationTimestamp: '2026-11-01T12:00:00Z', annotations: ANNOTATIONS, labels },
    SECRET_TYPE,
  );
const LISTING = seen('ServiceAccount', { name: 'web', uid: 'u' }, { secrets: [{ name: 'old' }] });

function describeOld(others: readonly Subject[], old = secret()) {
  const accounts = others.filter(({ kind }) => kind === 'ServiceAccount');
  const how = judgingWith([...accounts, old]);
  const gathered = createGathered();
  for (const subject of others) gather(gathered, subject, how);
  return describeLongLived(old, {
    uses: gathered.uses,
    uidOfAccount: (namespace, name) => gathered.uids.get(`${namespace}/${name}`),
    isWhole: true,
    now: how.now,
  });
}

describe('A Secret with a token that never expires', () => {
  it('is as old as it says', () => {
    expect(describeOld([])).toMatchObject({ ageDays: 24, account: 'web', usedBy: [] });
  });

  it('is used by whoever mounts, reads or lists it', () => {
    const container = { name: 'job', env: [{ name: 'T', valueFrom: { secretKeyRef: { name: 'old', key: 'token' } } }] };
    const template = { spec: { containers: [container, { name: 'all', envFrom: [{ secretRef: { name: 'old' } }] }] } };
    const { usedBy } = describeOld([
      LISTING,
      seen('Deployment', { name: 'd' }, { spec: { template } }),
      storedPod('bare', undefined, [{ name: 'ci', secret: { secretName: 'old' } }]),
      storedPod('made', { kind: 'ReplicaSet', name: 'r', uid: 'r' }, [{ name: 'ci', secret: { secretName: 'old' } }]),
    ]);
    expect(usedBy.map(({ kind, name, how }) => `${kind} ${name}: ${how}`)).toEqual([
      'ServiceAccount web: listed in .secrets',
      'Deployment d: in variable T of container job',
      'Deployment d: in variables of container all (envFrom)',
      'Pod bare: mounted as volume ci in container app',
    ]);
  });

  const CA_ALONE = { name: 'ca', secret: { secretName: 'old', items: [{ key: 'ca.crt', path: 'ca' }] } };
  it.each<[string, readonly Subject[], Subject, 'in-tree' | 'never', RegExp]>([
    ['listed', [LISTING], secret(), 'in-tree', /makes it invalid when it has not been used for a year/],
    [
      'listed and invalid',
      [LISTING],
      secret({ 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' }),
      'in-tree',
      /deletes it a year after/,
    ],
    [
      'listed, with an empty label, which is none',
      [LISTING],
      secret({ 'kubernetes.io/legacy-token-invalid-since': '' }),
      'in-tree',
      /makes it invalid when it has not been used for a year/,
    ],
    ['not listed', [seen('ServiceAccount', { name: 'web', uid: 'u' })], secret(), 'never', /that a person made/],
    [
      'in a pod, for the CA alone',
      [LISTING, storedPod('a', undefined, [CA_ALONE])],
      secret(),
      'never',
      /A pod refers to it/,
    ],
    [
      'of an earlier account',
      [seen('ServiceAccount', { name: 'web', uid: 'v' }, { secrets: [{ name: 'old' }] })],
      secret(),
      'never',
      /earlier account/,
    ],
    [
      'listed by another account',
      [seen('ServiceAccount', { name: 'b', uid: 'b' }, { secrets: [{ name: 'old' }] })],
      secret(),
      'never',
      /is not there/,
    ],
    ['used on no day', [LISTING], secret({ 'kubernetes.io/legacy-token-last-used': 'soon' }), 'never', /is no day/],
  ])('is cleaned by Kubernetes, or not: %s', (_title, others, old, cleaning, reason) => {
    expect(describeOld(others, old)).toMatchObject({ cleaning, cleaningReason: expect.stringMatching(reason) });
  });
});
