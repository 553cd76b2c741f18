import { afterEach, describe, expect, it } from 'vitest';
import type { ClusterReader } from '../../src/kube/api.ts';
import { asString, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { ENTRIES } from '../../src/review/entries.ts';
import {
  ADMITTED_POD,
  type Answer,
  PLAIN_READER,
  review,
  type StartedApp,
  startApp,
  TOKEN_SECRET,
} from './start-app.ts';

const GOLDEN = '../golden/reviews';

const EXEMPTIONS = {
  rules: [
    {
      name: 'build-server',
      match: { serviceAccounts: ['shop/ci'] },
      checks: ['long-lived-token-secret'],
      reason: 'the old build server cannot ask for tokens',
      owner: 'team-build',
      permanent: true,
    },
  ],
};

let app: StartedApp | undefined;
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

describe('A review', () => {
  it.each(ENTRIES.map(({ path }) => path))('is answered at %s, with its own uid and version', async (path) => {
    app = await startApp();
    const answer = await app.send(`${path}?timeout=3s&more=1`, review('configmaps', { kind: 'ConfigMap' }));
    expect(JSON.parse(answer.text)).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true },
    });
    expect(answer.headers['content-type']).toContain('application/json');
  });

  it.each<[string, string, JsonObject, JsonObject]>([
    ['denied-secret', '/validate/secrets', review('secrets', TOKEN_SECRET), {}],
    ['warned-pod', '/validate/pods', review('pods', ADMITTED_POD), {}],
    ['denied-pod', '/validate/pods', review('pods', ADMITTED_POD), { levels: { enforce: 'restricted' } }],
    [
      'dry-run-pod',
      '/validate/pods',
      review('pods', ADMITTED_POD),
      { levels: { enforce: 'restricted' }, dryRun: true },
    ],
    ['mutated-pod', '/mutate/pods', review('pods', ADMITTED_POD), { mutateMode: 'apply' }],
    [
      'capped-pod',
      '/mutate/pods',
      review('pods', longTokenPod()),
      {
        mutateMode: 'apply',
        levels: { mutate: 'restricted' },
        checks: { 'token-lifetime': { audiences: { own: 900 } } },
      },
    ],
    ['injected-pod', '/mutate/pods', review('pods', askingPod('{audience: vault}')), {}],
    ['injection-denied', '/mutate/pods', review('pods', askingPod('{audiance: vault}')), {}],
    ['exempt-secret', '/validate/secrets', review('secrets', TOKEN_SECRET), { exemptions: EXEMPTIONS }],
    ['reported-pod', '/mutate/pods', review('pods', ADMITTED_POD), { mutateMode: 'report' }],
  ])('is answered as the golden file %s says, whole', async (name, path, body, configuration) => {
    app = await startApp(configuration);
    const answer: unknown = JSON.parse((await app.send(path, body)).text);
    await expect(`${JSON.stringify(answer, undefined, 2)}\n`).toMatchFileSnapshot(`${GOLDEN}/${name}.json`);
  });

  it('that is denied carries code 403, reason Forbidden and the message', async () => {
    app = await startApp();
    const { status, text } = await app.send('/validate/secrets', review('secrets', TOKEN_SECRET));
    expect(status).toBe(200);
    expect(valueAt(JSON.parse(text), ['response', 'status'])).toMatchObject({ code: 403, reason: 'Forbidden' });
  });

  it('that is patched carries a base64 JSON Patch and its type', async () => {
    app = await startApp({ mutateMode: 'apply' });
    const answer: unknown = JSON.parse((await app.send('/mutate/pods', review('pods', ADMITTED_POD))).text);
    const response = member(answer, 'response');
    expect(member(response, 'patchType')).toBe('JSONPatch');
    const patch: unknown = JSON.parse(Buffer.from(asString(member(response, 'patch')) ?? '', 'base64').toString());
    expect(patch).toEqual([
      { op: 'replace', path: '/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds', value: 3600 },
      { op: 'add', path: '/metadata/annotations', value: { 'curfew.dev/mutated-by': 'short-lived-api-token' } },
    ]);
  });

  it('of Curfew’s own namespace, or by a kubelet, is a plain allow', async () => {
    app = await startApp({ levels: { enforce: 'restricted' } });
    const own = review('pods', ADMITTED_POD, { namespace: 'curfew-system' });
    const kubelet = review('pods', ADMITTED_POD, { userInfo: { username: 'system:node:a', groups: ['system:nodes'] } });
    for (const body of [own, kubelet]) {
      const { text } = await app.send('/validate/pods', body);
      expect(member(JSON.parse(text), 'response')).toEqual({
        uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
        allowed: true,
      });
    }
  });
});

