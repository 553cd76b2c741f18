/** What docs/failures.md says, of all that needs no cluster. */

import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import { createSelfMadeSource } from '../../src/certificates/self-made.ts';
import { createPrometheusRecorder } from '../../src/metrics/prometheus.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import { asString, member } from '../../src/objects/json.ts';
import { readMetrics } from '../exposition.ts';
import { expectFailure, readReadyz } from '../failure-rows.ts';
import { eventually } from './fake-clock.ts';
import {
  ACCOUNTS,
  accountOf,
  accountPath,
  createIndexHarness,
  type IndexHarness,
  NAMESPACES,
  namespaceOf,
  namespacePath,
  startSynced,
} from './index-harness.ts';
import { DAY } from './issued-pair.ts';
import { createLineLog } from './line-log.ts';
import { type Posted, type ServerProcess, startServerProcess } from './server-process.ts';
import { ADMITTED_POD, PLAIN_READER, review, type StartedApp, startApp, TOKEN_SECRET } from './start-app.ts';

const NO_DRAIN = 'server: { drainSeconds: 0 }\n';
/** The chart's `resources.limits.memory`, in bytes. */
const MEMORY_LIMIT = 384 * 1024 * 1024;
/** What Node takes for its heap in a container of that limit, in MiB. */
const HEAP_MIB = 256;
const HOUR = 3_600_000;
/** Only ends a test that has failed. */
const BOUND = { timeout: 20_000 };

let running: ServerProcess | undefined;
let harness: IndexHarness | undefined;
let app: StartedApp | undefined;
afterEach(async () => {
  await running?.stop();
  await harness?.index.stop();
  await harness?.server.stop();
  await app?.stop();
  running = undefined;
  harness = undefined;
  app = undefined;
});

describe('With an API server that plays tricks', () => {
  async function start(): Promise<IndexHarness> {
    harness = await createIndexHarness();
    harness.server.put(namespacePath('a'), namespaceOf('a', { 'curfew.dev/enforce': 'baseline' }));
    harness.server.put(accountPath('a', 'ci'), accountOf('a', 'ci'));
    await startSynced(harness);
    return harness;
  }

  /** The metrics of an index with so many errors: the harness counts them itself. */
  async function exposeErrors(count: number): Promise<string> {
    const recorder = createPrometheusRecorder('test', () => 0);
    for (let index = 0; index < count; index += 1) recorder.indexError('namespaces');
    return await recorder.render();
  }

  it('The watches of the index are cut', async () => {
    const { server, index, counts, clock } = await start();
    server.breakWatches();
    await eventually(() => counts.errors === 2);
    const readyz = index.isSynced() ? 'ready' : 'not ready';
    server.put(accountPath('a', 'new'), accountOf('a', 'new'));
    expect(await index.reader.serviceAccount('a', 'ci')).toMatchObject({ state: 'found' });
    expect(await index.reader.serviceAccount('a', 'new', 'now')).toMatchObject({ state: 'found' });
    clock.advance(500);
    await eventually(() => server.watches() === 2 && index.status().serviceAccounts.entries === 2);
    expect(server.requests.filter(({ path, query }) => path === ACCOUNTS && query.get('watch') === null)).toHaveLength(
      1,
    );
    expectFailure('watch-cut', {
      user: '',
      log: counts.lines.join('\n'),
      metrics: [await exposeErrors(0), await exposeErrors(counts.errors)],
      readyz,
    });
  });

  it('A watch is answered 410 Gone', async () => {
    const { server, index, counts, clock } = await start();
    server.compact();
    let seen: unknown;
    server.intercept = ({ path, query }) => {
      // While the new list is on its way.
      if (path === NAMESPACES && query.get('watch') === null) seen ??= index.reader.namespace('a');
      return 'pass';
    };
    // Not at once, which would be an error.
    clock.advance(HOUR / 60);
    server.closeWatches();
    await eventually(() => seen !== undefined && server.watches() === 2);
    expect(await seen).toMatchObject({ state: 'found' });
    expectFailure('watch-expired', {
      user: '',
      log: counts.lines.join('\n'),
      metrics: [await exposeErrors(0), await exposeErrors(counts.errors)],
      readyz: index.isSynced() ? 'ready' : 'not ready',
    });
    expect(counts.errors).toBe(0);
  });

  it.each([HOUR, -HOUR])('The clock of the node jumps, by %d ms', async (jump) => {
    const { server, index, counts, clock } = await start();
    clock.jump(jump);
    server.bookmark();
    await eventually(() => counts.contacts > 2);
    expect(server.watches()).toBe(2);
    // What was read live is remembered for a second, and not for an hour.
    expect(await index.reader.serviceAccount('a', 'none')).toEqual({ state: 'absent' });
    clock.jump(jump);
    server.isMute = true;
    server.put(accountPath('a', 'none'), accountOf('a', 'none'));
    clock.advance(1_001);
    expect(await index.reader.serviceAccount('a', 'none')).toMatchObject({ state: 'found' });

    const certificates = await createSelfMadeSource({
      dnsNames: ['localhost'],
      ipAddresses: [],
      clock,
      log: createLineLog(),
    });
    const { cert } = certificates.current();
    certificates.start();
    await eventually(() => clock.sleepsOf(10_000) === 1);
    clock.jump(31 * DAY);
    clock.advance(10_000);
    await eventually(() => certificates.current().cert !== cert);
    expect(certificates.current().notAfter).toBeGreaterThan(clock.now());
    await certificates.stop();

    // A review that is under way when it happens.
    let wall = Date.now();
    const reader = {
      ...PLAIN_READER,
      namespace: async (name: string) => {
        wall += jump;
        return await PLAIN_READER.namespace(name);
      },
    };
    app = await startApp({}, reader, { clock: { now: () => wall, monotonic: () => performance.now() } });
    const { status, text } = await app.send('/validate/pods', review('pods', ADMITTED_POD));
    expect({ status, isAllowed: text.includes('"allowed":true') }).toEqual({ status: 200, isAllowed: true });
    expectFailure('clock-jump', {
      user: '',
      log: counts.lines.join('\n'),
      metrics: ['', ''],
      readyz: index.isSynced() ? 'ready' : 'not ready',
    });
  });
});

