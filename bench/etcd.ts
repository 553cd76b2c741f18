/** Namespaces and service accounts as clusters hold them, written into etcd behind the API server, many at a time. */

import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { JsonObject } from '../src/objects/json.ts';

/** An object under its key, or a key that is deleted. */
export type Change = { readonly key: string; readonly object?: JsonObject };

const AT_ONCE = 32;
const MADE = '2026-11-01T08:00:00Z';

export type Etcd = {
  /**
   * Side by side, in order where a key comes twice. Each has a revision of its own, as with the API server: of several with
   * one revision, a watch that goes on in the middle of them loses the others (seen).
   */
  write(changes: Iterable<Change>): Promise<void>;
  close(): void;
};

/** @param url - `http://127.0.0.1:PORT`; asked by etcd's gateway of JSON (https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/) */
export function openEtcd(url: string): Etcd {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  return {
    async write(changes) {
      // Never more under way than these; a key that is under way is waited for.
      const underWay = new Map<string, Promise<void>>();
      for (const change of changes) {
        await underWay.get(change.key);
        if (underWay.size >= AT_ONCE) await Promise.race(underWay.values());
        const written = send(url, agent, change).finally(() => underWay.delete(change.key));
        underWay.set(change.key, written);
      }
      await Promise.all(underWay.values());
    },
    close: () => agent.destroy(),
  };
}

async function send(url: string, agent: Agent, { key, object }: Change): Promise<void> {
  const answered = Promise.withResolvers<string>();
  const path = object === undefined ? '/v3/kv/deleterange' : '/v3/kv/put';
  const outgoing = request(`${url}${path}`, { method: 'POST', agent }, (answer) => {
    text(answer).then(answered.resolve, answered.reject);
  });
  const value = object === undefined ? {} : { value: toBase64(JSON.stringify(object)) };
  outgoing.on('error', answered.reject).end(JSON.stringify({ key: toBase64(key), ...value }));
  const answer = await answered.promise;
  if (!answer.includes('"revision"')) throw new Error(`etcd did not take ${key}: ${answer.slice(0, 300)}`);
}

function toBase64(value: string): string {
  return Buffer.from(value).toString('base64');
}

/** Labels that are ours on every other one. */
export function storedNamespace(name: string, number: number, labels: JsonObject = {}): Change {
  const ours = number % 2 === 0 ? { 'curfew.dev/enforce': 'restricted' } : {};
  const object = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      uid: toUid(1, number),
      creationTimestamp: MADE,
      labels: {
        'kubernetes.io/metadata.name': name,
        'pod-security.kubernetes.io/enforce': 'baseline',
        team: `team-${number % 50}`,
        ...ours,
        ...labels,
      },
      annotations: { 'example.com/contact': `team-${number % 50}@example.com` },
      managedFields: managedFields(['f:labels', 'f:annotations']),
    },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
  return { key: namespaceKey(name), object };
}

/** As a Helm chart makes them; of ten, one says why it needs the API, and one is of a cloud. */
export function storedAccount(namespace: string, name: string, number: number): Change {
  const ours: Readonly<Record<number, JsonObject>> = {
    1: { 'curfew.dev/api-access': 'it reads the config maps of its own namespace to find its shards' },
    2: { 'eks.amazonaws.com/role-arn': `arn:aws:iam::123456789012:role/${namespace}-${name}` },
  };
  const object = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: {
      namespace,
      name,
      uid: toUid(2, number),
      creationTimestamp: MADE,
      labels: {
        'app.kubernetes.io/instance': name,
        'app.kubernetes.io/managed-by': 'Helm',
        'app.kubernetes.io/name': name,
        'app.kubernetes.io/version': '1.2.3',
        'helm.sh/chart': `${name}-1.2.3`,
      },
      annotations: {
        'meta.helm.sh/release-name': name,
        'meta.helm.sh/release-namespace': namespace,
        ...ours[number % 10],
      },
      managedFields: managedFields(['f:labels', 'f:annotations', 'f:ownerReferences']),
    },
    ...(number % 3 === 0 ? { automountServiceAccountToken: false } : {}),
  };
  return { key: accountKey(namespace, name), object };
}

export function namespaceKey(name: string): string {
  return `/registry/namespaces/${name}`;
}

export function accountKey(namespace: string, name: string): string {
  return `/registry/serviceaccounts/${namespace}/${name}`;
}

function managedFields(fields: readonly string[]): readonly JsonObject[] {
  const metadata = Object.fromEntries(
    fields.map((field) => [field, { '.': {}, 'f:app.kubernetes.io/name': {}, 'f:app.kubernetes.io/managed-by': {} }]),
  );
  return [
    {
      manager: 'helm',
      operation: 'Update',
      apiVersion: 'v1',
      time: MADE,
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:metadata': metadata },
    },
  ];
}

function toUid(kind: number, number: number): string {
  return `00000000-0000-4000-800${kind}-${number.toString(16).padStart(12, '0')}`;
}