describe('A lookup that fails', () => {
  it('warns and never denies when the service account is unknown', async () => {
    const serviceAccount = async () => ({ state: 'unknown', why: 'the API server did not answer' }) as const;
    app = await startApp({ levels: { enforce: 'restricted' } }, { ...PLAIN_READER, serviceAccount });
    const response = responseOf(await app.send('/validate/pods', review('pods', ADMITTED_POD)));
    expect(member(response, 'allowed')).toBe(true);
    expect(member(response, 'warnings')).toEqual([
      'curfew pod-automount: not judged: cannot tell whether service account shop/web documents its need of the API: the API server did not answer',
    ]);
  });

  it('leaves the configuration’s levels in force when the namespace is unknown, and notes it', async () => {
    const namespace = async () => ({ state: 'unknown', why: 'the API server did not answer' }) as const;
    app = await startApp({}, { ...PLAIN_READER, namespace });
    const response = responseOf(await app.send('/validate/secrets', review('secrets', TOKEN_SECRET)));
    expect(member(response, 'allowed')).toBe(false);
    expect(valueAt(response, ['auditAnnotations', 'note'])).toBe(
      'labels of namespace shop were not read: the API server did not answer',
    );
  });

  it('that never ends is a fault of that request alone', async () => {
    const never = new Promise<never>(() => undefined);
    const reader = {
      ...PLAIN_READER,
      namespace: async (name: string) => (name === 'slow' ? await never : await PLAIN_READER.namespace(name)),
    };
    app = await startApp({ server: { deadlineMs: 100 } }, reader);
    const slow = await app.send('/validate/pods', review('pods', ADMITTED_POD, { namespace: 'slow' }));
    expect({ status: slow.status, message: member(JSON.parse(slow.text), 'message') }).toEqual({
      status: 500,
      message: 'CURFEW_E_DEADLINE: the review could not be judged within 100 ms',
    });
    expect((await app.send('/validate/pods', review('pods', ADMITTED_POD))).status).toBe(200);
    expect(await app.metric('curfew_faults_total{entry="/validate/pods",code="CURFEW_E_DEADLINE"}')).toBe(1);
  });

  it('that breaks is our own mistake, of which the answer says nothing more', async () => {
    const namespace = async () => await Promise.reject(new Error('not for strangers'));
    app = await startApp({}, { ...PLAIN_READER, namespace });
    const { status, text } = await app.send('/validate/pods', review('pods', ADMITTED_POD));
    expect(status).toBe(500);
    expect(member(JSON.parse(text), 'message')).toBe('CURFEW_E_INTERNAL: Curfew made a mistake of its own');
    expect(text).not.toMatch(/not for strangers|\.ts/);
  });
});

