import { afterEach, describe, expect, it } from 'vitest';
import type { PodLister, PodPage } from '../../src/kube/api.ts';
import { asArray, type JsonObject, type JsonValue, member, valueAt } from '../../src/objects/json.ts';
import { ADMITTED_POD, PLAIN_READER, review, type StartedApp, startApp } from './start-app.ts';

const RAISED = { 'curfew.dev/enforce': 'restricted' };

let app: StartedApp | undefined;
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

/** The update of namespace `shop` from no labels to these, as the API server sends it. */
function update(labels: JsonObject, more: JsonObject = {}): JsonObject {
  const of = (set: JsonObject) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: set } });
  return review('namespaces', of(labels), {
    name: 'shop',
    namespace: 'shop',
    operation: 'UPDATE',
    oldObject: of({}),
    ...more,
  });
}

function named(name: string): JsonValue {
  return { ...ADMITTED_POD, metadata: { name, namespace: 'shop' } };
}

function listing(...pages: readonly PodPage[]): PodLister {
  return async function* listPods() {
    yield* pages;
  };
}

const page = (...pods: readonly JsonValue[]): PodPage => ({ state: 'found', pods });

async function ask(body: JsonObject, path = '/validate/namespaces'): Promise<unknown> {
  const { text } = (await app?.send(path, body)) ?? { text: '' };
  return member(JSON.parse(text), 'response');
}

