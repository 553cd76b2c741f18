/**
 * Objects that nobody writes by mistake, with the verdict that is expected of each, at restricted. They are sent to the
 * webhook and given to `curfew check`; large ones are made here and are in no file.
 */

import { EXAMPLE_LEGACY_CLAIMS, exampleJwt } from '../../src/objects/example-tokens.ts';
import type { JsonObject, JsonValue } from '../../src/objects/json.ts';

export type HostileObject = {
  readonly name: string;
  /** The path of the entry that the API server would send it to. */
  readonly entry: '/validate/pods' | '/validate/secrets' | '/validate/review' | '/mutate/pods';
  readonly object: () => JsonObject;
  readonly isAllowed: boolean;
  /** Stands in what is said, by both. */
  readonly says: string;
  /** Exit code of `curfew check`: 0 clean, 1 denied, 2 not judged. */
  readonly code: 0 | 1 | 2;
};

const COUNT = 10_000;
const many = <T>(make: (index: number) => T, count = COUNT): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const API_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
export const HOSTILE_TOKEN = exampleJwt(EXAMPLE_LEGACY_CLAIMS);

/** Colours, a title for the window, a bell, a line of its own, right to left, no width, half of a pair, an end. */
export const OBEYED = '\u001b[31m\u001b]0;owned\u0007\u009b2J\na\r\u202eb\u200bc\ud800\u0000';

const volume: JsonObject = {
  name: 'kube-api-access-x7k2p',
  projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }] },
};
const mounted = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  image: 'registry.example/web:1',
  volumeMounts: [{ name: 'kube-api-access-x7k2p', mountPath: API_PATH, readOnly: true }],
  ...more,
});
const pod = (spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'example', namespace: 'shop', ...metadata },
  spec: {
    serviceAccountName: 'web',
    automountServiceAccountToken: true,
    containers: [mounted('app')],
    volumes: [volume],
    ...spec,
  },
});
const nest = (depth: number): JsonValue => {
  let value: JsonValue = {};
  for (let level = 0; level < depth; level += 1) value = { 'f:a': value };
  return value;
};

const AUTOMOUNT = { entry: '/validate/pods', isAllowed: false, says: 'pod-automount', code: 1 } as const;

