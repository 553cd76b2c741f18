/**
 * A real control plane on this machine, without containers: etcd, kube-apiserver and kube-controller-manager on free
 * ports of 127.0.0.1, and one temporary folder that goes when they go.
 */

import { sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findTools } from '../scripts/tools.ts';
import { isAnswering, readApi } from './api-request.ts';
import { issueForUser, type KeyPair } from './cluster-certificates.ts';
import { apiServerArgs, controllerManagerArgs, etcdArgs, type StateFiles, writeState } from './control-plane-state.ts';
import {
  type ManagedProcess,
  ProcessError,
  type ProcessSpec,
  readLastLines,
  type Supervisor,
  startOnFreePorts,
  startSupervisor,
} from './processes.ts';

export type ControlPlaneTools = Readonly<Record<'etcd' | 'kube-apiserver' | 'kube-controller-manager', string>>;

export type ControlPlaneOptions = {
  /** Paths of the programs; found or built when left out. */
  readonly tools?: ControlPlaneTools;
  /** More flags for kube-apiserver, after ours: the last of two equal flags counts. */
  readonly apiServerArgs?: readonly string[];
  /** More flags for kube-controller-manager. */
  readonly controllerManagerArgs?: readonly string[];
  /** Milliseconds that each server may take until it is ready; 60,000 by default. */
  readonly startTimeoutMs?: number;
  /** Called with one line for a person when tools must be built first. */
  readonly onProgress?: (line: string) => void;
};

export type ControlPlane = {
  /** Path of the administrator's kubeconfig (system:masters), certificates embedded: good for `KUBECONFIG=`. */
  readonly kubeconfig: string;
  /** `https://127.0.0.1:PORT`. */
  readonly server: string;
  /** `http://127.0.0.1:PORT` of etcd, for a cluster's worth of objects that nobody admits one by one. */
  readonly etcd: string;
  /** PEM of the authority that signed the API server's certificate. */
  readonly certificateAuthority: string;
  /** The administrator's client certificate, for requests without a Kubernetes client. */
  readonly admin: KeyPair;
  /** The temporary folder; may be used for a test's own files. */
  readonly stateFolder: string;
  /** Path of kube-apiserver's log. */
  readonly apiServerLog: string;
  /**
   * The audit events so far, oldest first, parsed: writes only, level Metadata. An event is there before its request
   * is answered.
   */
  auditEvents(): Promise<readonly unknown[]>;
  /** The last `count` lines of each server's log, under a heading each. */
  lastLines(count: number): string;
  /** Path of a new kubeconfig with a certificate of this user, in this group if one is given. */
  createUser(user: string, group?: string): Promise<string>;
  /** A service account token of these claims, signed with the cluster's own key: one that it could have issued. */
  signToken(claims: object): string;
  /** Stops kube-apiserver and starts it again on the same port, with other extra flags if given. */
  restartApiServer(extraArgs?: readonly string[]): Promise<void>;
  /** Holds etcd up where it is, and lets it go on. */
  pauseEtcd(): void;
  resumeEtcd(): void;
  /** Stops kube-controller-manager and starts it again: its controllers ask for their tokens anew. */
  restartControllerManager(): Promise<void>;
  /** Holds kube-controller-manager up, so that a new namespace stays without an account, and lets it go on. */
  pauseControllerManager(): void;
  resumeControllerManager(): void;
  /** Ends every process and removes the folder. May be called again. */
  stop(): Promise<void>;
};

const POLL_MS = 50;

