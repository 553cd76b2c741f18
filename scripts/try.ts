/**
 * `npm run try`: a real API server, Curfew beside it, and four scenes, each with the manifest, the command and what the
 * API server really answered.
 *
 *     npm run try                              plays, then waits for Ctrl-C so that you can try manifests of your own
 *     npm run try -- --exit                    plays and ends
 *     npm run try -- --kubeconfig FILE         in a test cluster that can reach this machine; asks first
 *     npm run try -- --kubeconfig FILE --yes   does not ask
 */

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { installCurfew } from '../e2e/installed-curfew.ts';
import { openTryCluster } from './try-cluster.ts';
import { playScenes, removeScenes } from './try-scenes.ts';

const { values } = parseArgs({
  options: {
    exit: { type: 'boolean', default: false },
    kubeconfig: { type: 'string' },
    yes: { type: 'boolean', default: false },
  },
});

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(1);
    interrupted.abort();
  });
}

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    await play((line) => process.stdout.write(`${line}\n`));
    return 0;
  } catch (error) {
    if (!interrupted.signal.aborted) {
      process.stderr.write(`curfew: ${error instanceof Error ? error.message : String(error)}\n`);
    }
    return 1;
  }
}

/** What was started last ends first, also after a failure or Ctrl-C. */
async function play(say: (line: string) => void): Promise<void> {
  await using started = new AsyncDisposableStack();
  const chosen = values.kubeconfig === undefined ? {} : { kubeconfig: values.kubeconfig };
  const cluster = await openTryCluster({ ...chosen, isAgreed: values.yes }, say);
  started.defer(async () => await cluster.close());

  say(`A real API server answers at ${cluster.controlPlane.server}. Installing Curfew: the chart's webhooks,`);
  say('rendered by Helm, and the server as a process on this machine.');
  const curfew = await installCurfew(cluster, { mutateMode: 'apply' });
  started.defer(async () => await curfew.uninstall());
  started.defer(async () => await removeScenes(cluster));

  await playScenes(cluster, { say, signal: interrupted.signal });
  if (values.exit || interrupted.signal.aborted) return;
  say('\nTry your own manifests in another terminal:\n');
  say(`    export KUBECONFIG=${cluster.kubeconfig}`);
  say('    kubectl apply -n curfew-try -f YOUR-MANIFEST.yaml\n');
  say(`Curfew's log is ${curfew.logFile}, its metrics are at ${curfew.operationsUrl}/metrics.`);
  say('Ctrl-C ends it all and leaves nothing behind.');
  // The signal alone does not keep the process alive; the cluster does.
  await once(interrupted.signal, 'abort');
}
