/** More reviews than a replica can judge: a real process, over TLS. */

import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { Agent } from 'node:https';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { asString, member } from '../../src/objects/json.ts';
import { readMetrics, sumOf } from '../exposition.ts';
import { expectFailure, readReadyz } from '../failure-rows.ts';
import { type Posted, type ServerProcess, startServerProcess } from './server-process.ts';
import { ADMITTED_POD, review, type StartedApp, startApp } from './start-app.ts';

/** The chart's `resources.limits.memory`, in bytes. */
const MEMORY_LIMIT = 384 * 1024 * 1024;
const CALLERS = 100;
/** What callers wait, as an API server does, in ms. Curfew gives up at a fifth of it: the rest is for a busy machine. */
const TIMEOUT_MS = 3_000;
const DEADLINE_MS = 600;
/** How long the load lasts, in ms. */
const LOAD_MS = 5_000;
/** Of a role, so that to judge it takes much longer than to refuse it. */
const RULES = 1_000;

const POD = ['/validate/pods', JSON.stringify(review('pods', ADMITTED_POD))] as const;
const ROLE = [
  '/validate/review',
  JSON.stringify(
    review('roles.rbac.authorization.k8s.io', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'example', namespace: 'shop' },
      rules: Array.from({ length: RULES }, (_, index) => ({
        apiGroups: [''],
        resources: ['secrets', `r${index}`],
        verbs: ['*'],
      })),
    }),
  ),
] as const;

let running: ServerProcess | undefined;
let app: StartedApp | undefined;
let agent: Agent | undefined;
afterEach(async () => {
  agent?.destroy();
  await running?.stop();
  await app?.stop();
  running = undefined;
  app = undefined;
});

describe('Overload', () => {
  it('Several times the load that a replica can judge', async () => {
    const config = `levels: { enforce: restricted }\nserver: { drainSeconds: 0, deadlineMs: ${DEADLINE_MS} }\n`;
    running = await startServerProcess({ config, nodeArgs: ['--max-old-space-size=256'] });
    const { post, pid, operationsUrl, output } = running;
    const kept = new Agent({ keepAlive: true, maxSockets: CALLERS, maxFreeSockets: CALLERS });
    agent = kept;
    const call = async (path: string, body: string) =>
      await post(`${path}?timeout=${TIMEOUT_MS / 1000}s`, body, { agent: kept, isEager: true, timeoutMs: TIMEOUT_MS });
    // An API server keeps its connections, too.
    await Promise.all(Array.from({ length: CALLERS }, async () => await post(...POD, { agent: kept })));
    const before = await readMetrics(operationsUrl);

    const seen: { readonly path: string; readonly posted: Posted | undefined }[] = [];
    const end = new AbortController();
    const calling = Array.from({ length: CALLERS }, async (_, index) => {
      // One in four is of an entry that fails closed.
      const [path, body] = index % 4 === 0 ? POD : ROLE;
      while (!end.signal.aborted) seen.push({ path, posted: await call(path, body) });
    });
    await sleep(LOAD_MS);
    // The probes of the chart wait for five seconds.
    const readyz = await readReadyz(operationsUrl, AbortSignal.timeout(5_000));
    end.abort();
    await Promise.all(calling);
    const after = await readMetrics(operationsUrl);

    // Everybody was answered in time, by a verdict or a fault.
    expect(seen.filter(({ posted }) => posted === undefined)).toHaveLength(0);
    const faults = seen.flatMap(({ posted }) => (posted?.status === 200 ? [] : [messageOf(posted)]));
    expect(faults.filter((message) => !/^CURFEW_E_(LATE|DEADLINE): /.test(message))).toEqual([]);
    expect(faults.length).toBeGreaterThan(0);
    expect(sumOf(after, 'curfew_faults_total') - sumOf(before, 'curfew_faults_total')).toBe(faults.length);
    // Those go first whose objects are admitted then.
    const shareOfJudged = (wanted: string) => {
      const all = seen.filter(({ path }) => path === wanted);
      return all.filter(({ posted }) => posted?.status === 200).length / all.length;
    };
    expect(shareOfJudged(POD[0])).toBeGreaterThan(shareOfJudged(ROLE[0]));
    expect(readPeakBytes(pid)).toBeLessThan(MEMORY_LIMIT);
    // And as soon as it is over, it is over.
    const next: (Posted | undefined)[] = [];
    while (next.length < 100) next.push(...(await Promise.all([call(...POD), call(...ROLE)])));
    expect(next.filter((one) => one?.status !== 200)).toEqual([]);
    running.child.kill('SIGTERM');
    expect(await running.exited).toBe(0);
    expectFailure('overload', {
      user: faults.find((message) => message.includes('LATE'))?.replace(/for \d+ ms/, 'for N ms') ?? '',
      log: output(),
      metrics: [before, after],
      readyz,
    });
  });

  it('is the end of patience for those first whose objects are admitted then', async () => {
    let waitedMs = 0;
    const clock = { now: Date.now, monotonic: () => performance.now() };
    const arrivals = { note: () => 0, earliest: () => clock.monotonic() - waitedMs, isAlone: () => false };
    app = await startApp({}, undefined, { arrivals, clock });
    const { send } = app;
    const pod = review('pods', ADMITTED_POD);
    const statuses = async (ms: number) => {
      waitedMs = ms;
      const paths = ['/validate/pods?timeout=2s', '/validate/review?timeout=2s'];
      return await Promise.all(paths.map(async (path) => (await send(path, pod)).status));
    };
    // Of two seconds 200 ms are kept back.
    expect(await statuses(600)).toEqual([200, 200]);
    expect(await statuses(1_000)).toEqual([200, 500]);
    expect(await statuses(1_800)).toEqual([500, 500]);
  });
});

describe('The port of health and metrics', () => {
  it('answers a probe, whoever holds connections open', async () => {
    running = await startServerProcess({ config: 'server: { drainSeconds: 0 }\n' });
    const { operationsUrl } = running;
    const port = Number(new URL(operationsUrl).port);
    const sockets = await Promise.all(Array.from({ length: 200 }, async () => await openPlain(port)));
    expect(await probe(`${operationsUrl}/healthz`)).toBe(200);
    await expect.poll(() => sockets.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(64);
    for (const socket of sockets) socket.destroy();
  });
});

/** On a connection of its own, as a kubelet does. */
async function probe(url: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  get(url, { agent: false }, (response) => {
    response.resume();
    resolve(response.statusCode);
  }).on('error', reject);
  return await promise;
}

async function openPlain(port: number): Promise<Socket> {
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const socket = connect({ host: '127.0.0.1', port }, () => resolve(socket));
  socket.on('error', () => undefined);
  // Else its end would not be noticed.
  socket.resume();
  return await promise;
}

function messageOf(posted: Posted | undefined): string {
  return asString(member(JSON.parse(posted?.text ?? 'null'), 'message')) ?? '';
}

/** The most memory that the process has ever held, in bytes. */
function readPeakBytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
