/** What a test file in a cluster with a node begins with: kubectl, Helm, and the chart as a user installs it. */

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { runProgram } from '../../scripts/run-program.ts';
import { findTools } from '../../scripts/tools.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import { asArray, member, valueAt } from '../../src/objects/json.ts';
import { decodeJwtClaims } from '../../src/objects/jwt.ts';
import { waitUntil } from '../installed-curfew.ts';
import { createKubectl, type Kubectl } from '../kubectl.ts';
import { BUSYBOX_IMAGE } from '../node/container-runtime.ts';

export const RELEASE = 'curfew';
export const RELEASE_NAMESPACE = 'curfew-system';
export const CHART = join(import.meta.dirname, '..', '..', 'charts', 'curfew');
const HELM_LIMIT_MS = 240_000;
/** On namespaces of tests: by whom they were made. */
const MADE_BY = 'test.curfew.dev/made-by';
/** Where the API token of a pod is, unless it was told otherwise. */
export const API_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
export const CONFIGURATIONS = 'validatingwebhookconfigurations,mutatingwebhookconfigurations';

/** The image that was loaded into the cluster. */
export const CURFEW_IMAGE = 'curfew.dev/curfew:dev';

/** The same, in place of the released one. */
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
  /** Absolute path of the kubectl program; the node sees it under the same path. */
  readonly kubectlProgram: string;
  /** Runs kubectl and returns standard output; throws with its standard error if it fails. */
  must(args: readonly string[], input?: JsonObject | readonly JsonObject[]): Promise<string>;
  /** Runs Helm; throws with what it printed if it fails. */
  helm(args: readonly string[]): Promise<string>;
  /** `helm upgrade --install --wait` with these further arguments; of this chart, or another. */
  install(args?: readonly string[], chart?: string): Promise<string>;
  /** `helm uninstall --wait`. */
  uninstall(): Promise<void>;
  /** Ready replicas of Curfew. */
  countReady(): Promise<number>;
  /** Waits for rules in every webhook: a ready replica publishes them moments after `helm install` has returned. */
  untilPublished(): Promise<void>;
  /** Makes a namespace that goes with {@link removeNamespaces}, and waits for its default account. */
  createNamespace(name: string, labels?: Readonly<Record<string, string>>): Promise<string>;
  createAccount(namespace: string, annotations?: JsonObject): Promise<void>;
  /** Creates the pod and waits until it runs. */
  runPod(namespace: string, manifest: JsonObject): Promise<void>;
  /** Standard output of a command in a container of a pod, by default `app`; throws if it fails. */
  exec(where: PlaceInPod, command: readonly string[]): Promise<string>;
  /** Whether the API server takes this token for that of somebody. */
  isAuthenticated(token: string): Promise<boolean>;
  removeNamespaces(): Promise<void>;
};

export type PlaceInPod = { readonly namespace: string; readonly pod: string; readonly container?: string };

/** Opens the cluster that `npm run test:cluster` started; nothing is installed yet. */
export async function openCluster(helmName: 'helm' | 'helm3' = 'helm'): Promise<InstalledChart> {
  const kubeconfig = process.env['KUBECONFIG'];
  if (kubeconfig === undefined) throw new Error('these tests run in a cluster of their own: npm run test:cluster');
  const { kubectl: binary, [helmName]: helmBinary } = await findTools(['kubectl', helmName]);
  const kubectl = createKubectl({ binary, kubeconfig });
  const me = randomUUID();

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

  async function createNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<string> {
    const metadata = { name, labels: { [MADE_BY]: me, ...labels } };
    await must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Namespace', metadata });
    await waitUntil('the namespace has its service account', async () => {
      return (await kubectl.run(['get', 'serviceaccount', 'default', '-n', name])).code === 0;
    });
    return name;
  }

  return {
    kubectl,
    kubectlProgram: binary,
    must,
    helm,
    createNamespace,
    createAccount: async (namespace, annotations = {}) => {
      const metadata = { name: 'web', namespace, annotations };
      await must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    },
    runPod: async (namespace, manifest) => {
      await must(['create', '-n', namespace, '-f', '-'], manifest);
      await must(['wait', '--for=condition=Ready', 'pod', '--all', '-n', namespace, '--timeout=90s']);
    },
    exec: async ({ namespace, pod, container = 'app' }, command) =>
      await must(['exec', pod, '-n', namespace, '-c', container, '--', ...command]),
    isAuthenticated: async (token) => {
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
      const answer = JSON.parse(await must(['create', '-f', '-', '-o', 'json'], review));
      return valueAt(answer, ['status', 'authenticated']) === true;
    },
    removeNamespaces: async () => void (await must(['delete', 'namespace', '-l', `${MADE_BY}=${me}`, '--wait=false'])),
    uninstall: async () =>
      void (await helm(['uninstall', RELEASE, '--namespace', RELEASE_NAMESPACE, '--wait', '--ignore-not-found'])),
    countReady: async () => {
      const text = await must(['get', 'deployment', RELEASE, '-n', RELEASE_NAMESPACE, '-o', 'json']);
      return Number(valueAt(JSON.parse(text), ['status', 'readyReplicas']) ?? 0);
    },
    untilPublished: async () => {
      await waitUntil('every webhook has rules', async () => {
        const text = await must(['get', CONFIGURATIONS, '-o', 'json']);
        const webhooks = asArray(member(JSON.parse(text), 'items')).flatMap((item) =>
          asArray(member(item, 'webhooks')),
        );
        return webhooks.length > 0 && webhooks.every((webhook) => asArray(member(webhook, 'rules')).length > 0);
      });
    },
    install: async (args = [], chart = CHART) =>
      await helm([
        ...['upgrade', '--install', RELEASE, chart, '--namespace', RELEASE_NAMESPACE, '--create-namespace'],
        ...['--wait', '--timeout', '180s', ...IMAGE, ...args],
      ]),
  };
}

function toText(input: JsonObject | readonly JsonObject[]): string {
  return JSON.stringify(Array.isArray(input) ? { apiVersion: 'v1', kind: 'List', items: input } : input);
}

/** A pod that sleeps, of account `web`. */
export function sleepingPod(name: string, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      serviceAccountName: 'web',
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'app', image: BUSYBOX_IMAGE, command: ['sleep', '3600'] }],
      ...spec,
    },
  };
}

/** The claims of a token, unverified: `aud`, and `exp` and `iat` in seconds. */
export function claimsOf(token: string) {
  const claims = decodeJwtClaims(token.trim());
  if (claims === undefined) throw new Error('what was read is no token');
  return { aud: claims['aud'], exp: Number(claims['exp']), iat: Number(claims['iat']) };
}
