/** What a test file in a cluster with a node begins with: kubectl, Helm, and the chart as a user installs it. */

import { join } from 'node:path';
import { runProgram } from '../../scripts/run-program.ts';
import { findTools } from '../../scripts/tools.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import { createKubectl, type Kubectl } from '../kubectl.ts';

export const RELEASE = 'curfew';
export const RELEASE_NAMESPACE = 'curfew-system';
const CHART = join(import.meta.dirname, '..', '..', 'charts', 'curfew');
const HELM_LIMIT_MS = 240_000;

/** The image that was loaded into the cluster, in place of the released one. */
const IMAGE = [
  '--set',
  'image.repository=curfew.dev/curfew',
  '--set',
  'image.tag=dev',
  '--set',
  'image.pullPolicy=Never',
];

export type InstalledChart = {
  readonly kubectl: Kubectl;
  /** Runs kubectl and returns standard output; throws with its standard error if it fails. */
  must(args: readonly string[], input?: JsonObject | readonly JsonObject[]): Promise<string>;
  /** Runs Helm; throws with what it printed if it fails. */
  helm(args: readonly string[]): Promise<string>;
  /** `helm upgrade --install --wait` with these further arguments. */
  install(args?: readonly string[]): Promise<string>;
};

/** Opens the cluster that `npm run test:cluster` started; nothing is installed yet. */
export async function openCluster(): Promise<InstalledChart> {
  const kubeconfig = process.env['KUBECONFIG'];
  if (kubeconfig === undefined) throw new Error('these tests run in a cluster of their own: npm run test:cluster');
  const { kubectl: binary, helm: helmBinary } = await findTools(['kubectl', 'helm']);
  const kubectl = createKubectl({ binary, kubeconfig });

  async function must(args: readonly string[], input?: JsonObject | readonly JsonObject[]): Promise<string> {
    const text = input === undefined ? {} : { input: toText(input) };
    const { code, stdout, stderr } = await kubectl.run(args, { ...text, timeoutMs: 180_000 });
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async function helm(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runProgram(helmBinary, args, { timeoutMs: HELM_LIMIT_MS });
    if (code !== 0) throw new Error(`helm ${args.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }

  return {
    kubectl,
    must,
    helm,
    install: async (args = []) =>
      await helm([
        ...['upgrade', '--install', RELEASE, CHART, '--namespace', RELEASE_NAMESPACE, '--create-namespace'],
        ...['--wait', '--timeout', '180s', ...IMAGE, ...args],
      ]),
  };
}

function toText(input: JsonObject | readonly JsonObject[]): string {
  return JSON.stringify(Array.isArray(input) ? { apiVersion: 'v1', kind: 'List', items: input } : input);
}

/** The claims of a token, unverified: `aud`, `exp` and `iat` in seconds. */
export function claimsOf(token: string): {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
} {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}