describe('A raised level', () => {
  it('is answered with the pods that it would refuse', async () => {
    app = await startApp({}, PLAIN_READER, { listPods: listing(page(named('a'), named('b')), page(named('c'))) });
    expect(await ask(update(RAISED))).toEqual({
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      allowed: true,
      warnings: ['curfew pod-automount: 3 existing pods would be refused: a, b, c'],
    });
  });

  it('is answered with nothing where new pods would be changed first, so that none is refused', async () => {
    const keys = { mutateMode: 'apply', levels: { mutate: 'restricted' } };
    app = await startApp(keys, PLAIN_READER, { listPods: listing(page(named('a'))) });
    expect(member(await ask(update(RAISED)), 'warnings')).toBeUndefined();
  });

  it('is answered with a pod too whose own annotation would be refused first', async () => {
    const annotations = { 'tokens.curfew.dev/vault': '{audience: 1}' };
    const pod = { ...ADMITTED_POD, metadata: { name: 'asks', namespace: 'shop', annotations } };
    app = await startApp({}, PLAIN_READER, { listPods: listing(page(pod)) });
    expect(member(await ask(update(RAISED)), 'warnings')).toEqual([
      'curfew pod-automount: 1 existing pod would be refused: asks',
    ]);
  });

  it('looks at 3,000 pods and says that there are more', async () => {
    const pods = Array.from({ length: 3_001 }, (_, index) => named(`web-${index}`));
    const clock = { now: Date.now, monotonic: () => 0 };
    app = await startApp({ server: { deadlineMs: 30_000 } }, PLAIN_READER, { listPods: listing(page(...pods)), clock });
    expect(member(await ask(update(RAISED)), 'warnings')).toEqual([
      expect.stringMatching(/^curfew pod-automount: 3000 existing pods would be refused: web-0, .* \(and \d+ more\)$/),
      'curfew: only 3000 existing pods judged: there are more',
    ]);
  });

  it('judges pods for half of the time that is left, also while they are all of one page', async () => {
    let time = 0;
    // Whatever it is that takes a second of every pod.
    const serviceAccount: typeof PLAIN_READER.serviceAccount = async (...asked) => {
      time += 1_000;
      return await PLAIN_READER.serviceAccount(...asked);
    };
    const pods = Array.from({ length: 30 }, (_, index) => ({
      metadata: { name: `web-${index}`, namespace: 'shop' },
      spec: { ...(ADMITTED_POD['spec'] as JsonObject), serviceAccountName: `web-${index}` },
    }));
    app = await startApp(
      { server: { deadlineMs: 20_000 } },
      { ...PLAIN_READER, serviceAccount },
      { listPods: listing(page(...pods)), clock: { now: Date.now, monotonic: () => time } },
    );
    const warnings = asArray(member(await ask(update(RAISED)), 'warnings'));
    // The tenth pod is looked up when half of it is over.
    expect(warnings.at(-1)).toBe('curfew: only 9 existing pods judged: there was no time for more');
    expect(time).toBe(10_000);
  });

  it('says what it knows when half of the time is over, and is allowed', async () => {
    const listPods: PodLister = async function* listPods(_namespace, signal) {
      yield page(named('a'));
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      yield page(named('b'));
    };
    app = await startApp({ server: { deadlineMs: 400 } }, PLAIN_READER, { listPods });
    expect(await ask(update(RAISED))).toMatchObject({
      allowed: true,
      warnings: [
        'curfew pod-automount: 1 existing pod would be refused: a',
        'curfew: only 1 existing pod judged: there was no time for more',
      ],
    });
  });

  it.each<[string, PodLister]>([
    [
      'that never answers',
      async function* listPods() {
        yield await new Promise<never>(() => undefined);
      },
    ],
  ])('does not wait for a list %s', async (_what, listPods) => {
    app = await startApp({ server: { deadlineMs: 200 } }, PLAIN_READER, { listPods });
    expect(await ask(update(RAISED))).toMatchObject({
      allowed: true,
      warnings: ['curfew: no existing pod was judged: there was no time for more'],
    });
  });

  it('says why pods could not be listed, and is allowed', async () => {
    const why = 'HTTP 403 Forbidden: pods is forbidden';
    app = await startApp({}, PLAIN_READER, { listPods: listing({ state: 'unknown', why }) });
    expect(await ask(update(RAISED))).toMatchObject({
      allowed: true,
      warnings: [`curfew: no existing pod was judged: "${why}"`],
    });
  });

  it.each<[string, JsonObject, JsonObject]>([
    ['the warnings are off', { namespaceWarnings: { enabled: false } }, update(RAISED)],
    ['the namespace is excluded', { excludedNamespaces: ['shop'] }, update(RAISED)],
    ['the level is as it was', {}, update({ 'curfew.dev/enforce': 'baseline' })],
    ['the namespace is new', {}, update(RAISED, { operation: 'CREATE', oldObject: null })],
    ['another label is refused', {}, update({ ...RAISED, 'curfew.dev/warn': 'high' })],
  ])('lists no pod where %s', async (_what, keys, body) => {
    let lists = 0;
    const listPods: PodLister = async function* listPods() {
      lists += 1;
      yield page(named('a'));
    };
    app = await startApp(keys, PLAIN_READER, { listPods });
    expect(asArray(member(await ask(body), 'warnings'))).toEqual([]);
    expect(lists).toBe(0);
  });
});

describe('A guard', () => {
  it('is counted and logged as a check is, by the name of the namespace', async () => {
    app = await startApp();
    const lowered = update({ 'curfew.dev/enforce': 'off' });
    const response = await ask(lowered, '/validate/levels');
    expect(valueAt(response, ['auditAnnotations', 'deny'])).toBe(
      'relaxed-level at /metadata/labels/curfew.dev~1enforce: a lower level of enforce',
    );
    expect(await app.metric('curfew_evaluations_total{check="relaxed-level",mode="enforce",decision="deny"')).toBe(1);
    expect(JSON.parse(app.logLines.at(-1) ?? '')).toMatchObject({
      entry: 'levels.curfew.dev',
      decision: 'deny',
      rules: ['relaxed-level'],
      namespace: '',
      name: 'shop',
    });
  });

  it('allows what it is not for', async () => {
    app = await startApp();
    for (const path of ['/validate/levels', '/validate/namespaces']) {
      const body = review('pods', ADMITTED_POD, { operation: 'UPDATE', oldObject: ADMITTED_POD });
      expect(await ask(body, path)).toEqual({ uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true });
    }
  });
});
