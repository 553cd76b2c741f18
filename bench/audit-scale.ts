/**
 * Fills a control plane of its own and runs `curfew audit` on it as a process of its own: time, requests and the most
 * memory that it had at once, beside plain paged GETs of the same lists in the same run. Exits with 1 where it needs more
 * than 300 MB.
 *
 *     node bench/audit-scale.ts
 */

import { execFileSync, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startControlPlane } from '../e2e/control-plane.ts';
import { connect } from '../src/kube/client.ts';
import { startCountingProxy } from './counting-proxy.ts';
import { fillCluster } from './scale-cluster.ts';

const SIZE = { namespaces: 50, pods: 5_000, accounts: 2_000, secrets: 3_000, roles: 1_000, bindings: 1_000 };
const MOST_MEGABYTES = 300;
const ROOT = join(import.meta.dirname, '..');
const POLL_MS = 5;

const controlPlane = await startControlPlane({
  // Neither the controllers of workloads nor the garbage collector: nothing here has an owner that they would find.
  controllerManagerArgs: [
    '--controllers=serviceaccount-controller,serviceaccount-token-controller,namespace-controller,root-ca-certificate-publisher-controller',
  ],
});
try {
  const proxy = await startCountingProxy(controlPlane);
  const began = performance.now();
  await fillCluster(await connect({ kubeconfig: controlPlane.kubeconfig }), SIZE);
  console.log(`filled in ${((performance.now() - began) / 1_000).toFixed(0)} s: ${JSON.stringify(SIZE)}`);

  const kubeconfig = join(controlPlane.stateFolder, 'through-proxy.kubeconfig');
  const named = { name: 'proxy' };
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ ...named, cluster: { server: proxy.url, 'insecure-skip-tls-verify': true } }],
      users: [{ ...named, user: {} }],
      contexts: [{ ...named, context: { cluster: 'proxy', user: 'proxy' } }],
      'current-context': 'proxy',
    }),
  );
  // As it is published: Node would keep the sources, and what it made of them, in memory too.
  const folder = join(controlPlane.stateFolder, 'npm');
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'run.mjs'), join(ROOT, 'scripts', 'build.ts'), folder]);
  const main = join(folder, 'bin', 'curfew.mjs');
  for (const output of ['table', 'json']) {
    proxy.reset();
    const audit = await measure([main, 'audit', '--kubeconfig', kubeconfig, '--output', output]);
    const { requests, bytes, lists } = proxy.counts();
    report(`curfew audit --output ${output}`, { ...audit, requests, bytes });
    if (audit.megabytes > MOST_MEGABYTES) process.exitCode = 1;
    if (output === 'table') {
      console.log(audit.out.trimEnd().split('\n').at(-1));
      proxy.reset();
      const plain = await measure([join(ROOT, 'bench', 'list-pages.ts'), proxy.url], JSON.stringify(lists));
      const counts = proxy.counts();
      report(`the same lists, dropped (${plain.out.trim()})`, { ...plain, ...counts });
    }
  }
  await proxy.stop();
} finally {
  await controlPlane.stop();
}

type Asked = { readonly requests: number; readonly bytes: number };
type Measured = { readonly seconds: number; readonly megabytes: number; readonly out: string };

/** Runs Node with `args` and reads the high-water mark of its memory until it ends. */
async function measure(args: readonly string[], input = ''): Promise<Measured> {
  const start = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const running = new AbortController();
  const watch = async (): Promise<number> => {
    let most = 0;
    while (!running.signal.aborted) {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
      most = Math.max(most, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0));
      await sleep(POLL_MS);
    }
    return most;
  };
  const watching = watch();
  const code = await ended;
  running.abort();
  const kilobytes = await watching;
  if (code === null || code > 1) console.error(`it ended with ${code}`);
  return { seconds: (performance.now() - start) / 1_000, megabytes: kilobytes / 1_000, out };
}

function report(name: string, { seconds, megabytes, requests, bytes }: Omit<Measured, 'out'> & Asked): void {
  const cells = [
    `${seconds.toFixed(1)} s`,
    `${requests} requests`,
    `${(bytes / 1_000_000).toFixed(0)} MB read`,
    `${megabytes.toFixed(0)} MB at most`,
  ];
  console.log(`${name.padEnd(48)}${cells.map((cell) => cell.padEnd(16)).join('')}`.trimEnd());
}
