import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Refusal } from '../../src/engine/refusal.ts';
import { connect } from '../../src/kube/client.ts';
import { createPrometheusRecorder, type PrometheusRecorder } from '../../src/metrics/prometheus.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import { asString, member, valueAt } from '../../src/objects/json.ts';
import { createRefusalEvents, type RefusalEvents } from '../../src/server/refusal-events.ts';
import { type FakeApiServer, sendJson, sendStatus, startFakeApiServer } from './fake-api-server.ts';
import { createFakeClock, eventually, type FakeClock } from './fake-clock.ts';
import { createLineLog } from './line-log.ts';
import { ADMITTED_POD, review, type StartedApp, startApp } from './start-app.ts';

const EVENTS = '/apis/events.k8s.io/v1/namespaces/shop/events';
const REPLICA_SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'uid-of-replica-set' };
const DEPLOYMENT = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'uid-of-deployment' };
const REPLICA_SET_PATH = '/apis/apps/v1/namespaces/shop/replicasets/web-5d4f';

let server: FakeApiServer;
let clock: FakeClock;
let recorder: PrometheusRecorder;
let events: RefusalEvents;
let log: ReturnType<typeof createLineLog>;
/** Events by name, as an API server keeps them. */
let stored: Map<string, JsonObject>;

beforeEach(async () => {
  server = await startFakeApiServer();
  clock = createFakeClock();
  log = createLineLog();
  stored = new Map();
  server.intercept = (request, response) => {
    if (!request.path.startsWith(EVENTS)) return 'pass';
    const sent: JsonObject = JSON.parse(request.body);
    const name = request.path.slice(EVENTS.length + 1) || asString(valueAt(sent, ['metadata', 'name'])) || '';
    const before = stored.get(name);
    if (request.method === 'POST' && before !== undefined) sendStatus(response, 409, 'AlreadyExists');
    else if (request.method === 'PATCH' && before === undefined) sendStatus(response, 404, 'NotFound');
    else {
      stored.set(name, { ...before, ...sent });
      sendJson(response, request.method === 'POST' ? 201 : 200, stored.get(name));
    }
    return 'handled';
  };
  server.put(REPLICA_SET_PATH, {
    metadata: { name: 'web-5d4f', uid: REPLICA_SET.uid, ownerReferences: [{ ...DEPLOYMENT, controller: true }] },
  });
  ({ events, recorder } = await start('curfew-1'));
});
afterEach(async () => {
  await events.stop();
  await server.stop();
});

async function start(instance: string) {
  const metrics = createPrometheusRecorder('test', clock.now);
  const client = await connect({ kubeconfig: server.kubeconfig });
  return { events: createRefusalEvents({ client, clock, recorder: metrics, log, instance }), recorder: metrics };
}

function refusal(more: Partial<Refusal> = {}): Refusal {
  return { namespace: 'shop', owner: REPLICA_SET, rule: 'pod-automount', note: 'it is refused', ...more };
}

async function outcomes(of: PrometheusRecorder = recorder): Promise<Readonly<Record<string, number>>> {
  const text = await of.render();
  const found = [...text.matchAll(/^curfew_owner_events_total\{outcome="(\w+)"\} (\d+)$/gm)];
  return Object.fromEntries(found.map(([, outcome = '', count]) => [outcome, Number(count)]));
}

/** Waits until so many writes were tried, well or badly. */
async function untilTried(count: number, of: PrometheusRecorder = recorder): Promise<void> {
  let seen = 0;
  await eventually(() => {
    void outcomes(of).then(({ written = 0, failed = 0 }) => (seen = written + failed));
    return seen >= count;
  });
}

const counts = () =>
  [...stored.values()].map((event) => Number(valueAt(event, ['series', 'count']) ?? 1)).toSorted((a, b) => a - b);

