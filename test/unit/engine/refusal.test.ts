import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../src/engine/message.ts';
import { listRefusals, MOST_NOTE_BYTES } from '../../../src/engine/refusal.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Subject } from '../../../src/objects/subject.ts';

const REPLICA_SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'uid-of-web-5d4f' };

const PROBLEM: Problem = {
  id: 'pod-automount',
  path: '/spec/containers/0/volumeMounts/0',
  detail: 'the API token of service account shop/web is mounted.',
  fix: 'set automountServiceAccountToken: false in the pod spec',
  containers: ['app'],
};

function podOf(metadata: JsonObject, more: Partial<Subject> = {}): Subject {
  return {
    operation: 'CREATE',
    resource: { group: '', name: 'pods', subresource: '' },
    kind: 'Pod',
    namespace: 'shop',
    name: 'web-5d4f-x7k2p',
    object: { metadata },
    ...more,
  };
}

const OWNED = {
  generateName: 'web-5d4f-',
  ownerReferences: [
    { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'other' },
    { ...REPLICA_SET, controller: true },
  ],
};

describe('The owner of a refused pod', () => {
  it('is told what is wrong, what to do and where to read more, in words that are the same for the next pod', () => {
    expect(listRefusals(podOf(OWNED), [PROBLEM])).toEqual([
      {
        namespace: 'shop',
        owner: REPLICA_SET,
        rule: 'pod-automount',
        note: 'Pod shop/web-5d4f-* is refused: pod-automount at /spec/containers/0/volumeMounts/0: container app: the API token of service account shop/web is mounted. Fix: set automountServiceAccountToken: false in the pod spec (curfew explain pod-automount)',
      },
    ]);
  });

  it('is told of a pod by its name where that is no generated one, and of no container where none is meant', () => {
    const { generateName: _, ...metadata } = OWNED;
    const [refusal] = listRefusals(podOf(metadata), [{ ...PROBLEM, containers: [] }]);
    expect(refusal?.note).toMatch(
      /^Pod shop\/web-5d4f-x7k2p is refused: pod-automount at \/spec\/containers\/0\/volumeMounts\/0: the API token/,
    );
  });

  it('is told once of each check, however many problems it finds', () => {
    const problems = [PROBLEM, { ...PROBLEM, containers: ['proxy'] }, { ...PROBLEM, id: 'token-lifetime' }];
    const refusals = listRefusals(podOf(OWNED), problems);
    expect(refusals.map(({ rule }) => rule)).toEqual(['pod-automount', 'token-lifetime']);
    expect(refusals[0]?.note).toContain(
      'container app: the API token of service account shop/web is mounted. And 1 more of this.',
    );
  });

  it('is told in one line of at most so many bytes, which still says where to read more', () => {
    const [refusal] = listRefusals(podOf(OWNED), [{ ...PROBLEM, detail: 'é\n\u001b'.repeat(2_000) }]);
    const note = refusal?.note ?? '';
    expect(new TextEncoder().encode(note).length).toBeLessThanOrEqual(MOST_NOTE_BYTES);
    expect(note).toMatch(/… \(curfew explain pod-automount\)$/);
    expect(note).not.toMatch(/\p{Cc}/u);
  });

  it.each<[string, Subject]>([
    ['there is none', podOf({ name: 'web' })],
    ['none of the owners is its controller', podOf({ ownerReferences: [REPLICA_SET] })],
    ['the reference is not whole', podOf({ ownerReferences: [{ kind: 'ReplicaSet', name: 'web', controller: true }] })],
    ['the references are no list', podOf({ ownerReferences: 'none' })],
    ['it is an update', podOf(OWNED, { operation: 'UPDATE' })],
    [
      'it is a debug container',
      podOf(OWNED, { resource: { group: '', name: 'pods', subresource: 'ephemeralcontainers' } }),
    ],
    ['it is another object', podOf(OWNED, { resource: { group: 'apps', name: 'deployments', subresource: '' } })],
  ])('is not told where %s', (_why, subject) => {
    expect(listRefusals(subject, [PROBLEM])).toEqual([]);
  });
});