/**
 * Starts a control plane and waits until it is good to use: ready, and namespace `default` has its service account and
 * its `kube-root-ca.crt`. Nothing stays behind when it fails, or when this process dies.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const tools =
    options.tools ??
    (await findTools(['etcd', 'kube-apiserver', 'kube-controller-manager'], { onProgress: options.onProgress }));
  const supervisor = await startSupervisor();
  try {
    return await start(supervisor, tools, options);
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

async function start(
  supervisor: Supervisor,
  tools: ControlPlaneTools,
  options: ControlPlaneOptions,
): Promise<ControlPlane> {
  const { folder } = supervisor;
  const timeoutMs = options.startTimeoutMs ?? 60_000;
  /** Starts a server and waits for it; a server that ends meanwhile fails at once, with its log. */
  const startReady = async (spec: ProcessSpec, isReady: () => Promise<boolean>): Promise<ManagedProcess> => {
    const server = await supervisor.start(spec);
    await waitFor(server, isReady, { timeoutMs, what: `${spec.name} is ready` });
    return server;
  };

  const [files, [etcdPort, etcd]] = await Promise.all([
    writeState(folder),
    startOnFreePorts(
      2,
      async ([client = 0, peer = 0]) => {
        const spec = { name: 'etcd', file: tools.etcd, args: etcdArgs(folder, client, peer) };
        const server = await startReady(spec, () => isAnswering(`http://127.0.0.1:${client}/health`));
        return [client, server] as const;
      },
      isPortTaken,
    ),
  ]);

  const launchApiServer = (port: number, extraArgs: readonly string[]): Promise<ManagedProcess> => {
    const args = [...apiServerArgs(files, port, etcdPort), ...extraArgs];
    return startReady({ name: 'kube-apiserver', file: tools['kube-apiserver'], args }, () =>
      isAnswering(`https://127.0.0.1:${port}/readyz`, files),
    );
  };
  let apiServer: ManagedProcess | undefined;
  const port = await startOnFreePorts(
    1,
    async ([free = 0]) => {
      apiServer = await launchApiServer(free, options.apiServerArgs ?? []);
      return free;
    },
    isPortTaken,
  );
  const server = `https://127.0.0.1:${port}`;
  const kubeconfig = await files.writeKubeconfig('admin.kubeconfig', server, files.certificates.admin);
  const managerConfig = await files.writeKubeconfig(
    'controller-manager.kubeconfig',
    server,
    files.certificates.controllerManager,
  );

  const launchControllerManager = (): Promise<ManagedProcess> =>
    startOnFreePorts(
      1,
      ([free = 0]) => {
        const args = [...controllerManagerArgs(files, managerConfig, free), ...(options.controllerManagerArgs ?? [])];
        return startReady(
          { name: 'kube-controller-manager', file: tools['kube-controller-manager'], args },
          async () =>
            (await hasNamespaceDefaults(server, files)) &&
            (await isAnswering(`https://127.0.0.1:${free}/healthz`, files)),
        );
      },
      isPortTaken,
    );
  let controllerManager = await launchControllerManager();

  const logs = ['etcd', 'kube-apiserver', 'kube-controller-manager'].map((name) => join(folder, `${name}.log`));
  return {
    kubeconfig,
    server,
    etcd: `http://127.0.0.1:${etcdPort}`,
    certificateAuthority: files.certificates.authority.certificate,
    admin: files.certificates.admin,
    stateFolder: folder,
    apiServerLog: join(folder, 'kube-apiserver.log'),
    auditEvents: () => readAuditEvents(files.auditLog),
    lastLines: (count) => logs.map((log) => `== ${log}\n${readLastLines(log, count)}`).join('\n'),
    async createUser(user, group) {
      const certificate = await issueForUser(files.certificates.authority, user, group);
      return await files.writeKubeconfig(`${user.replaceAll(':', '-')}.kubeconfig`, server, certificate);
    },
    signToken: (claims) => {
      const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
      const signed = `${encode({ alg: 'RS256' })}.${encode(claims)}`;
      const signature = sign('sha256', Buffer.from(signed), files.certificates.serviceAccounts.privateKey);
      return `${signed}.${signature.toString('base64url')}`;
    },
    async restartApiServer(extraArgs = options.apiServerArgs ?? []) {
      await apiServer?.stop();
      apiServer = await launchApiServer(port, extraArgs);
    },
    pauseEtcd: () => void process.kill(etcd.pid, 'SIGSTOP'),
    resumeEtcd: () => void process.kill(etcd.pid, 'SIGCONT'),
    async restartControllerManager() {
      await controllerManager.stop();
      controllerManager = await launchControllerManager();
    },
    pauseControllerManager: () => void process.kill(controllerManager.pid, 'SIGSTOP'),
    resumeControllerManager: () => void process.kill(controllerManager.pid, 'SIGCONT'),
    stop: () => supervisor.stop(),
  };
}

/** What the controllers make in every namespace, and tests silently rely on. */
async function hasNamespaceDefaults(server: string, files: StateFiles): Promise<boolean> {
  const paths = ['serviceaccounts/default', 'configmaps/kube-root-ca.crt'];
  const statuses = await Promise.all(
    paths.map((path) => readApi(`${server}/api/v1/namespaces/default/${path}`, files).then(({ status }) => status)),
  );
  return statuses.every((status) => status === 200);
}

type Wait = { readonly timeoutMs: number; readonly what: string };

async function waitFor(
  server: ManagedProcess,
  isTrue: () => Promise<boolean>,
  { timeoutMs, what }: Wait,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isTrue().catch(() => false))) {
    const ended = server.ended();
    if (ended !== undefined) throw failure(server, `${server.name} ended with ${ended} before it was ready`);
    if (performance.now() > deadline) throw failure(server, `${timeoutMs} ms were not enough until ${what}`);
    await sleep(POLL_MS);
  }
}

function failure(server: ManagedProcess, sentence: string): ProcessError {
  return new ProcessError(`${sentence}. The last lines of its log:\n${readLastLines(server.logFile, 25)}`);
}

function isPortTaken(error: unknown): boolean {
  return error instanceof ProcessError && error.message.includes('address already in use');
}

async function readAuditEvents(path: string): Promise<readonly unknown[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  // What stands behind the last line end is still being written.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line !== '').map((line): unknown => JSON.parse(line));
}
