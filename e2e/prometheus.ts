/** A real Prometheus that scrapes Curfew and the API server, with the alerts of `deploy/` loaded. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { startOnFreePorts, startSupervisor } from './processes.ts';
import type { TestCluster } from './test-cluster.ts';

const DEPLOY = join(import.meta.dirname, '..', 'deploy');

export type Sample = { readonly labels: Readonly<Record<string, string>>; readonly value: number };

export type Range = { readonly start: number; readonly end: number; readonly step: number };

/** Points of seconds since the epoch and value. */
export type Line = {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [number, number])[];
};

export type Prometheus = {
  readonly url: string;
  /** An instant query, now. */
  query(expr: string): Promise<readonly Sample[]>;
  /** A range query from `start` to `end`, in seconds since the epoch; each series by its samples. */
  queryRange(expr: string, range: Range): Promise<readonly Line[]>;
  /** Waits until both targets were scraped `count` times more. */
  untilScraped(count: number): Promise<void>;
  /** Each loaded rule: its name and `ok`, or what is wrong with it. */
  listRules(): Promise<readonly (readonly [string, string])[]>;
  stop(): Promise<void>;
};

export type Targets = {
  readonly cluster: Pick<TestCluster, 'must'>;
  /** `http://HOST:PORT` of Curfew's health and metrics. */
  readonly operationsUrl: string;
  /** Seconds between two scrapes, 1 by default: the usual 15 or 30 would make a test wait. */
  readonly interval?: number;
};

export async function startPrometheus(binary: string, targets: Targets): Promise<Prometheus> {
  const supervisor = await startSupervisor();
  const { folder } = supervisor;
  try {
    const config = await writeConfig(folder, targets);
    const port = await startOnFreePorts(
      1,
      async ([free = 0]) => {
        const spec = {
          name: 'prometheus',
          file: binary,
          args: [
            `--config.file=${config}`,
            `--storage.tsdb.path=${join(folder, `data-${free}`)}`,
            `--web.listen-address=127.0.0.1:${free}`,
          ],
        };
        const started = await supervisor.start(spec);
        await waitUntil('Prometheus is ready', async () => {
          if (started.ended() !== undefined) throw new Error(`Prometheus ended with ${started.ended()}`);
          return (await fetch(`http://127.0.0.1:${free}/-/ready`).catch(() => undefined))?.status === 200;
        });
        return free;
      },
      () => false,
    );
    return toPrometheus(`http://127.0.0.1:${port}`, () => supervisor.stop());
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

async function writeConfig(folder: string, { cluster, operationsUrl, interval = 1 }: Targets): Promise<string> {
  const kubeconfig: unknown = parse(await cluster.must(['config', 'view', '--raw', '--minify', '--flatten']));
  const read = (...path: readonly (string | number)[]) => asString(valueAt(kubeconfig, path)) ?? '';
  const decode = (...path: readonly (string | number)[]) => Buffer.from(read(...path), 'base64').toString();
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const config = {
    global: { scrape_interval: `${interval}s`, evaluation_interval: `${interval}s` },
    rule_files: [join(DEPLOY, 'prometheus-*.yaml')],
    scrape_configs: [
      { job_name: 'curfew', static_configs: [{ targets: [new URL(operationsUrl).host] }] },
      {
        job_name: 'apiserver',
        scheme: 'https',
        tls_config: {
          ca_file: await write('ca.crt', decode('clusters', 0, 'cluster', 'certificate-authority-data')),
          cert_file: await write('admin.crt', decode('users', 0, 'user', 'client-certificate-data')),
          key_file: await write('admin.key', decode('users', 0, 'user', 'client-key-data')),
        },
        static_configs: [{ targets: [new URL(read('clusters', 0, 'cluster', 'server')).host] }],
      },
    ],
  };
  return await write('prometheus.yml', stringify(config));
}

function toPrometheus(url: string, stop: () => Promise<void>): Prometheus {
  const read = async (path: string): Promise<unknown> => {
    const response = await fetch(`${url}${path}`);
    const body: unknown = await response.json();
    if (response.status !== 200) throw new Error(asString(member(body, 'error')) ?? `Prometheus: ${response.status}`);
    return member(body, 'data');
  };
  const query = async (expr: string): Promise<readonly Sample[]> => {
    const data = await read(`/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`);
    return asArray(member(data, 'result')).map((one) => ({
      labels: (member(one, 'metric') ?? {}) as Readonly<Record<string, string>>,
      value: Number(valueAt(one, ['value', 1])),
    }));
  };
  const queryRange = async (expr: string, { start, end, step }: Range): Promise<readonly Line[]> => {
    const asked = new URLSearchParams({ query: expr, start: String(start), end: String(end), step: String(step) });
    return asArray(member(await read(`/api/v1/query_range?${asked.toString()}`), 'result')).map((one) => ({
      labels: (member(one, 'metric') ?? {}) as Readonly<Record<string, string>>,
      points: asArray(member(one, 'values')).map((pair) => [Number(valueAt(pair, [0])), Number(valueAt(pair, [1]))]),
    }));
  };
  const countScrapes = async () => Math.min(...(await readCounts(query)));
  return {
    url,
    query,
    queryRange,
    async untilScraped(count) {
      const before = await countScrapes();
      await waitUntil(`${count} more scrapes`, async () => (await countScrapes()) >= before + count);
    },
    async listRules() {
      const groups = asArray(member(await read('/api/v1/rules'), 'groups'));
      return groups
        .flatMap((group) => asArray(member(group, 'rules')))
        .map((rule) => [
          asString(member(rule, 'name')) ?? '',
          asString(member(rule, 'lastError')) ?? asString(member(rule, 'health')) ?? '',
        ]);
    },
    stop,
  };
}

/** Successful scrapes of each target; 0 for one that there was none of. */
async function readCounts(query: Prometheus['query']): Promise<readonly number[]> {
  const samples = await query('sum by (job) (sum_over_time(up[1h]))');
  return ['curfew', 'apiserver'].map((job) => samples.find(({ labels }) => labels['job'] === job)?.value ?? 0);
}