describe('An Event on the owner of a refused pod', () => {
  it('is about the top of the chain, and is what kubectl describe looks for', async () => {
    events.refused([refusal()]);
    await untilTried(1);
    expect([...stored.values()]).toEqual([
      {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: expect.stringMatching(/^web\.[0-9a-f]{16}$/), namespace: 'shop' },
        type: 'Warning',
        reason: 'CurfewDenied',
        action: 'Admission',
        note: 'it is refused',
        eventTime: '2026-11-01T00:00:00.000000Z',
        reportingController: 'curfew.dev/webhook',
        reportingInstance: 'curfew-1',
        regarding: { ...DEPLOYMENT, namespace: 'shop' },
      },
    ]);
    const asked = server.requests.find(({ path }) => path === REPLICA_SET_PATH);
    expect(asked?.headers.accept).toContain('PartialObjectMetadata');
  });

  it.each<[string, () => void]>([
    ['may not be read', () => forbid(REPLICA_SET_PATH)],
    ['is gone', () => server.remove(REPLICA_SET_PATH)],
    ['is another one of this name', () => server.put(REPLICA_SET_PATH, { metadata: { uid: 'another' } })],
  ])('is about the owner itself where that %s', async (_what, change) => {
    change();
    events.refused([refusal()]);
    await untilTried(1);
    expect([...stored.values()].map((event) => valueAt(event, ['regarding', 'kind']))).toEqual(['ReplicaSet']);
  });

  it.each(['StatefulSet', 'DaemonSet', 'Workflow'])(
    'of kind %s is about it, and nothing is looked up',
    async (kind) => {
      const owner = { apiVersion: kind === 'Workflow' ? 'argoproj.io/v1alpha1' : 'apps/v1', kind, name: 'a', uid: 'b' };
      events.refused([refusal({ owner })]);
      await untilTried(1);
      expect([...stored.values()].map((event) => member(event, 'regarding'))).toEqual([
        { ...owner, namespace: 'shop' },
      ]);
      expect(server.requests.map(({ method }) => method)).toEqual(['POST']);
    },
  );

  it('is one for each check, written once, and tells with the next write what was held back', async () => {
    events.refused([refusal(), refusal({ rule: 'default-service-account' })]);
    await untilTried(2);
    // What comes while one waits goes with it.
    for (let pod = 0; pod < 20; pod += 1) events.refused([refusal()]);
    await untilTried(3);
    expect(counts()).toEqual([1, 21]);
    for (const tried of [4, 5]) {
      events.refused([refusal()]);
      await untilTried(tried);
    }
    // Five for one owner at once, and no more.
    for (let pod = 0; pod < 20; pod += 1) events.refused([refusal()]);
    expect(await outcomes()).toEqual({ written: 5, held: 39 });
    clock.advance(30_000);
    events.refused([refusal()]);
    await untilTried(6);
    expect(counts()).toEqual([1, 44]);
    // Of the owner once, however often it is written about.
    expect(server.requests.filter(({ path }) => path === REPLICA_SET_PATH)).toHaveLength(1);
  });

  it('is one for all replicas, which count together', async () => {
    const other = await start('curfew-2');
    events.refused([refusal()]);
    await untilTried(1);
    other.events.refused([refusal()]);
    await untilTried(1, other.recorder);
    await other.events.stop();
    expect(counts()).toEqual([2]);
  });

  it('is made again when the API server has forgotten it', async () => {
    events.refused([refusal()]);
    await untilTried(1);
    stored.clear();
    events.refused([refusal()]);
    await untilTried(2);
    expect(counts()).toEqual([1]);
  });

  it('is told of later where it could not be written, and the log says so once', async () => {
    const pass = server.intercept;
    forbid(EVENTS);
    for (let time = 1; time <= 3; time += 1) {
      events.refused([refusal()]);
      await untilTried(time);
    }
    expect(log.lines).toEqual(['an event could not be written: HTTP 403 Forbidden: it is Forbidden']);
    expect(await outcomes()).toEqual({ failed: 3 });
    server.intercept = pass;
    events.refused([refusal()]);
    await untilTried(4);
    expect(counts()).toEqual([4]);
    expect(log.lines.slice(1)).toEqual(['events are written again']);
  });
});

