/**
 * `npm run test:cluster`: Curfew as its users run it. Starts a cluster with a node, builds the image and loads it, and
 * runs the tests in `e2e/cluster` inside the cluster's network. Afterwards nothing is left.
 *
 *     npm run test:cluster                   everything
 *     npm run test:cluster -- --image FILE   takes this image, and its bill of materials, instead of building one
 *     npm run test:cluster -- --report FILE  writes vitest's JSON report too
 *     npm run test:cluster -- --kubernetes 1.37   on another pinned version than the usual one
 *     npm run test:cluster -- e2e/cluster/upgrade.test.ts   these files alone
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { down, enterArgs, listTraces, up } from '../e2e/node/cluster.ts';
import { ctrArgs } from '../e2e/node/container-runtime.ts';

const ROOT = join(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  options: { image: { type: 'string' }, report: { type: 'string' }, kubernetes: { type: 'string' } },
  allowPositionals: true,
});

const scratch = await mkdtemp(join(tmpdir(), 'curfew-cluster-'));
const folder = join(scratch, 'state');
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());

const before = await listTraces();
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`curfew cluster: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await down(folder);
  await rm(scratch, { recursive: true, force: true });
}
const left = (await listTraces()).filter((trace) => !before.includes(trace));
if (left.length > 0) {
  process.stderr.write(`curfew cluster: this is left of the cluster: ${left.join(', ')}\n`);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const image = values.image === undefined ? join(scratch, 'image.tar') : resolve(values.image);
  if (values.image === undefined) {
    const code = await run(process.execPath, [join(import.meta.dirname, 'image.ts'), image]);
    if (code !== 0) return code;
  }
  const onProgress = (line: string) => process.stderr.write(`curfew cluster: ${line}\n`);
  const cluster = await up(folder, { onProgress, kubernetes: values.kubernetes });
  const load = [...enterArgs(cluster, 'all'), 'ctr', ...ctrArgs(cluster.layout, 'images', 'import', image)];
  const loaded = await run('nsenter', load);
  if (loaded !== 0) return loaded;
  const vitest = join(ROOT, 'node_modules', '.bin', 'vitest');
  const report =
    values.report === undefined
      ? []
      : ['--reporter=default', '--reporter=json', `--outputFile.json=${resolve(values.report)}`];
  const args = [vitest, 'run', '--project', 'cluster', ...report, ...positionals];
  return await run('nsenter', [...enterArgs(cluster, 'network'), ...args], {
    KUBECONFIG: cluster.layout.kubeconfig,
    CURFEW_CLUSTER_STATE: folder,
    CURFEW_IMAGE: image,
  });
}

/** Runs a program with this terminal; its exit code. */
async function run(
  file: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = spawn(file, args, { cwd: ROOT, env: { ...process.env, ...more }, stdio: 'inherit' });
  interrupted.signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