describe('A pod and the annotations of its service account', () => {
  const ROLE = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/web' };
  const VAULT = { 'tokens.curfew.dev/vault': '{audience: vault}' };
  const ASKING = review('pods', askingPod('{preset: aws-irsa}'));
  const PLAIN = review('pods', ADMITTED_POD);
  type Annotations = Readonly<Record<string, string>>;

  /** The index knows the account as it was; the API server as it is, or does not say. */
  function readerOf(live: Annotations | string, asked: string[] = [], indexed: Annotations = {}): ClusterReader {
    return {
      ...PLAIN_READER,
      namespace: async (name, newness = 'held') => {
        asked.push(newness);
        return await PLAIN_READER.namespace(name);
      },
      serviceAccount: async (namespace, name, newness = 'held') => {
        asked.push(newness);
        const fresh = newness === 'now';
        const known = fresh && typeof live !== 'string' ? live : indexed;
        const value = { namespace, name, automount: undefined, annotations: new Map(Object.entries(known)) };
        return { state: 'found', value, ...(fresh && typeof live === 'string' ? { stale: live } : {}) };
      },
    };
  }

  const ALWAYS = { mutations: { 'inject-token': { liveReads: 'always' } } };

  it.each([
    ['counts on one', ASKING, ROLE, {}, ['onMiss', 'onMiss', 'now', 'now']],
    ['counts on one', ASKING, ROLE, ALWAYS, ['now', 'now']],
    ['says nothing itself', PLAIN, VAULT, ALWAYS, ['now', 'now']],
  ])('that %s which the index does not have gets its token', async (_title, body, live, keys, newness) => {
    const asked: string[] = [];
    app = await startApp(keys, readerOf(live, asked));
    expect(member(responseOf(await app.send('/mutate/pods', body)), 'patchType')).toBe('JSONPatch');
    expect(asked).toEqual(newness);
    expect(await app.metric('curfew_mutations_total{mutation="inject-token"')).toBe(1);
  });

  it('is denied where it is not there either, and that is counted and logged', async () => {
    app = await startApp({}, readerOf({}));
    const response = responseOf(await app.send('/mutate/pods', ASKING));
    expect(valueAt(response, ['status', 'message'])).toContain('preset aws-irsa needs roleArn, and nothing gives it');
    expect(await app.metric('curfew_mutations_total{mutation="inject-token",decision="deny"')).toBe(1);
    expect(await app.metric('curfew_review_duration_seconds_count{entry="/mutate/pods",outcome="denied"')).toBe(1);
    const line = app.logLines.map((one): unknown => JSON.parse(one)).find((one) => member(one, 'decision') === 'deny');
    expect(line).toMatchObject({ type: 'mutating', rules: ['inject-token'], name: 'example' });
  });

  it('that counts on one which only the API server could tell is denied, and told to try again', async () => {
    app = await startApp({}, readerOf('no answer within 500 ms'));
    expect(valueAt(responseOf(await app.send('/mutate/pods', ASKING)), ['status', 'message'])).toContain(
      'could not be read: no answer within 500 ms; try again',
    );
  });

  it('are those of the index where the API server does not answer, and the audit log says so', async () => {
    const annotations = { ...ROLE, 'eks.amazonaws.com/audience': 'sts' };
    app = await startApp(ALWAYS, readerOf('no answer within 500 ms', [], annotations));
    const response = responseOf(await app.send('/mutate/pods', ASKING));
    expect(member(response, 'patchType')).toBe('JSONPatch');
    expect(valueAt(response, ['auditAnnotations', 'note'])).toContain(
      'only what it said a moment ago is known: it could not be read: no answer within 500 ms',
    );
  });

  it.each(['serviceAccount', 'namespace'] as const)('of whose %s nothing is known is denied', async (what) => {
    const unknown = async () => ({ state: 'unknown', why: 'no answer within 1500 ms' }) as const;
    app = await startApp({}, { ...PLAIN_READER, [what]: unknown });
    expect(valueAt(responseOf(await app.send('/mutate/pods', PLAIN)), ['status', 'message'])).toContain(
      'it could not be read: no answer within 1500 ms; it may ask for a token, without which the pod would start',
    );
    expect(responseOf(await app.send('/validate/pods', PLAIN))).toMatchObject({ allowed: true });
  });

  it.each([
    ['not asked for anew where nothing would be injected', { mode: 'off' }, 'held'],
    ['asked for on a miss', {}, 'onMiss'],
    ['asked for anew each time where the configuration says so', { liveReads: 'always' }, 'now'],
  ])('are %s', async (_title, options, newness) => {
    const asked: string[] = [];
    app = await startApp({ mutations: { 'inject-token': options } }, readerOf(ROLE, asked));
    await app.send('/mutate/pods', PLAIN);
    await app.send('/validate/pods', PLAIN);
    expect(asked).toEqual([newness, newness, 'held', 'held']);
  });
});

describe('Too many reviews at once', () => {
  it('are answered 429 with Retry-After, and the next one is judged', async () => {
    const held = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const namespace = async (name: string) => {
      arrived.resolve();
      await held.promise;
      return await PLAIN_READER.namespace(name);
    };
    app = await startApp({ server: { maxInFlight: 1, deadlineMs: 30_000 } }, { ...PLAIN_READER, namespace });
    const first = app.send('/validate/pods', review('pods', ADMITTED_POD));
    await arrived.promise;
    const second = await app.send('/validate/pods', review('pods', ADMITTED_POD));
    expect({ status: second.status, retryAfter: second.headers['retry-after'] }).toEqual({
      status: 429,
      retryAfter: '1',
    });
    held.resolve();
    expect((await first).status).toBe(200);
    expect((await app.send('/validate/pods', review('pods', ADMITTED_POD))).status).toBe(200);
  });
});

function responseOf({ text }: Answer): unknown {
  return member(JSON.parse(text), 'response');
}

/** A pod of one container that asks for the token `vault`. */
/** A token of twelve hours for each audience, one of them a sidecar's, in a pod that may take ten minutes to stop. */
function longTokenPod(): JsonObject {
  const volumes = [
    ['vault', 'vault'],
    ['own', 'own'],
    ['istio-token', 'istio-ca'],
  ].map(([name = '', audience = '']) => ({
    name,
    projected: { sources: [{ serviceAccountToken: { audience, expirationSeconds: 43_200, path: 'token' } }] },
  }));
  const spec = (ADMITTED_POD['spec'] ?? {}) as JsonObject;
  return {
    ...ADMITTED_POD,
    spec: { ...spec, volumes, containers: [{ name: 'app' }], terminationGracePeriodSeconds: 600 },
  };
}

function askingPod(value: string): JsonObject {
  const annotations = { 'tokens.curfew.dev/vault': value };
  return {
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', annotations },
    spec: { serviceAccountName: 'web', containers: [{ name: 'app', image: 'registry.example/web:1' }] },
  };
}
