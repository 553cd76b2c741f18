/**
 * `npm run cluster`: a real Kubernetes with a node on this machine, without Docker. Needs root and some packages, and
 * says which. Nothing of it is left when it is down.
 *
 *     npm run cluster -- up                   starts it, or says that it is up; with --kubernetes 1.37 on that version
 *     npm run cluster -- down                 ends it and removes everything
 *     npm run cluster -- status               what runs; exit code 1 if nothing does
 *     npm run cluster -- kubectl ARGS...      kubectl as its administrator
 *     npm run cluster -- run PROGRAM ARGS...  a program in its network, with KUBECONFIG set
 *     npm run cluster -- load-image FILE      an image in the form of `docker save`
 *     npm run cluster -- stop|start SERVER    one of its servers, such as kubelet
 *     npm run cluster -- restart node         as if the machine were switched off and on
 *
 * With `--kind` before the command, the same on kind, on a machine with Docker.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ClusterError, down, enterArgs, find, type RunningCluster, tell, up } from '../e2e/node/cluster.ts';
import { ctrArgs } from '../e2e/node/container-runtime.ts';
import { kindCommand } from '../e2e/node/kind.ts';
import { API_SERVER, stateFolder } from '../e2e/node/layout.ts';
import { findTools } from './tools.ts';

const USAGE =
  'usage: npm run cluster -- [--kind] up [--kubernetes VERSION] | down | status | kubectl ARGS | run PROGRAM ARGS | load-image FILE | stop SERVER | start SERVER | restart node';

const folder = stateFolder(process.env);

try {
  const [first, ...rest] = process.argv.slice(2);
  process.exitCode = first === '--kind' ? await runOnKind(rest) : await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`curfew cluster: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main([command, ...args]: readonly string[]): Promise<number> {
  const [argument] = args;
  switch (command) {
    case 'up': {
      if (args.length > 0 && (argument !== '--kubernetes' || args.length !== 2)) return refuse();
      const onProgress = (line: string) => process.stderr.write(`curfew cluster: ${line}\n`);
      const cluster = await up(folder, { onProgress, kubernetes: args[1] });
      say(describe(cluster));
      return 0;
    }
    case 'down':
      await down(folder);
      say('The cluster is down.');
      return 0;
    case 'status': {
      const cluster = await find(folder);
      say(cluster === undefined ? 'No cluster is up.' : describe(cluster));
      return cluster === undefined ? 1 : 0;
    }
    case 'kubectl': {
      const { kubectl } = await findTools(['kubectl']);
      return await enter('network', [kubectl, ...args]);
    }
    case 'run':
      return argument === undefined ? refuse() : await enter('network', args);
    case 'load-image': {
      if (argument === undefined) return refuse();
      const { layout } = await findRunning();
      return await enter('all', ['ctr', ...ctrArgs(layout, 'images', 'import', resolve(argument))]);
    }
    case 'stop':
    case 'start':
      if (argument === undefined) return refuse();
      await tell(await findRunning(), command === 'stop' ? { stop: argument } : { start: argument });
      return 0;
    case 'restart':
      if (argument !== 'node') return refuse();
      await tell(await findRunning(), { restart: 'node' });
      return 0;
    default:
      return refuse();
  }
}

/** The same commands on kind, which keeps its state in Docker; only the kubeconfig is ours. */
async function runOnKind(words: readonly string[]): Promise<number> {
  const kubeconfig = join(folder, 'kind.kubeconfig');
  const { kind, kubectl } = await findTools(['kind', 'kubectl']);
  const found = kindCommand(words, { kind, kubectl, kubeconfig });
  if (found === undefined) return refuse();
  if (typeof found === 'string') throw new ClusterError(found);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [file = '', ...args] = found;
  return await runHere(file, args, kubeconfig);
}

async function findRunning(): Promise<RunningCluster> {
  const cluster = await find(folder);
  if (cluster === undefined) throw new ClusterError('No cluster is up: npm run cluster -- up');
  return cluster;
}

/** Runs a program there with this terminal; its exit code. */
async function enter(where: 'network' | 'all', args: readonly string[]): Promise<number> {
  const cluster = await findRunning();
  return await runHere('nsenter', [...enterArgs(cluster, where), ...args], cluster.layout.kubeconfig);
}

async function runHere(file: string, args: readonly string[], kubeconfig: string): Promise<number> {
  const child = spawn(file, args, { env: { ...process.env, KUBECONFIG: kubeconfig }, stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

function describe({ record, layout }: RunningCluster): string {
  return `Kubernetes ${record.kubernetes} is up at ${API_SERVER}, in a network of its own.
Kubeconfig: ${layout.kubeconfig}
Use it by:  npm run cluster -- kubectl get pods -A`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function refuse(): number {
  process.stderr.write(`${USAGE}\n`);
  return 2;
}
