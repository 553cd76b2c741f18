/**
 * What the webhooks of others do to a pod, as far as it meets what Curfew does: stand-ins for amazon-eks-pod-identity-webhook
 * v0.6.17, azure-workload-identity v1.6.0 and pfnet's gcp-workload-identity-federation-webhook v0.7.0, mode direct. Each
 * does to volumes, mounts and variables what its original does, also where that is not what we would do.
 */

import type { JsonObject, JsonValue } from '../src/objects/json.ts';
import { asArray, asString, member, stringMembers, valueAt } from '../src/objects/json.ts';

export const AWS_ROLE = 'arn:aws:iam::111122223333:role/web';
export const DAY_SECONDS = 86_400;

/**
 * Keeps a volume, mount or variable that is there, by its name alone. The lifetime is the pod's annotation, else a day.
 * Writes all containers anew, from types that do not know every field.
 */
export function injectAsAws(pod: unknown): readonly JsonObject[] {
  const name = 'aws-iam-token';
  const mountPath = '/var/run/secrets/eks.amazonaws.com/serviceaccount';
  const seconds = Number(annotationsOf(pod).get('eks.amazonaws.com/token-expiration') ?? DAY_SECONDS);
  const containers = containersOf(pod).map((container) => {
    const mounts = listOf(container, 'volumeMounts');
    const env = listOf(container, 'env');
    const isThere = env.some((one) => ['AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE'].includes(nameOf(one)));
    const added = [
      { name: 'AWS_ROLE_ARN', value: AWS_ROLE },
      { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: `${mountPath}/token` },
    ];
    const isMounted = mounts.some((one) => nameOf(one) === name);
    return {
      ...container,
      volumeMounts: isMounted ? mounts : [...mounts, { name, readOnly: true, mountPath }],
      env: isThere ? env : [...env, ...added],
    };
  });
  const volumes = volumesOf(pod);
  const volume = tokenVolume(name, { audience: 'sts.amazonaws.com', expirationSeconds: seconds, path: 'token' });
  return [
    { op: 'replace', path: '/spec/containers', value: containers },
    ...(volumes.some((one) => nameOf(one) === name)
      ? []
      : [{ op: 'add', path: '/spec/volumes', value: [volume, ...volumes] }]),
  ];
}

/** Overwrites a volume and mounts of its own name; keeps variables. The lifetime is the pod's annotation, else an hour. */
export function injectAsAzure(pod: unknown, name = 'azure-workload-identity-reserved-0a1b2c'): readonly JsonObject[] {
  const mountPath = '/var/run/secrets/azure/wi';
  const given = annotationsOf(pod).get('azure.workload.identity/service-account-token-expiration');
  const token = { audience: 'api://AzureADTokenExchange', expirationSeconds: Number(given ?? 3600) };
  const volume = tokenVolume(name, { ...token, path: 'token/azure-identity-token' });
  const file = { name: 'AZURE_FEDERATED_TOKEN_FILE', value: `${mountPath}/token/azure-identity-token` };
  const containers = containersOf(pod).map((container) => {
    const env = listOf(container, 'env');
    const mounts = listOf(container, 'volumeMounts').filter((one) => nameOf(one) !== name);
    return {
      ...container,
      volumeMounts: [...mounts, { name, readOnly: true, mountPath }],
      env: env.some((one) => nameOf(one) === file.name) ? env : [...env, file],
    };
  });
  const volumes = volumesOf(pod).filter((one) => nameOf(one) !== name);
  return [
    { op: 'replace', path: '/spec/containers', value: containers },
    { op: 'add', path: '/spec/volumes', value: [...volumes, volume] },
  ];
}

/** Replaces volumes and mounts of its names, and its variable; writes the lifetime, which is a day, on the pod. */
export function injectAsGoogle(pod: unknown): readonly JsonObject[] {
  const mounts = [
    { name: 'gcp-iam-token', readOnly: true, mountPath: '/var/run/secrets/sts.googleapis.com/serviceaccount' },
    { name: 'external-credential-config', readOnly: true, mountPath: '/var/run/secrets/workload-identity' },
  ];
  const isOurs = (one: unknown) => mounts.some(({ name }) => name === nameOf(one));
  const seconds = Number(annotationsOf(pod).get('cloud.google.com/token-expiration') ?? DAY_SECONDS);
  const token = { audience: 'sts.googleapis.com', expirationSeconds: seconds, path: 'token' };
  const fieldRef = {
    apiVersion: 'v1',
    fieldPath: "metadata.annotations['cloud.google.com/external-credentials-json']",
  };
  const credential = { downwardAPI: { items: [{ path: 'federation.json', fieldRef }] } };
  const file = { name: 'GOOGLE_APPLICATION_CREDENTIALS', value: '/var/run/secrets/workload-identity/federation.json' };
  const containers = containersOf(pod).map((container) => ({
    ...container,
    volumeMounts: [...listOf(container, 'volumeMounts').filter((one) => !isOurs(one)), ...mounts],
    env: [...listOf(container, 'env').filter((one) => nameOf(one) !== file.name), file],
  }));
  const annotations = {
    ...Object.fromEntries(annotationsOf(pod)),
    'cloud.google.com/token-expiration': String(seconds),
    'cloud.google.com/audience': 'sts.googleapis.com',
    'cloud.google.com/external-credentials-json': '{"type":"external_account"}',
  };
  return [
    { op: 'add', path: '/metadata/annotations', value: annotations },
    { op: 'replace', path: '/spec/containers', value: containers },
    {
      op: 'add',
      path: '/spec/volumes',
      value: [
        ...volumesOf(pod).filter((one) => !isOurs(one)),
        {
          ...tokenVolume('gcp-iam-token', token),
          projected: { sources: [{ serviceAccountToken: token }], defaultMode: 288 },
        },
        { name: 'external-credential-config', ...credential },
      ],
    },
  ];
}

function tokenVolume(name: string, serviceAccountToken: JsonObject): JsonObject {
  return { name, projected: { sources: [{ serviceAccountToken }] } };
}

function containersOf(pod: unknown): readonly JsonObject[] {
  return asArray(valueAt(pod, ['spec', 'containers'])) as readonly JsonObject[];
}

function volumesOf(pod: unknown): readonly JsonValue[] {
  return asArray(valueAt(pod, ['spec', 'volumes']));
}

function annotationsOf(pod: unknown): ReadonlyMap<string, string> {
  return stringMembers(valueAt(pod, ['metadata', 'annotations']));
}

function listOf(container: JsonObject, key: string): readonly JsonValue[] {
  return asArray(member(container, key));
}

function nameOf(one: unknown): string {
  return asString(member(one, 'name')) ?? '';
}
