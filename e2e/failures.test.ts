/** What docs/failures.md says, of all that takes a control plane: two replicas, and what they stand on is broken. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readMetrics, sumOf } from '../test/exposition.ts';
import { expectFailure, readReadyz } from '../test/failure-rows.ts';
import { waitUntil } from './installed-curfew.ts';
import { type Replica, type Replicas, startReplicas } from './replicas.ts';
import {
  deployment,
  OWNS_CONTROL_PLANE,
  pod,
  startTestCluster,
  type TestCluster,
  tokenSecret,
} from './test-cluster.ts';
import { untilDefaultAccount } from './workloads.ts';

const OPTED_OUT = { automountServiceAccountToken: false };

let cluster: TestCluster;
let replicas: Replicas;
let namespace = '';

beforeAll(async () => {
  cluster = await startTestCluster();
  replicas = await startReplicas(cluster, { count: 2, args: [] });
  namespace = await cluster.createNamespace();
  await untilDefaultAccount(cluster, namespace);
});
afterAll(async () => {
  cluster.controlPlane.resumeEtcd();
  await replicas.stop();
  await cluster.controlPlane.stop();
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(replicas.lastLines(25));
});

describe.runIf(OWNS_CONTROL_PLANE)('While something breaks', () => {
  it('The API server is started again', async () => {
    const seen = await watch(replicas.all);
    await cluster.controlPlane.restartApiServer();
    await waitUntil('both hear it again', async () => {
      return replicas.all.every(({ logFile }) => /"namespaces","msg":"index hears/.test(readFileSync(logFile, 'utf8')));
    });
    const created = await create('after-restart');
    // The index goes on: what is new is judged by its own labels.
    const exempt = await cluster.createNamespace({ 'curfew.dev/enforce': 'off' });
    const refused = await cluster.kubectl.apply(tokenSecret('ci', 'web'), ['-n', namespace]);
    expect(refused.stderr).toContain('long-lived-token-secret at /type');
    expect((await cluster.kubectl.apply(tokenSecret('ci', 'web'), ['-n', exempt])).code).toBe(0);
    expectFailure('api-server-restart', { user: created, ...(await seen()) });
  });

  it('etcd stands still for a moment', async () => {
    const [first] = replicas.all;
    if (first === undefined) throw new Error('there are two');
    await lead([first]);
    // After the API server was lost all is read live for some seconds.
    await waitUntil('what is held is used again', async () => {
      const reads = await sumOfAll('curfew_live_reads_total');
      await create('before-pause');
      return (await sumOfAll('curfew_live_reads_total')) === reads;
    });
    const seen = await watch([first]);
    const account = ['serviceaccount', 'web', '-n', namespace, 'curfew.dev/api-access=reads its own pods'];
    expect((await cluster.kubectl.run(['annotate', ...account])).code).toBe(0);
    const unknown = 'curfew_live_reads_total{outcome="unknown"}';
    const before = await sumOfAll(unknown);
    cluster.controlPlane.pauseEtcd();
    const creating = create('while-paused');
    await waitUntil('lookups were given up', async () => (await sumOfAll(unknown)) > before);
    cluster.controlPlane.resumeEtcd();
    const user = await creating;
    expectFailure('etcd-pause', { user, ...(await seen()) });
  });

  it('A replica hangs', async () => {
    const [, hanging] = replicas.all;
    if (hanging === undefined) throw new Error('there are two');
    const others = replicas.all.filter((replica) => replica !== hanging);
    await lead([hanging]);
    const seen = await watch([hanging]);
    process.kill(hanging.pid, 'SIGSTOP');
    const [health, answered] = ask(`${hanging.operationsUrl}/healthz`);
    const user = await create('at-hanging');
    expect((await cluster.kubectl.apply(deployment('at-hanging', OPTED_OUT), ['-n', namespace])).code).toBe(0);
    const readyz = answered() ? 'answered' : 'no answer';
    process.kill(hanging.pid, 'SIGCONT');
    await health;
    expectFailure('replica-hangs', { user, ...(await seen()), readyz });
    await lead(others);
    expect(await create('at-the-other')).toBe('');
  });

  it('A replica is killed', async () => {
    const [killed, ...others] = replicas.all;
    if (killed === undefined) throw new Error('there are two');
    await lead([killed]);
    // So that a connection is open, and what comes next is in the middle of a request.
    expect(await create('before-kill')).toBe('');
    const seen = await watch([killed]);
    process.kill(killed.pid, 'SIGSTOP');
    const received = replicas.received();
    const creating = create('at-killed');
    await waitUntil('it is asked', async () => replicas.received() > received);
    replicas.route(others);
    process.kill(killed.pid, 'SIGKILL');
    const user = await creating;
    const readyz = await readReadyz(killed.operationsUrl).catch(() => 'no answer');
    expectFailure('replica-killed', { user, ...(await seen(false)), readyz });
    expect(await create('at-killed')).toBe('');
  });
});

/** Creates a pod and returns what kubectl says on standard error. */
async function create(name: string): Promise<string> {
  const { stderr } = await cluster.kubectl.run(['create', '-n', namespace, '-f', '-'], {
    input: JSON.stringify(pod(name, OPTED_OUT)),
  });
  return stderr
    .replaceAll(namespace, 'NAMESPACE')
    .replaceAll(/127\.0\.0\.1:[0-9]+/g, 'SERVICE')
    .trimEnd();
}

/** Sends the API server's next connections to these, and waits until the first has judged a pod. */
async function lead(chosen: readonly Replica[]): Promise<void> {
  replicas.route(chosen);
  replicas.cut();
  let made = 0;
  const judged = async () =>
    sumOf(await readMetrics(chosen[0]?.operationsUrl ?? ''), 'curfew_review_duration_seconds_count');
  const before = await judged();
  await waitUntil('it is called', async () => {
    made += 1;
    await create(`lead-${chosen[0]?.webhookPort}-${made}`);
    return (await judged()) > before;
  });
}

/** What the operator sees between now and the call of what is returned. */
async function watch(watched: readonly Replica[]) {
  const read = async () =>
    (await Promise.all(watched.map(({ operationsUrl }) => readMetrics(operationsUrl)))).join('\n');
  const lengths = watched.map(({ logFile }) => readFileSync(logFile, 'utf8').length);
  const before = await read();
  return async (isAlive = true) => ({
    log: watched.map(({ logFile }, index) => readFileSync(logFile, 'utf8').slice(lengths[index])).join('\n'),
    metrics: [before, isAlive ? await read() : before] as const,
    readyz: isAlive ? await readReadyz(watched[0]?.operationsUrl ?? '') : 'no answer',
  });
}

async function sumOfAll(series: string): Promise<number> {
  const texts = await Promise.all(replicas.all.map(({ operationsUrl }) => readMetrics(operationsUrl)));
  return texts.reduce((sum, text) => sum + sumOf(text, series), 0);
}

/**
 * A GET over a connection of its own, as a kubelet's probe has one, and whether it has been answered. A kept one that was idle
 * for too long by the time that the replica goes on would be ended under it.
 */
function ask(url: string): readonly [Promise<unknown>, () => boolean] {
  let isAnswered = false;
  const request = get(url, { agent: false }, (response) => {
    isAnswered = response.statusCode === 200;
    response.resume();
  });
  return [once(request, 'close'), () => isAnswered];
}
