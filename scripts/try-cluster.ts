/** The cluster that `npm run try` plays in: embedded, on kind, or one that is there already. */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { startControlPlane } from '../e2e/control-plane.ts';
import { readCluster } from '../e2e/existing-cluster.ts';
import type { ClusterAccess } from '../e2e/installed-curfew.ts';
import { createKubectl } from '../e2e/kubectl.ts';
import { runProgram } from './run-program.ts';
import { findTools, ToolMissingError } from './tools.ts';

const KIND_CLUSTER = 'curfew-try';

export type TryCluster = ClusterAccess & {
  readonly kubeconfig: string;
  close(): Promise<void>;
};

type Say = (line: string) => void;

/**
 * An existing cluster if its kubeconfig is given, else the embedded control plane, else kind where Docker runs.
 *
 * @throws ToolMissingError with the sentence that says what to install
 */
export async function openTryCluster(
  { kubeconfig, isAgreed }: { readonly kubeconfig?: string; readonly isAgreed: boolean },
  say: Say,
): Promise<TryCluster> {
  if (kubeconfig !== undefined) return await openExisting(kubeconfig, { isAgreed, say });
  try {
    const tools = await findTools(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl', 'helm'], {
      onProgress: say,
    });
    say('Starting etcd, kube-apiserver and kube-controller-manager on this machine …');
    const controlPlane = await startControlPlane({ tools });
    const kubectl = createKubectl({ binary: tools.kubectl, kubeconfig: controlPlane.kubeconfig });
    return { controlPlane, kubectl, kubeconfig: controlPlane.kubeconfig, close: controlPlane.stop };
  } catch (error) {
    if (error instanceof ToolMissingError && (await isDockerRunning())) return await openKind(say);
    throw error;
  }
}

async function openExisting(
  kubeconfig: string,
  { isAgreed, say }: { readonly isAgreed: boolean; readonly say: Say },
): Promise<TryCluster> {
  const { kubectl: binary } = await findTools(['kubectl', 'helm'], { onProgress: say });
  const home = await mkdtemp(join(tmpdir(), 'curfew-try-'));
  const kubectl = createKubectl({ binary, kubeconfig, home });
  const controlPlane = await readCluster(kubectl);
  if (
    !isAgreed &&
    !(await ask(`Install Curfew's webhooks in the cluster ${controlPlane.server}, for a test? [y/N] `))
  ) {
    throw new Error('nothing was done');
  }
  const address = await findOwnAddress(controlPlane.server);
  say(`The API server must be able to reach this machine at ${address}.`);
  return { controlPlane, kubectl, kubeconfig, address, close: async () => await rm(home, { recursive: true }) };
}

/** kind's API server runs in a container, which reaches this machine at the gateway of kind's network. */
async function openKind(say: Say): Promise<TryCluster> {
  const { kind, kubectl: binary } = await findTools(['kind', 'kubectl', 'helm'], { onProgress: say });
  const home = await mkdtemp(join(tmpdir(), 'curfew-try-'));
  const kubeconfig = join(home, 'kubeconfig');
  say('Creating a kind cluster; the first time Docker loads its image …');
  const args = ['create', 'cluster', '--name', KIND_CLUSTER, '--kubeconfig', kubeconfig, '--wait', '120s'];
  const created = await runProgram(kind, args, { timeoutMs: 600_000 });
  if (created.code !== 0) throw new Error(`kind made no cluster: ${created.stderr}`);
  const kubectl = createKubectl({ binary, kubeconfig, home });
  const format = '{{range .IPAM.Config}}{{.Gateway}} {{end}}';
  const gateway = await runProgram('docker', ['network', 'inspect', 'kind', '--format', format]);
  const address = gateway.stdout.split(' ').find((candidate) => candidate.includes('.'));
  if (address === undefined) throw new Error('the gateway of the Docker network "kind" is not known');
  return {
    controlPlane: await readCluster(kubectl),
    kubectl,
    kubeconfig,
    address,
    close: async () => {
      await runProgram(kind, ['delete', 'cluster', '--name', KIND_CLUSTER], { timeoutMs: 120_000 });
      await rm(home, { recursive: true });
    },
  };
}

/** The address from which this machine speaks to the API server, which is the best guess at where it is reached. */
async function findOwnAddress(server: string): Promise<string> {
  const { hostname, port } = new URL(server);
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port === '' ? 443 : port),
    timeout: 5_000,
  });
  try {
    await once(socket, 'connect');
    return socket.localAddress ?? '127.0.0.1';
  } finally {
    socket.destroy();
  }
}

async function isDockerRunning(): Promise<boolean> {
  try {
    return (await runProgram('docker', ['info'], { timeoutMs: 15_000 })).code === 0;
  } catch {
    return false;
  }
}

async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
