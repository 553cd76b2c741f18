import { describe, expect, it } from 'vitest';
import { toBackup } from '../../../src/cleanup/backup.ts';
import { formatMark, readMark } from '../../../src/cleanup/mark.ts';
import { listNamedSecrets } from '../../../src/cleanup/named-secrets.ts';
import { readFacts } from '../../../src/cleanup/read-facts.ts';
import type { Step } from '../../../src/cleanup/take-step.ts';
import { takeStep } from '../../../src/cleanup/take-step.ts';
import { toTokenSecret } from '../../../src/cleanup/token-secret.ts';
import type { KubeRequest, KubeResponse } from '../../../src/kube/api.ts';
import type { JsonObject } from '../../../src/objects/json.ts';

const signal = new AbortController().signal;
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

function secretOf(metadata: object) {
  const secret = toTokenSecret({
    metadata: { namespace: 'shop', name: 'old', uid: 'u', resourceVersion: '7', ...metadata },
  });
  if (secret === undefined) throw new Error('it is no token Secret');
  return secret;
}

describe('Secrets that a pod spec names', () => {
  it('are found wherever it can name one', () => {
    const spec: JsonObject = {
      serviceAccountName: 'account',
      imagePullSecrets: [{ name: 'pull' }],
      volumes: [
        { name: 'a', secret: { secretName: 'volume', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { name: 'b', projected: { sources: [{ secret: { name: 'projected' } }, { configMap: { name: 'map' } }] } },
        { name: 'c', csi: { driver: 'd', nodePublishSecretRef: { name: 'csi' } } },
        { name: 'd', azureFile: { secretName: 'azure', shareName: 's' } },
        { name: 'e', cephfs: { secretRef: { name: 'ceph' } } },
        { name: 'f', configMap: { name: 'map' } },
      ],
      initContainers: [{ name: 'init', envFrom: [{ secretRef: { name: 'from' } }, { configMapRef: { name: 'map' } }] }],
      containers: [
        { name: 'app', env: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'key', key: 'token' } } }] },
      ],
      ephemeralContainers: [{ name: 'debug', envFrom: [{ secretRef: { name: 'debugged' } }] }],
    };
    expect([...listNamedSecrets(spec)].toSorted()).toEqual([
      'azure',
      'ceph',
      'csi',
      'debugged',
      'from',
      'key',
      'projected',
      'pull',
      'volume',
    ]);
  });
});

describe('The mark beside the label', () => {
  it.each([
    { at: Date.UTC(2026, 10, 26, 7, 8, 9, 10), lastUsed: '2026-01-01' },
    { at: 0, lastUsed: undefined },
  ])('is read as it was written: %j', (mark) => expect(readMark(formatMark(mark))).toEqual(mark));

  it.each(['', 'null', '{', '{"at":1}', '{"at":"2026-11-26"}', '[]'])('is nothing else: %s', (text) => {
    expect(readMark(text)).toBeUndefined();
  });
});

describe('A backup', () => {
  it('has the metadata, and nothing that may be a token', () => {
    const jwt = 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln';
    const encoded = Buffer.from(jwt).toString('base64');
    const secret = secretOf({
      creationTimestamp: '2020-01-01T00:00:00Z',
      labels: { app: 'ci' },
      annotations: {
        'kubernetes.io/service-account.name': 'web',
        'kubectl.kubernetes.io/last-applied-configuration': `{"data":{"token":"${encoded}"}}`,
        note: `was ${encoded}`,
        other: `was ${jwt}`,
      },
      managedFields: [{ manager: 'kubectl' }],
    });
    const backup = toBackup(secret);
    expect(backup).toMatchObject({
      kind: 'Secret',
      type: 'kubernetes.io/service-account-token',
      metadata: {
        name: 'old',
        namespace: 'shop',
        labels: { app: 'ci' },
        annotations: { 'kubernetes.io/service-account.name': 'web' },
      },
    });
    expect(Object.keys(backup)).toEqual(['apiVersion', 'kind', 'metadata', 'type']);
    expect(JSON.stringify(backup)).not.toMatch(/eyJ|ZXlK|managedFields/);
  });
});

async function take(step: Step, answer: KubeResponse) {
  const asked: KubeRequest[] = [];
  const request = async (one: KubeRequest) => {
    asked.push(one);
    return answer;
  };
  const why = await takeStep(step, secretOf({}), { client: { request }, now: Date.UTC(2026, 10, 26), signal });
  return { why, asked };
}

const stored = (since: string | undefined): KubeResponse => ({
  status: 200,
  body: { metadata: { labels: since === undefined ? {} : { 'kubernetes.io/legacy-token-invalid-since': since } } },
});

describe('A step', () => {
  it.each<[Step, KubeResponse]>([
    ['invalidate', stored('2026-11-26')],
    ['restore', stored(undefined)],
    ['delete', { status: 200, body: {} }],
  ])('%s names the object as it was seen, and asks for metadata alone', async (step, answer) => {
    const { why, asked } = await take(step, answer);
    expect(why).toBeUndefined();
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ accept: METADATA, path: '/api/v1/namespaces/shop/secrets/old' });
    expect(JSON.stringify(asked[0]?.body)).toContain('"uid":"u","resourceVersion":"7"');
  });

  it.each<[Step, KubeResponse, string]>([
    [
      'invalidate',
      { status: 409, body: { reason: 'Conflict', message: 'm' } },
      'it was changed since it was looked at',
    ],
    ['delete', { status: 409, body: { reason: 'Conflict', message: 'm' } }, 'it was changed since it was looked at'],
    ['delete', { status: 404, body: {} }, 'it is gone'],
    ['invalidate', { status: 403, body: { reason: 'Forbidden', message: 'ZXlK' } }, 'HTTP 403 Forbidden'],
    ['invalidate', stored(undefined), 'label kubernetes.io/legacy-token-invalid-since was not kept'],
    ['restore', stored('2026-11-26'), 'label kubernetes.io/legacy-token-invalid-since was not kept'],
  ])('%s stops at an answer that it did not expect: %j', async (step, answer, sentence) => {
    expect((await take(step, answer)).why).toBe(sentence);
  });
});