export const HOSTILE_OBJECTS: readonly HostileObject[] = [
  {
    name: 'a name in Cyrillic that looks like another one',
    ...AUTOMOUNT,
    says: 'container аpp',
    object: () => pod({ containers: [mounted('аpp')] }),
  },
  {
    name: 'a container whose name a terminal obeys',
    ...AUTOMOUNT,
    object: () => pod({ containers: [mounted(OBEYED)] }),
  },
  {
    name: 'an account whose name a terminal obeys',
    ...AUTOMOUNT,
    code: 2,
    object: () => pod({ serviceAccountName: OBEYED }),
  },
  {
    name: 'a pod whose own names a terminal obeys',
    ...AUTOMOUNT,
    code: 2,
    object: () =>
      pod({}, { name: OBEYED, namespace: OBEYED, labels: { [OBEYED]: OBEYED }, annotations: { [OBEYED]: OBEYED } }),
  },
  {
    name: 'a name of 300,000 characters',
    ...AUTOMOUNT,
    says: 'Pod shop/nnnnn',
    object: () => pod({ containers: [mounted('n'.repeat(300_000))] }, { name: 'n'.repeat(300_000) }),
  },
  { name: '10,000 containers', ...AUTOMOUNT, object: () => pod({ containers: many((index) => mounted(`c${index}`)) }) },
  {
    name: '10,000 volumes and a container that mounts each one at the path of the next',
    ...AUTOMOUNT,
    says: ' problems',
    object: () =>
      pod({
        containers: [
          mounted('app', {
            volumeMounts: many((index) => ({ name: `v${index}`, mountPath: `/v${(index + 1) % COUNT}` })),
          }),
        ],
        volumes: many((index) => ({ ...volume, name: `v${index}` })),
      }),
  },
  {
    name: '10,000 volumes of the same name',
    ...AUTOMOUNT,
    object: () => pod({ volumes: many(() => volume) }),
  },
  {
    name: 'an annotation of 256 KiB',
    ...AUTOMOUNT,
    object: () => pod({}, { annotations: { note: 'x'.repeat(262_144) } }),
  },
  {
    name: 'a reason of 256 KiB on the pod, where it does not count',
    ...AUTOMOUNT,
    object: () => pod({}, { annotations: { 'curfew.dev/api-access': `${OBEYED}${'x'.repeat(262_000)}` } }),
  },
  {
    name: 'an annotation of 256 KiB that asks for a token',
    entry: '/mutate/pods',
    isAllowed: false,
    says: 'allowed: at most 4096',
    code: 1,
    object: () => pod({}, { annotations: { 'tokens.curfew.dev/vault': `{audience: ${'v'.repeat(262_000)}}` } }),
  },
  {
    name: 'ten thousand annotations that ask for tokens',
    entry: '/mutate/pods',
    isAllowed: false,
    says: 'inject-token',
    code: 1,
    object: () =>
      pod({}, { annotations: Object.fromEntries(many((index) => [`tokens.curfew.dev/t${index}`, '{audience: a}'])) }),
  },
  {
    name: 'an annotation that asks for a token by aliases',
    entry: '/mutate/pods',
    isAllowed: false,
    says: 'an anchor, an alias or a tag',
    code: 1,
    object: () => pod({}, { annotations: { 'tokens.curfew.dev/vault': 'a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n' } }),
  },
  {
    name: 'an annotation that asks for a token with what a terminal obeys',
    entry: '/mutate/pods',
    isAllowed: false,
    says: 'inject-token',
    code: 1,
    object: () => pod({}, { annotations: { 'tokens.curfew.dev/vault': `{audience: "${OBEYED}", ${OBEYED}: x}` } }),
  },
  {
    name: 'a record of what was injected, of 256 KiB',
    ...AUTOMOUNT,
    object: () =>
      pod({}, { annotations: { 'curfew.dev/injected': `{"a":{"volumes":[${'"v",'.repeat(60_000)}"v"]}}` } }),
  },
  {
    name: 'managed fields 2,000 deep',
    ...AUTOMOUNT,
    object: () => pod({}, { managedFields: [{ manager: 'm', operation: 'Apply', fieldsV1: nest(2_000) }] }),
  },
  {
    name: 'keys that are names of what every object has',
    ...AUTOMOUNT,
    object: () =>
      JSON.parse(
        JSON.stringify(pod({}, { labels: { replaced: 'a' } })).replace(
          '"replaced"',
          '"__proto__":"x","constructor":"x","toString":"x","hasOwnProperty"',
        ),
      ),
  },
  {
    name: 'lists where objects belong, and objects where lists belong',
    entry: '/validate/pods',
    isAllowed: true,
    says: '',
    code: 0,
    object: () => ({ apiVersion: 'v1', kind: 'Pod', metadata: [], spec: [{ containers: { length: 3 } }] }),
  },
  {
    name: 'a token Secret whose keys are names of what every object has',
    entry: '/validate/secrets',
    isAllowed: false,
    says: 'long-lived-token-secret',
    code: 1,
    object: () =>
      JSON.parse(
        '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"example","namespace":"shop","annotations":{"__proto__":"x"}},"__proto__":{"type":"Opaque"},"type":"kubernetes.io/service-account-token"}',
      ),
  },
  {
    name: 'a type that looks like that of tokens, and is another one to the API server',
    entry: '/validate/review',
    isAllowed: true,
    says: '',
    code: 0,
    object: () => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'example', namespace: 'shop' },
      type: 'kubernetes.io/servicе-account-token',
    }),
  },
  {
    name: 'a token between 20,000 texts that look like one',
    entry: '/validate/review',
    isAllowed: false,
    says: 'embedded-token',
    code: 1,
    object: () => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'example', namespace: 'shop' },
      data: { a: HOSTILE_TOKEN, b: 'eyJhbGciOiJ4In0.e30.x '.repeat(20_000) },
    }),
  },
  {
    name: '400,000 beginnings of a token',
    entry: '/validate/review',
    isAllowed: true,
    says: '',
    code: 0,
    object: () => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'example', namespace: 'shop' },
      data: { a: 'eyJ'.repeat(400_000) },
    }),
  },
  {
    name: 'a token under a key that a terminal obeys',
    entry: '/validate/review',
    isAllowed: false,
    says: 'embedded-token',
    code: 1,
    object: () => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'example', namespace: 'shop' },
      data: { [OBEYED]: HOSTILE_TOKEN },
    }),
  },
  {
    name: 'a role of 10,000 rules in words that a terminal obeys',
    entry: '/validate/review',
    isAllowed: false,
    says: 'rbac-',
    code: 1,
    object: () => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'example', namespace: 'shop' },
      rules: many((index) => ({
        verbs: ['*', OBEYED],
        apiGroups: [`g${index}`, OBEYED],
        resources: ['*', OBEYED],
        resourceNames: [OBEYED],
      })),
    }),
  },
];
