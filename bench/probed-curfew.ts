/**
 * A real Curfew on a real API server, that can be looked into: built as it is published, with `probe.ts` loaded before it, and
 * with what Node takes for itself in a container of the chart's limit.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { ControlPlane } from '../e2e/control-plane.ts';
import { type InstalledCurfew, installCurfew } from '../e2e/installed-curfew.ts';
import { createKubectl } from '../e2e/kubectl.ts';
import { findTools } from '../scripts/tools.ts';
import { findFreePorts } from '../test/free-ports.ts';
import { review } from '../test/server/start-app.ts';
import { type Connection, openConnections, toRequest } from './connection.ts';
import { quantile } from './measure.ts';
import { plainPod } from './pods.ts';
import type { Pause, Probed } from './probe.ts';
import { buildServer } from './published.ts';

const CONNECTIONS = 8;

/** When a process was started, heard the API server and was ready, in ms since the epoch. */
export type Start = { readonly started: number; readonly heard: number; readonly ready: number };

export type ProbedCurfew = InstalledCurfew & {
  /** @param how - `collected`: after its garbage was collected */
  probe(how?: 'collected'): Promise<Probed>;
  /** Ends the process and starts another. */
  startAnew(): Promise<Start & { readonly probed: Probed }>;
  /** RSS, in MiB. */
  rss(): Promise<number>;
  /** Callers of its webhook; nobody looks at its certificate. */
  connect(): Promise<readonly Connection[]>;
};

export async function installProbed(controlPlane: ControlPlane): Promise<ProbedCurfew> {
  const { stateFolder } = controlPlane;
  const { kubectl: binary } = await findTools(['kubectl']);
  const kubectl = createKubectl({ binary, kubeconfig: controlPlane.kubeconfig });
  const [port = 0] = await findFreePorts(1);
  const probe = pathToFileURL(await writeProbe(stateFolder));
  probe.searchParams.set('port', String(port));
  const program = buildServer(join(stateFolder, 'npm'), ['--expose-gc', '--import', probe.href]);
  const curfew = await installCurfew({ controlPlane, kubectl, program });
  const ask = async (how = ''): Promise<Probed> => (await fetch(`http://127.0.0.1:${port}/${how}`)).json() as never;
  return {
    ...curfew,
    probe: ask,
    async startAnew() {
      await curfew.stopProcess();
      const started = Date.now();
      const starting = curfew.startProcess();
      // Whatever ends it is thrown by the start.
      const [ready] = await Promise.all([untilReady(curfew.operationsUrl), starting]);
      const probed = await ask();
      return { started, heard: probed.firstAnswer ?? Number.NaN, ready, probed };
    },
    rss: async () => (await curfew.metric('process_resident_memory_bytes')) / 1_048_576,
    connect: async () => {
      const target = { port: Number(new URL(curfew.webhookUrl).port), tls: { rejectUnauthorized: false } };
      return await openConnections(target, CONNECTIONS);
    },
  };
}

/** A review of a plain pod. */
export function podRequest(): Buffer {
  return toRequest('/validate/pods?timeout=3s', JSON.stringify(review('pods', plainPod())));
}

/** How many, 99 of 100 at most, and the longest; in ms. */
export function describePauses(pauses: readonly Pause[]): readonly [number, number, number] {
  const times = pauses.map(({ ms }) => ms);
  return [times.length, quantile(times, 0.99), quantile(times, 1)];
}

/** As JavaScript: for a file of TypeScript Node would load what reads that, which is 20 MiB more. */
async function writeProbe(folder: string): Promise<string> {
  const path = join(folder, 'probe.mjs');
  const source = await readFile(join(import.meta.dirname, 'probe.ts'), 'utf8');
  await writeFile(path, stripTypeScriptTypes(source));
  return path;
}

async function untilReady(operationsUrl: string): Promise<number> {
  const end = Date.now() + 120_000;
  while (Date.now() < end) {
    const response = await fetch(`${operationsUrl}/readyz`).catch(() => undefined);
    if (response?.status === 200) return Date.now();
    await sleep(5);
  }
  throw new Error('not ready within two minutes');
}