describe('Reading what cleaning must know', () => {
  const one = { metadata: { namespace: 'shop', name: 'old', uid: 'u', resourceVersion: '7' } };

  it('says what it could not list, and asks for no more than the metadata of token Secrets', async () => {
    const asked: KubeRequest[] = [];
    const request = async (given: KubeRequest): Promise<KubeResponse> => {
      asked.push(given);
      if (given.path.endsWith('/secrets')) return { status: 200, body: { items: [one] } };
      return { status: given.path.includes('jobset') ? 404 : 403, body: { reason: 'Forbidden' } };
    };
    const { secrets, faults } = await readFacts({ client: { request }, namespace: 'shop', signal });
    expect(secrets).toHaveLength(1);
    expect(faults.find((fault) => fault.includes('jobset'))).toBeUndefined();
    for (const path of ['serviceaccounts', '/pods', '/cronjobs', '/rollouts', 'token-tracking']) {
      expect(faults.filter((fault) => fault.includes(path))).toHaveLength(1);
    }
    expect(asked[0]).toMatchObject({
      accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
      query: { fieldSelector: 'type=kubernetes.io/service-account-token' },
    });
    expect(asked.every(({ method }) => method === 'GET')).toBe(true);
  });

  /** Lists by resource; what is not given is empty. */
  const cluster = (lists: Readonly<Record<string, readonly unknown[]>>, tracking: KubeResponse) => {
    const request = async ({ path }: KubeRequest): Promise<KubeResponse> => {
      if (path.endsWith('-tracking')) return tracking;
      return { status: 200, body: { items: lists[path.split('/').at(-1) ?? ''] ?? [] } };
    };
    return readFacts({ client: { request }, namespace: undefined, signal });
  };
  const account = (name: string, more: object) => ({ metadata: { namespace: 'shop', name }, ...more });
  const mounting = (name: string, namespace = 'shop') => ({
    metadata: { namespace, name },
    spec: { volumes: [{ name: 'v', secret: { secretName: 'old' } }] },
  });
  const owned = { metadata: { ...one.metadata, annotations: { 'kubernetes.io/service-account.name': 'web' } } };
  const NONE: KubeResponse = { status: 404, body: {} };

  it('knows who names a Secret, and whether that is its own account', async () => {
    const { uses, faults, secrets } = await cluster(
      {
        // What lacks its version could be changed by somebody without being seen, so nothing is done with it.
        secrets: [owned, { metadata: { ...owned.metadata, name: 'odd', resourceVersion: '' } }],
        serviceaccounts: [
          account('web', { secrets: [{ name: 'old' }, { name: 'other' }, {}] }),
          account('ci', { secrets: [{ name: 'old' }], imagePullSecrets: [{ name: 'old' }] }),
          { metadata: { namespace: 'bank', name: 'web' }, secrets: [{ name: 'old' }] },
        ],
        pods: [mounting('web-1'), mounting('web-2', 'bank'), { spec: mounting('').spec }],
      },
      NONE,
    );
    expect({ faults, secrets: secrets.map(({ name }) => name) }).toEqual({ faults: [], secrets: ['old'] });
    expect([...uses]).toEqual([
      [
        'shop/old',
        [
          { by: 'own account', who: 'ServiceAccount shop/web' },
          { by: 'account', who: 'ServiceAccount shop/ci' },
          { by: 'account', who: 'ServiceAccount shop/ci' },
          { by: 'pod', who: 'Pod shop/web-1' },
        ],
      ],
    ]);
  });

  it('remembers a few of each kind of use, and a pod however often accounts name the Secret', async () => {
    const many = <One>(make: (index: number) => One) => Array.from({ length: 9 }, (_, index) => make(index));
    const { uses } = await cluster(
      {
        secrets: [owned],
        serviceaccounts: [
          account('web', { secrets: many(() => ({ name: 'old' })) }),
          ...many((index) => account(`ci-${index}`, { secrets: [{ name: 'old' }] })),
        ],
        pods: many((index) => mounting(`web-${index}`)),
      },
      NONE,
    );
    const counts = Map.groupBy(uses.get('shop/old') ?? [], ({ by }) => by);
    expect(Array.from(counts, ([by, some]) => [by, some.length])).toEqual([
      ['own account', 1],
      ['account', 5],
      ['pod', 5],
    ]);
  });

  it.each<[KubeResponse, string | undefined, number]>([
    [{ status: 200, body: { data: { since: '2026-01-02' } } }, '2026-01-02', 0],
    [{ status: 200, body: {} }, undefined, 0],
    [NONE, undefined, 0],
    [{ status: 500, body: { reason: 'InternalError' } }, undefined, 1],
  ])('knows since when uses are noted: %j', async (tracking, since, faults) => {
    const facts = await cluster({ secrets: [owned] }, tracking);
    expect([facts.trackedSince, facts.faults.length]).toEqual([since, faults]);
  });

  it('asks for nothing else where there is no token Secret', async () => {
    let requests = 0;
    const request = async (): Promise<KubeResponse> => {
      requests += 1;
      return { status: 200, body: { items: [] } };
    };
    await readFacts({ client: { request }, namespace: undefined, signal });
    expect(requests).toBe(1);
  });
});
