/** Pods that the API server takes, and that get in the way of the tokens they ask for in every way we could think of. */

import type { JsonObject } from '../../../src/objects/json.ts';
import { fc } from '../../properties.ts';

const PATHS = [
  '/var/run/curfew/a',
  '/var/run/curfew/a/',
  '/var/run/curfew/a/sub',
  '/var/run/curfew',
  '/var/run/curfew/b',
  '/var/run/secrets/eks.amazonaws.com/serviceaccount',
  '/var/run/secrets/tokens',
  '/x',
  '/x/y',
  '/var/run/secrets/tokens/gcp-ksa',
  '/tmp',
];
const VOLUMES = [
  'curfew-token-a',
  'curfew-token-b',
  'aws-iam-token',
  'jwt-token',
  'gcp-ksa',
  'vault-token',
  'istio-token',
  'tmp',
  'own',
];
const VARIABLES = ['T', 'AWS_ROLE_ARN', 'AWS_REGION', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'JWT_TOKEN_PATH', 'OTHER'];

const VALUES = [
  '{audience: a}',
  '{audience: a, expiration: 10m}',
  '{audience: a, expiration: 24h}',
  '{audience: b, env: T}',
  '{audience: b, env: T, overrideEnv: true}',
  '{audience: a, mountPath: /x}',
  '{audience: a, mountPath: /x/y, path: deep/file, mode: "0440"}',
  '{audience: a, containers: [app]}',
  '{audience: a, excludeContainers: [app, setup]}',
  '{audience: a, containers: [nobody]}',
  '{audience: https://kubernetes.default.svc}',
  '{preset: aws-irsa, roleArn: "arn:aws:iam::111122223333:role/web", region: eu-west-1}',
  '{preset: conjur}',
  '{preset: ibm}',
  '{preset: vault}',
  '{preset: gcp, provider: projects/1/locations/global/workloadIdentityPools/p/providers/q}',
  '{preset: gcp, provider: p, mountPath: /var/run/secrets/workload-identity}',
  '{preset: teleport, clusterName: example}',
  '{preset: gcp-fleet, pool: p, identityProvider: i}',
  '{preset: gcp-fleet, pool: p, identityProvider: i, mountPath: /x}',
  '{preset: stackit, serviceAccountEmail: a@b.example, federatedTokenFile: /x/y/token}',
  '{audiance: a}',
  'off',
  'nonsense',
];

/** Of the author's own; many live longer than restricted allows. */
export const token = fc.record(
  {
    audience: fc.constantFrom(
      'a',
      'b',
      'sts.amazonaws.com',
      'conjur',
      'vault',
      'istio-ca',
      'https://kubernetes.default.svc',
      '',
    ),
    expirationSeconds: fc.constantFrom(600, 3600, 3607, 7200, 43_200, 86_400, 86_400, 172_800),
    path: fc.constantFrom('token', 'jwt'),
  },
  { requiredKeys: ['audience', 'path'] },
);

const source: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.constant({ emptyDir: {} }),
  fc.constant({ configMap: { name: 'settings' } }),
  fc.constant({ hostPath: { path: '/srv' } }),
  token.map((one) => ({ projected: { sources: [{ serviceAccountToken: one }] } })),
  fc.tuple(token, token).map((two) => ({
    projected: { sources: two.map((one, index) => ({ serviceAccountToken: { ...one, path: `file-${index}` } })) },
  })),
);

const volumes = fc.uniqueArray(
  fc.tuple(fc.constantFrom(...VOLUMES), source).map(([name, fields]) => ({ name, ...fields })),
  { selector: ({ name }) => name, maxLength: 4 },
);

const env = fc.array(
  fc.tuple(fc.constantFrom(...VARIABLES), fc.constantFrom('mine', '/var/run/curfew/a/token', '$(OTHER)', 'field')),
  { maxLength: 3 },
);

const mounts = fc.uniqueArray(
  fc.record({ volume: fc.nat(), mountPath: fc.constantFrom(...PATHS), subPath: fc.constantFrom('', '', 'part') }),
  { selector: ({ mountPath }) => mountPath, maxLength: 3 },
);

const container = fc.record({ env, mounts, hasEnvFrom: fc.boolean() });

type Drawn = {
  readonly env: readonly (readonly [string, string])[];
  readonly mounts: readonly { readonly volume: number; readonly mountPath: string; readonly subPath: string }[];
  readonly hasEnvFrom: boolean;
};

