/** Objects as an audit sees them. */

import type { JudgeManifestOptions } from '../../../src/manifests/judge-manifest.ts';
import { createWorld } from '../../../src/manifests/world.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asString } from '../../../src/objects/json.ts';
import { toNewSubject } from '../../../src/objects/manifest.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import { API_AUDIENCE, configure } from '../judging.ts';

export function seen(kind: string, metadata: JsonObject, more: JsonObject = {}): Subject {
  const group = /Role/.test(kind) ? 'rbac.authorization.k8s.io/v1' : 'v1';
  const apiVersion = /Deployment|Set$/.test(kind) ? 'apps/v1' : kind === 'CronJob' ? 'batch/v1' : group;
  const subject = toNewSubject({ apiVersion, kind, metadata: { namespace: 'shop', ...metadata }, ...more }, '');
  if (subject === undefined) throw new Error(`${kind} is a kind that rules read`);
  return subject;
}

export const SECRET_TYPE = { type: 'kubernetes.io/service-account-token' };

/** As the ServiceAccount plugin writes it. */
export function defaultVolume(expirationSeconds = 3607): JsonObject {
  return {
    name: 'kube-api-access-abcde',
    projected: {
      sources: [
        { serviceAccountToken: { path: 'token', expirationSeconds } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  };
}

const MOUNT = { name: 'kube-api-access-abcde', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };

/** A pod as it is stored, with the default token, and with more volumes, all of them mounted. */
export function storedPod(name: string, controller?: JsonObject, volumes: readonly JsonObject[] = [defaultVolume()]) {
  const mounts = volumes.map((volume) =>
    volume['name'] === MOUNT.name
      ? MOUNT
      : { name: volume['name'] ?? '', mountPath: `/${asString(volume['name']) ?? ''}` },
  );
  const containers = [{ name: 'app', image: 'registry.example/a:1', volumeMounts: mounts }];
  const ownerReferences = controller === undefined ? [] : [{ apiVersion: 'apps/v1', controller: true, ...controller }];
  return seen('Pod', { name, ownerReferences }, { spec: { serviceAccountName: 'web', containers, volumes } });
}

/** With what is judged; `others` are namespaces, accounts and Secrets. */
export function judgingWith(others: readonly Subject[], keys: JsonObject = {}): JudgeManifestOptions {
  const accounts = others.some(({ kind }) => kind === 'ServiceAccount')
    ? []
    : [seen('ServiceAccount', { name: 'web' })];
  const namespaces = others.some(({ kind }) => kind === 'Namespace') ? [] : [seen('Namespace', { name: 'shop' })];
  return {
    configuration: configure(keys),
    cluster: { apiAudiences: [API_AUDIENCE], issuers: [API_AUDIENCE] },
    world: createWorld([...namespaces, ...accounts, ...others], { keys: new Set(), isWhole: true }),
    now: Date.UTC(2026, 10, 26),
    release: 'curfew',
    mutatingWebhooks: { state: 'found', value: [] },
  };
}
