/**
 * Fills a control plane of its own and runs `curfew audit` on it as a process of its own: time, requests and the most
 * memory that it has had at once, beside plain paged GETs of the same lists in the same run.
 */

import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startControlPlane } from '../e2e/control-plane.ts';
import { connect } from '../src/kube/client.ts';
import { startCountingProxy } from './counting-proxy.ts';
import { defineBenchmark, type Row } from './define-benchmark.ts';
import { buildPackage, watchMemory } from './published.ts';
import { fillCluster } from './scale-cluster.ts';

const SIZE = { namespaces: 50, pods: 5_000, accounts: 2_000, secrets: 3_000, roles: 1_000, bindings: 1_000 };
const MOST_MEGABYTES = 300;
const LIST_PAGES = join(import.meta.dirname, 'list-pages.ts');

export default defineBenchmark({
  name: 'audit-scale',
  title: 'An audit of a large cluster',
  timeoutSeconds: 900,
  isLong: true,
  run: async () => {
    const controlPlane = await startControlPlane({
      // Neither the controllers of workloads nor the garbage collector: nothing here has an owner that they would find.
      controllerManagerArgs: [
        '--controllers=serviceaccount-controller,serviceaccount-token-controller,namespace-controller,root-ca-certificate-publisher-controller',
      ],
    });
    try {
      await fillCluster(await connect({ kubeconfig: controlPlane.kubeconfig }), SIZE);
      return [
        {
          title: 'curfew audit',
          about: `On a control plane of its own with ${Object.entries(SIZE)
            .map(([what, count]) => `${count.toLocaleString('en')} ${what}`)
            .join(', ')}. The most memory is \`VmHWM\` of the process.`,
          columns: [
            { title: 'time', unit: 's' },
            { title: 'requests' },
            { title: 'read', unit: 'MB' },
            { title: 'most memory', unit: 'MB' },
          ],
          ratio: 'of the memory that it may have',
          rows: await measureAll(controlPlane),
        },
      ];
    } finally {
      await controlPlane.stop();
    }
  },
});

async function measureAll(controlPlane: Awaited<ReturnType<typeof startControlPlane>>): Promise<readonly Row[]> {
  const proxy = await startCountingProxy(controlPlane);
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
  const main = buildPackage(join(controlPlane.stateFolder, 'npm'));
  const rows: Row[] = [];
  for (const output of ['table', 'json']) {
    proxy.reset();
    const audit = await measure([main, 'audit', '--kubeconfig', kubeconfig, '--output', output]);
    const { requests, bytes, lists } = proxy.counts();
    const ratio = { value: audit.megabytes / MOST_MEGABYTES, most: 1 };
    const cells = [audit.seconds, requests, bytes / 1_000_000, audit.megabytes];
    rows.push({ name: `curfew audit --output ${output}`, cells, ratio });
    if (output !== 'table') continue;
    proxy.reset();
    const plain = await measure([LIST_PAGES, proxy.url], JSON.stringify(lists));
    const counts = proxy.counts();
    rows.push({
      name: `the same lists, dropped (${plain.out.trim()})`,
      cells: [plain.seconds, counts.requests, counts.bytes / 1_000_000, plain.megabytes],
    });
  }
  await proxy.stop();
  return rows;
}

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
  const memory = watchMemory(child.pid);
  const code = await ended;
  const megabytes = await memory.stop();
  if (code === null || code > 1) throw new Error(`${args.join(' ')} ended with ${code}`);
  return { seconds: (performance.now() - start) / 1_000, megabytes, out };
}