function toContainer(name: string, drawn: Drawn, names: readonly string[]): JsonObject {
  const fieldRef = { fieldPath: 'metadata.name' };
  return {
    name,
    image: 'registry.example/web:1',
    ...(drawn.env.length === 0
      ? {}
      : {
          env: drawn.env.map(([key, value]) =>
            value === 'field' ? { name: key, valueFrom: { fieldRef } } : { name: key, value },
          ),
        }),
    ...(drawn.hasEnvFrom ? { envFrom: [{ configMapRef: { name: 'settings' } }] } : {}),
    ...(names.length === 0
      ? {}
      : {
          volumeMounts: drawn.mounts.map(({ volume, mountPath, subPath }) => ({
            name: names[volume % names.length] ?? '',
            mountPath,
            ...(subPath === '' ? {} : { subPath }),
          })),
        }),
  };
}

/** What an earlier round, or anybody, may have written into `curfew.dev/injected`. */
const records = fc.constantFrom(
  undefined,
  undefined,
  '{',
  '{"a":{"volumes":["curfew-token-a"],"mounts":{"/var/run/curfew/a":"curfew-token-a"},"env":{},"containers":["app"]}}',
  '{"b":{"volumes":["tmp","own"],"mounts":{"/x":"tmp","/tmp":"own"},"env":{"T":"mine"},"containers":["app","setup"]}}',
);

export const colliding: fc.Arbitrary<JsonObject> = fc
  .record({
    tokens: fc.dictionary(fc.constantFrom('a', 'b', 'aws', 'c'), fc.constantFrom(...VALUES), { maxKeys: 3 }),
    volumes,
    containers: fc.array(container, { minLength: 1, maxLength: 3 }),
    initContainers: fc.array(container, { maxLength: 2 }),
    grace: fc.constantFrom(0, 30, 600),
    os: fc.constantFrom('', 'linux', 'windows'),
    record: records,
    automount: fc.boolean(),
    agent: fc.constantFrom(undefined, undefined, 'true'),
    label: fc.constantFrom(undefined, 'on'),
  })
  .map(({ tokens, volumes: own, containers, initContainers, grace, os, record, automount, agent, label }) => {
    const names = own.map(({ name }) => name);
    const annotations = Object.fromEntries(
      Object.entries(tokens).map(([name, value]) => [`tokens.curfew.dev/${name}`, value]),
    );
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'web',
        ...(label === undefined ? {} : { labels: { 'pod-identity.alibabacloud.com/injection': label } }),
        annotations: {
          ...annotations,
          ...(record === undefined ? {} : { 'curfew.dev/injected': record }),
          ...(agent === undefined ? {} : { 'vault.hashicorp.com/agent-inject': agent }),
        },
      },
      spec: {
        serviceAccountName: 'web',
        automountServiceAccountToken: automount,
        terminationGracePeriodSeconds: grace,
        containers: containers.map((one, index) => toContainer(['app', 'side', 'third'][index] ?? '', one, names)),
        ...(initContainers.length === 0
          ? {}
          : {
              initContainers: initContainers.map((one, index) => ({
                ...toContainer(['setup', 'proxy'][index] ?? '', one, names),
                ...(index === 1 ? { restartPolicy: 'Always' } : {}),
              })),
            }),
        ...(own.length === 0 ? {} : { volumes: own }),
        ...(os === '' ? {} : { nodeSelector: { 'kubernetes.io/os': os } }),
      },
    };
  });

/** What is around a pod in one round: who asks, who else injects, and how well the account is known. */
export const worlds = fc.record({
  options: fc.record({
    triggers: fc.subarray(['aws-irsa', 'gcp', 'alibaba-rrsa']),
    jitterPercent: fc.constantFrom(0, 20),
    presetParameters: fc.constant({
      'aws-irsa': { region: 'mine' },
      'alibaba-rrsa': { accountId: '1', oidcProvider: 'ack' },
    }),
  }),
  onAccount: fc.dictionary(
    fc.constantFrom(
      'eks.amazonaws.com/role-arn',
      'cloud.google.com/workload-identity-provider',
      'pod-identity.alibabacloud.com/role-name',
    ),
    fc.constantFrom('mine', 'other'),
    { maxKeys: 3 },
  ),
  state: fc.constantFrom('found', 'found', 'stale', 'unknown'),
  webhooks: fc.subarray(['pod-identity-webhook', 'ack-pod-identity-webhook']),
});
