/**
 * Reviews a second of one, two and three replicas behind the real Service of a cluster with a node, and which replica gets
 * what an API server sends. Every replica may use the same part of a core, so that more of them are more, on a machine
 * that has few. Needs what `npm run test:cluster` needs, and takes some minutes.
 *
 *     node scripts/run.mjs bench/replicas.ts [--rounds 4] [--cpu 200m] [--image FILE] [--out FILE]
 *         [--routing service|endpoints]
 *
 * `--routing`: whether the API server calls the address of the Service, as it does where nothing is said, or the pods behind it
 * (`--enable-aggregator-routing`).
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { down, enterArgs, up } from '../e2e/node/cluster.ts';
import { ctrArgs } from '../e2e/node/container-runtime.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '4' },
    cpu: { type: 'string', default: '200m' },
    image: { type: 'string' },
    out: { type: 'string' },
    routing: { type: 'string', default: 'service' },
  },
});
if (!/^[1-9][0-9]*$/.test(values.rounds)) throw new Error(`--rounds ${values.rounds}: a whole number is wanted`);
if (!/^[1-9][0-9]*m$/.test(values.cpu)) throw new Error(`--cpu ${values.cpu}: thousandths of a core, such as 200m`);
if (!['service', 'endpoints'].includes(values.routing))
  throw new Error(`--routing ${values.routing}: service, endpoints`);

/** Twenty times the usual, in both versions of cgroups. */
const POD_WEIGHTS = [
  ['/sys/fs/cgroup/cpu/k8s.io/cpu.shares', '20480'],
  ['/sys/fs/cgroup/k8s.io/cpu.weight', '2000'],
] as const;
const SCRIPTS = join(import.meta.dirname, '..', 'scripts');
const scratch = await mkdtemp(join(tmpdir(), 'curfew-replicas-'));
const folder = join(scratch, 'state');
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());

try {
  const image = values.image === undefined ? join(scratch, 'image.tar') : resolve(values.image);
  if (values.image === undefined) await run(process.execPath, [join(SCRIPTS, 'image.ts'), image]);
  const cluster = await up(folder, {
    onProgress: (line) => console.log(line),
    apiServerArgs: [`--enable-aggregator-routing=${values.routing === 'endpoints'}`],
  });
  await run('nsenter', [...enterArgs(cluster, 'all'), 'ctr', ...ctrArgs(cluster.layout, 'images', 'import', image)]);
  await putPodsFirst();
  const measure = [
    process.execPath,
    join(import.meta.dirname, 'measure-replicas.ts'),
    JSON.stringify({ ...values, rounds: Number(values.rounds) }),
  ];
  await run('nsenter', [...enterArgs(cluster, 'network'), ...measure], { KUBECONFIG: cluster.layout.kubeconfig });
} finally {
  await down(folder);
  await rm(scratch, { recursive: true, force: true });
}

/**
 * All pods together weigh as much as one process beside them. On a machine with other work a replica would get less than its
 * limit, and what was measured would be the other work.
 */
async function putPodsFirst(): Promise<void> {
  for (const [file, weight] of POD_WEIGHTS) await writeFile(file, weight).catch(() => undefined);
}

/** Runs a program with this terminal; throws if it fails. */
async function run(file: string, args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<void> {
  const child = spawn(file, args, { env: { ...process.env, ...more }, stdio: 'inherit' });
  interrupted.signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${file} ended with exit code ${code}`);
}
