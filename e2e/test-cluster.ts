/** What a test file of the suite begins with: a control plane, kubectl, and a namespace for each test. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTools } from '../scripts/tools.ts';
import { asString, type JsonObject, valueAt } from '../src/objects/json.ts';
import { findKind } from '../src/objects/kinds.ts';
import { type Caller, openApi, readAnswer } from './api-client.ts';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from './control-plane.ts';
import { readCluster } from './existing-cluster.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';

/**
 * A cluster of the user's own, such as kind: its kubeconfig, and the address at which its API server reaches this
 * machine. Without it every test file starts a control plane.
 */
const EXISTING = {
  kubeconfig: process.env['CURFEW_E2E_KUBECONFIG'],
  address: process.env['CURFEW_E2E_ADDRESS'] ?? '127.0.0.1',
};

/** The caller whom no rule looks at, so that what a restricted namespace would refuse can be there. */
export const UNSEEN: Caller = { username: 'system:apiserver', groups: ['system:masters', 'system:nodes'] };

/** Whether the API server has made it, and that it was there (`default` accounts come of themselves). */
const [CREATED, CONFLICT] = [201, 409];

/** The audit log of an existing cluster is not ours to read. */
export const HAS_AUDIT_LOG = EXISTING.kubeconfig === undefined;

/** An existing cluster’s control plane is not ours to restart. */
export const OWNS_CONTROL_PLANE = EXISTING.kubeconfig === undefined;

export type TestCluster = {
  readonly controlPlane: Pick<
    ControlPlane,
    | 'server'
    | 'certificateAuthority'
    | 'auditEvents'
    | 'createUser'
    | 'signToken'
    | 'lastLines'
    | 'restartApiServer'
    | 'pauseEtcd'
    | 'resumeEtcd'
    | 'restartControllerManager'
    | 'pauseControllerManager'
    | 'resumeControllerManager'
    | 'stop'
  > & {
    /** Path of the API server's log; that of an existing cluster is not ours to read. */
    readonly apiServerLog: string | undefined;
  };
  readonly kubectl: Kubectl;
  /** Path of the administrator's. */
  readonly kubeconfig: string;
  readonly address: string;
  /** Makes a namespace with these labels and a service account `web` in it, if that is wanted; returns its name. */
  createNamespace(labels?: Readonly<Record<string, string>>, options?: NamespaceOptions): Promise<string>;
  /** Stores an object of a kind that rules read, as the caller whom none looks at; one that is there is changed to it. */
  store(object: JsonObject): Promise<void>;
  /** Runs kubectl and returns standard output; throws with its standard error if it fails. */
  must(args: readonly string[], input?: JsonObject): Promise<string>;
};

export type NamespaceOptions = { readonly metadata?: JsonObject; readonly withoutAccount?: boolean };

export type TestClusterOptions = Pick<ControlPlaneOptions, 'apiServerArgs'>;

/** @param options - for a control plane of the test's own; an existing cluster stays as it is */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { kubectl: binary } = await findTools(['kubectl']);
  const opened =
    EXISTING.kubeconfig === undefined
      ? await startOwn(binary, options)
      : await openExisting(binary, EXISTING.kubeconfig);
  const { kubectl } = opened;
  const run = Date.now().toString(36);
  let made = 0;

  async function must(args: readonly string[], input?: JsonObject): Promise<string> {
    const { code, stdout, stderr } = await kubectl.run(
      args,
      input === undefined ? {} : { input: JSON.stringify(input) },
    );
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  const api = await openApi({ must });
  async function store(object: JsonObject): Promise<void> {
    const folder = toFolder(object);
    const answer = await api.send(folder, { method: 'POST', object, as: UNSEEN });
    if (answer.status !== CONFLICT) return void readAnswer(answer, CREATED);
    const path = `${folder}/${asString(valueAt(object, ['metadata', 'name'])) ?? ''}`;
    const patch = { method: 'PATCH', object, contentType: 'application/merge-patch+json', as: UNSEEN } as const;
    readAnswer(await api.send(path, patch), 200);
  }

  return {
    ...opened,
    must,
    store,
    async createNamespace(labels = {}, { metadata = {}, withoutAccount = false } = {}) {
      made += 1;
      const name = `test-${run}-${made}`;
      const merged = { ...metadata, name, labels: { ...(metadata['labels'] as JsonObject | undefined), ...labels } };
      readAnswer(await api.create('/api/v1/namespaces', { metadata: merged }), CREATED);
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web', namespace: name } };
      if (!withoutAccount) await store(account);
      return name;
    },
  };
}

type Opened = Pick<TestCluster, 'controlPlane' | 'kubectl' | 'kubeconfig' | 'address'>;

async function startOwn(binary: string, options: TestClusterOptions): Promise<Opened> {
  const controlPlane = await startControlPlane(options);
  const { kubeconfig } = controlPlane;
  return { controlPlane, kubectl: createKubectl({ binary, kubeconfig }), kubeconfig, address: '127.0.0.1' };
}

async function openExisting(binary: string, kubeconfig: string): Promise<Opened> {
  const home = await mkdtemp(join(tmpdir(), 'curfew-e2e-'));
  const kubectl = createKubectl({ binary, kubeconfig, home });
  const controlPlane = {
    ...(await readCluster(kubectl)),
    auditEvents: async () => [],
    createUser: notOurs,
    signToken: () => {
      throw new Error('the key of an existing cluster is not ours');
    },
    restartApiServer: notOurs,
    pauseEtcd: notOurs,
    resumeEtcd: notOurs,
    restartControllerManager: notOurs,
    pauseControllerManager: notOurs,
    resumeControllerManager: notOurs,
    apiServerLog: undefined,
    lastLines: () => 'the logs of an existing cluster are not ours to read',
    stop: async () => await rm(home, { recursive: true }),
  };
  return { controlPlane, kubectl, kubeconfig, address: EXISTING.address };
}

async function notOurs(): Promise<never> {
  throw new Error('the control plane of an existing cluster is not ours to restart');
}

/** Where objects of this kind are listed and made; its name follows for one of them. */
export function toFolder(object: JsonObject): string {
  const apiVersion = asString(object['apiVersion']) ?? '';
  const kind = findKind(apiVersion, asString(object['kind']) ?? '');
  if (kind === undefined) throw new Error(`${JSON.stringify(object['kind'])} is no kind that rules read`);
  const base = kind.group === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
  const namespace = asString(valueAt(object, ['metadata', 'namespace'])) ?? '';
  return kind.scope === 'Cluster' ? `${base}/${kind.resource}` : `${base}/namespaces/${namespace}/${kind.resource}`;
}

/** A pod that runs nowhere, of service account `web`. */
export function pod(name: string, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { serviceAccountName: 'web', containers: [{ name: 'app', image: 'registry.example/web:1' }], ...spec },
  };
}

export function deployment(name: string, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: (pod(name, spec)['spec'] ?? {}) as JsonObject },
    },
  };
}

export function cronJob(name: string, spec: JsonObject = {}): JsonObject {
  const template = { spec: { restartPolicy: 'Never', ...((pod(name, spec)['spec'] ?? {}) as JsonObject) } };
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name },
    spec: { schedule: '0 3 * * *', jobTemplate: { spec: { template } } },
  };
}

export function tokenSecret(name: string, account: string): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, annotations: { 'kubernetes.io/service-account.name': account } },
    type: 'kubernetes.io/service-account-token',
  };
}

/** A projected volume with one token. */
export function tokenVolume(token: JsonObject): JsonObject {
  return { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token', ...token } }] } };
}
