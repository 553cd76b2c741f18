/**
 * Curfew on a control plane without nodes: the rendered chart is applied, the process that its Deployment describes
 * runs on this machine, with the chart's own service account and no other rights.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, isObject, member, valueAt } from '../src/objects/json.ts';
import { sumOf } from '../test/exposition.ts';
import { findFreePorts } from '../test/free-ports.ts';
import { pointAtProcess, RELEASE_NAMESPACE, renderChart } from './chart.ts';
import type { Kubectl } from './kubectl.ts';
import { type ManagedProcess, readLastLines, type Supervisor, startSupervisor } from './processes.ts';
import { kubeconfigOf, type ServerSpec, startServer } from './server-process.ts';

/** A cluster of 100,000 service accounts takes a busy machine half a minute to list. */
const READY_MS = 90_000;
const POLL_MS = 50;

export type InstalledCurfew = {
  /** `http://127.0.0.1:PORT` of health and metrics. */
  readonly operationsUrl: string;
  /** `https://127.0.0.1:PORT` that the API server calls. */
  readonly webhookUrl: string;
  readonly logFile: string;
  /** That of the process: the chart's service account. */
  readonly kubeconfig: string;
  /** Ends the process; the webhook configurations stay, as when every replica is gone. */
  stopProcess(): Promise<void>;
  startProcess(): Promise<void>;
  /**
   * As `helm upgrade` with other values: applies the chart again and starts the process with the new configuration.
   *
   * @param values - other values of the chart than `config`
   */
  upgrade(config: JsonObject, values?: JsonObject): Promise<void>;
  /** The value of a metric whose line begins with `prefix`, summed over its series. */
  metric(prefix: string): Promise<number>;
  lastLines(count: number): string;
  /** Ends the process and removes what the chart put into the cluster. */
  uninstall(): Promise<void>;
};

/** The cluster to install in. */
export type ClusterAccess = ServerSpec['cluster'] & {
  /** Address of this machine as the API server sees it; 127.0.0.1 by default. */
  readonly address?: string;
  /** See `ServerSpec`. */
  readonly program?: ServerSpec['program'];
};

/** Installs with `config` (the chart's value of that name over its defaults) and waits until rules are published. */
export async function installCurfew(cluster: ClusterAccess, config: JsonObject = {}): Promise<InstalledCurfew> {
  const { kubectl, address = '127.0.0.1', program } = cluster;
  const supervisor = await startSupervisor();
  const [webhookPort = 0, operationsPort = 0] = await findFreePorts(2);
  const webhookUrl = `https://${address.includes(':') ? `[${address}]` : address}:${webhookPort}`;
  const operationsUrl = `http://127.0.0.1:${operationsPort}`;
  let running: ManagedProcess | undefined;
  let rendered: readonly JsonObject[] = [];

  async function apply(chosen: JsonObject, values: JsonObject = {}): Promise<void> {
    // Tests start and stop often: nobody waits for endpoints to be taken out here.
    const server = { drainSeconds: 0, ...(member(chosen, 'server') as JsonObject | undefined) };
    rendered = await renderChart({ ...values, config: { ...chosen, server } });
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: RELEASE_NAMESPACE } };
    const objects = pointAtProcess(rendered, webhookUrl);
    const { code, stderr } = await kubectl.apply([namespace, ...objects]);
    if (code !== 0) throw new Error(`the rendered chart was not applied: ${stderr}`);
  }

  async function startProcess(): Promise<void> {
    const host = address === '127.0.0.1' ? address : '0.0.0.0';
    running = await startServer(supervisor, {
      cluster,
      objects: rendered,
      name: 'curfew',
      webhook: `${host}:${webhookPort}`,
      operations: `127.0.0.1:${operationsPort}`,
      more: ['--serving-name', address],
      ...(program === undefined ? {} : { program }),
    });
    await waitUntil('curfew is ready', async () => {
      const ended = running?.ended();
      if (ended !== undefined) throw new Error(`curfew ended with ${ended}`);
      return (await get(`${operationsUrl}/readyz`)).status === 200;
    });
    await waitUntil('rules and CA bundle are published', async () => await isPublished(kubectl, operationsUrl));
  }

  const installed: InstalledCurfew = {
    operationsUrl,
    webhookUrl,
    logFile: join(supervisor.folder, 'curfew.log'),
    kubeconfig: kubeconfigOf(supervisor),
    async stopProcess() {
      await running?.stop();
      running = undefined;
    },
    startProcess,
    async upgrade(chosen, values) {
      await installed.stopProcess();
      await apply(chosen, values);
      await startProcess();
    },
    async metric(prefix) {
      const { text } = await get(`${operationsUrl}/metrics`);
      return sumOf(text, prefix);
    },
    lastLines: (count) => (running === undefined ? 'curfew is not running' : readLastLines(running.logFile, count)),
    async uninstall() {
      await installed.stopProcess();
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: RELEASE_NAMESPACE } };
      const items = [...pointAtProcess(rendered, webhookUrl), namespace];
      await kubectl.run(['delete', '--ignore-not-found', '--wait=false', '-f', '-'], {
        input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
      });
      await supervisor.stop();
    },
  };
  return await startOrGiveUp(installed, supervisor, async () => {
    await apply(config);
    await startProcess();
  });
}

async function startOrGiveUp(
  installed: InstalledCurfew,
  supervisor: Supervisor,
  start: () => Promise<void>,
): Promise<InstalledCurfew> {
  try {
    await start();
    return installed;
  } catch (error) {
    const last = installed.lastLines(20);
    await supervisor.stop();
    throw new Error(`Curfew did not start: ${error instanceof Error ? error.message : 'unknown error'}\n${last}`, {
      cause: error,
    });
  }
}

/** Every entry has rules, and the bundle is that of the certificate now served. */
async function isPublished(kubectl: Kubectl, operationsUrl: string): Promise<boolean> {
  const { text } = await get(`${operationsUrl}/readyz?verbose`);
  if (!text.includes('[+] webhooks published')) return false;
  const { stdout } = await kubectl.run([
    'get',
    'validatingwebhookconfigurations,mutatingwebhookconfigurations',
    '-o',
    'json',
  ]);
  const items = asArray(valueAt(JSON.parse(stdout), ['items'])).filter(isObject);
  const webhooks = items.flatMap((item) => asArray(member(item, 'webhooks')));
  return webhooks.length > 0 && webhooks.every((webhook) => asArray(member(webhook, 'rules')).length > 0);
}

/** Polls until `condition` holds. */
export async function waitUntil(what: string, condition: () => Promise<boolean>, ms: number = READY_MS): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain until ${what}`);
    await sleep(POLL_MS);
  }
}

/** A GET that counts a refused connection as status 0. */
async function get(url: string): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: '' };
  }
}