describe('While the API server does not answer', () => {
  it('no more than a bounded number waits, the rest is dropped and counted, and a stop ends all of it', async () => {
    server.intercept = () => 'hang';
    // Each of another owner; with time for a token each.
    for (let index = 0; index < 200; index += 1) {
      events.refused([refusal({ owner: { ...REPLICA_SET, uid: `uid-${index}` } })]);
      clock.advance(500);
    }
    const { dropped = 0, held = 0 } = await outcomes();
    expect(dropped).toBeGreaterThanOrEqual(90);
    expect(held).toBe(0);
    await events.stop();
    events.refused([refusal()]);
    expect(server.requests.length).toBeLessThanOrEqual(20);
  });

  it('a write is given up after five seconds', async () => {
    server.intercept = () => 'hang';
    events.refused([refusal()]);
    await eventually(() => clock.sleepsOf(5_000) === 1);
    clock.advance(5_000);
    await untilTried(1);
    expect(await outcomes()).toEqual({ failed: 1 });
  });

  it('thousands of owners at once get fifty writes, and of the others a count is kept', async () => {
    for (let index = 0; index < 3_000; index += 1) {
      events.refused([refusal({ owner: { ...DEPLOYMENT, uid: `uid-${index}` } })]);
    }
    await untilTried(50);
    expect(await outcomes()).toEqual({ written: 50, held: 2_950 });
  });
});

describe('A review', () => {
  const OWNED_POD = {
    ...ADMITTED_POD,
    metadata: { name: 'web-5d4f-x7k2p', namespace: 'shop', ownerReferences: [{ ...REPLICA_SET, controller: true }] },
  };
  const ENFORCED = { levels: { enforce: 'restricted' } };
  let app: StartedApp | undefined;
  let told: Refusal[];
  const sink: RefusalEvents = { refused: (refusals) => told.push(...refusals), stop: async () => undefined };
  beforeEach(() => {
    told = [];
  });
  afterEach(async () => {
    await app?.stop();
    app = undefined;
  });

  it.each<[string, number, JsonObject, JsonObject]>([
    ['is refused and stored nowhere tells the owner', 1, { ...ENFORCED, events: { enabled: true } }, {}],
    [
      'is a dry run tells nobody, since it has no side effect',
      0,
      { ...ENFORCED, events: { enabled: true } },
      { dryRun: true },
    ],
    ['is refused tells nobody unless the configuration says so', 0, ENFORCED, {}],
    ['would be refused tells nobody in audit mode', 0, { ...ENFORCED, dryRun: true, events: { enabled: true } }, {}],
    ['is only warned about tells nobody', 0, { levels: { enforce: 'off' }, events: { enabled: true } }, {}],
  ])('that %s', async (_what, count, configuration, more) => {
    app = await startApp(configuration, undefined, { events: sink });
    const answer = await app.send('/validate/pods', review('pods', OWNED_POD, more));
    expect(answer.status).toBe(200);
    expect(told.map(({ rule, owner }) => [rule, owner])).toEqual(
      Array.from({ length: count }, () => ['pod-automount', REPLICA_SET]),
    );
  });

  it('tells of a token that was asked for and cannot be injected', async () => {
    app = await startApp({ events: { enabled: true } }, undefined, { events: sink });
    const annotations = { 'tokens.curfew.dev/vault': '{audience: vault, expiration: 1s}' };
    const pod = { ...OWNED_POD, metadata: { ...OWNED_POD.metadata, annotations } };
    await app.send('/mutate/pods', review('pods', pod));
    expect(told.map(({ rule }) => rule)).toEqual(['inject-token']);
    expect(told[0]?.note).toContain('expiration');
  });
});

/** Has the API server answer 403 to requests under this path. */
function forbid(path: string): void {
  const before = server.intercept;
  server.intercept = (request, response) => {
    if (!request.path.startsWith(path)) return before(request, response);
    sendStatus(response, 403, 'Forbidden');
    return 'handled';
  };
}
