/** kubectl against one cluster, with nothing of the user's own configuration. */

import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ProgramResult, runProgram } from '../scripts/run-program.ts';
import { inheritSpeed } from '../scripts/speed.ts';

export type KubectlOptions = {
  /** Path of the program. */
  readonly binary: string;
  /** Path of the kubeconfig file. */
  readonly kubeconfig: string;
  /** Folder for its home and cache; by default `kubectl-home` beside the kubeconfig. */
  readonly home?: string;
};

export type KubectlRunOptions = {
  /** Standard input, for `-f -`. */
  readonly input?: string;
  /** Impersonates a user, and groups of that user if any are given. */
  readonly as?: string | { readonly user: string; readonly groups: readonly string[] };
  /** Folder that relative file names start from; this process's own by default. */
  readonly cwd?: string;
  /** Milliseconds until kubectl is killed and the promise rejects; 60,000 by default. */
  readonly timeoutMs?: number;
};

export type Kubectl = {
  /** Runs kubectl; any exit code is an answer. */
  run(args: readonly string[], options?: KubectlRunOptions): Promise<ProgramResult>;
  /** `kubectl apply -f -` of a manifest: YAML or JSON text, one object, or several. */
  apply(
    manifest: string | object | readonly object[],
    extraArgs?: readonly string[],
    options?: Omit<KubectlRunOptions, 'input'>,
  ): Promise<ProgramResult>;
};

/** A kubectl for the cluster of `kubeconfig`. */
export function createKubectl({ binary, kubeconfig, home }: KubectlOptions): Kubectl {
  const folder = home ?? join(dirname(kubeconfig), 'kubectl-home');
  // These are the whole environment: the user's kuberc, proxies and caches stay out.
  const env = {
    ...inheritSpeed(),
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    KUBECONFIG: kubeconfig,
    KUBECACHEDIR: join(folder, 'cache'),
  };

  async function run(args: readonly string[], options: KubectlRunOptions = {}): Promise<ProgramResult> {
    await mkdir(folder, { recursive: true });
    return runProgram(binary, [...impersonation(options.as), ...args], {
      env,
      input: options.input,
      timeoutMs: options.timeoutMs,
      cwd: options.cwd,
    });
  }

  return {
    run,
    apply: (manifest, extraArgs = [], options = {}) =>
      run(['apply', '-f', '-', ...extraArgs], { ...options, input: toText(manifest) }),
  };
}

function toText(manifest: string | object | readonly object[]): string {
  if (typeof manifest === 'string') return manifest;
  return JSON.stringify(Array.isArray(manifest) ? { apiVersion: 'v1', kind: 'List', items: manifest } : manifest);
}

function impersonation(as: KubectlRunOptions['as']): readonly string[] {
  if (as === undefined) return [];
  if (typeof as === 'string') return [`--as=${as}`];
  return [`--as=${as.user}`, ...as.groups.map((group) => `--as-group=${group}`)];
}