describe('As a process', () => {
  const DENIED = JSON.stringify(review('secrets', TOKEN_SECRET));
  const isDenied = (posted: Posted | undefined) => posted?.text.includes('"allowed":false') === true;

  it('The disk is full', async () => {
    running = await startServerProcess({ config: NO_DRAIN, stdout: '/dev/full' });
    const { post, operationsUrl } = running;
    const before = await readMetrics(operationsUrl);
    // Each is a line of the log.
    for (let count = 0; count < 250; count += 1) expect(isDenied(await post('/validate/secrets', DENIED))).toBe(true);
    expectFailure('full-disk', {
      user: '',
      log: running.output(),
      metrics: [before, await readMetrics(operationsUrl)],
      readyz: await readReadyz(operationsUrl),
    });
    running.child.kill('SIGTERM');
    expect(await running.exited).toBe(0);
  });

  it('More comes at once than fits into the memory limit', async () => {
    // So much at once takes a busy machine longer than an API server waits, which is another row.
    const config = 'server: { drainSeconds: 0, deadlineMs: 30000 }\n';
    running = await startServerProcess({ config, nodeArgs: [`--max-old-space-size=${HEAP_MIB}`] });
    const { post, pid, operationsUrl } = running;
    // As large as a review may be, and in memory twice that, for it is no Latin-1.
    const large = JSON.stringify(review('configmaps', configMap(`€${'x'.repeat(8_300_000)}`)));
    const before = await readMetrics(operationsUrl);
    const all: (Posted | undefined)[] = [];
    for (let round = 0; round < 2; round += 1) {
      all.push(...(await Promise.all(Array.from({ length: 12 }, async () => await post('/validate/review', large)))));
    }
    const [refused, judged] = [all.filter((one) => one?.status === 429), all.filter((one) => one?.status === 200)];
    // What comes too slowly gives way (408), and whoever sends it may hear no more than that he is cut off.
    expect(all.filter((one) => ![0, 200, 408, 429].includes(one?.status ?? 500))).toEqual([]);
    expect(refused.length).toBeGreaterThan(0);
    expect(judged.length).toBeGreaterThan(0);
    expect(readPeakBytes(pid)).toBeLessThan(MEMORY_LIMIT);
    const messages = new Set(refused.map((one) => asString(member(JSON.parse(one?.text ?? ''), 'message'))));
    expectFailure('memory-limit', {
      user: [...messages].join('\n'),
      log: running.output(),
      metrics: [before, await readMetrics(operationsUrl)],
      readyz: await readReadyz(operationsUrl),
    });
  }, 90_000);

  it('An object as large as one may be', async () => {
    running = await startServerProcess({ config: NO_DRAIN });
    const { post, operationsUrl } = running;
    // The API server reads requests of up to 3 MiB, and sends the old object too.
    const object = configMap('x'.repeat(3 * 1024 * 1024 - 1_000));
    const body = JSON.stringify(review('configmaps', object, { operation: 'UPDATE', oldObject: object }));
    const before = await readMetrics(operationsUrl);
    expect((await post('/validate/review', body))?.text).toContain('"allowed":true');
    expectFailure('huge-object', {
      user: '',
      log: running.output(),
      metrics: [before, await readMetrics(operationsUrl)],
      readyz: await readReadyz(operationsUrl),
    });
  });

  it('SIGTERM in the middle of 200 requests', async () => {
    running = await startServerProcess({ config: 'server: { drainSeconds: 2 }\n' });
    const { post, operationsUrl, output } = running;
    const before = await readMetrics(operationsUrl);
    // An API server's connections are there before.
    const agent = new Agent({ keepAlive: true, maxSockets: 200, maxFreeSockets: 200 });
    const postAll = async () =>
      await Promise.all(
        Array.from({ length: 200 }, async () => await post('/validate/secrets', DENIED, { agent, isEager: true })),
      );
    await postAll();
    const judged = output().split('"decision":"deny"').length;
    const answers = postAll();
    await expect.poll(() => output().split('"decision":"deny"').length, BOUND).toBeGreaterThan(judged);
    running.child.kill('SIGTERM');
    await expect.poll(async () => (await fetch(`${operationsUrl}/readyz`)).status, BOUND).toBe(503);
    const [readyz, after] = [await readReadyz(operationsUrl), await readMetrics(operationsUrl)];
    expect((await answers).filter(isDenied)).toHaveLength(200);
    agent.destroy();
    expect(await running.exited).toBe(0);
    expectFailure('sigterm', { user: '', log: output(), metrics: [before, after], readyz });
  });
});

function configMap(text: string): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'example', namespace: 'shop' }, data: { text } };
}

/** The most memory that the process has ever held, in bytes. */
function readPeakBytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
