/**
 * Objects of any size for each kind that rules read, made of pieces: so many containers, volumes, rules of this kind and of
 * that. Which mixture is the worst for a rule nobody has to guess; `worst-input.ts` looks for it.
 */

import type { JsonObject, JsonValue } from '../src/objects/json.ts';

/** How many of each piece an object has. */
export type Mixture = Readonly<Record<string, number>>;

export type ObjectKind = {
  /** Names of the pieces. */
  readonly pieces: readonly string[];
  /** What people write: that of an ordinary object. */
  readonly typical: Mixture;
  /** Makes an object of these pieces; `salt` makes one that is alike and not the same. */
  readonly build: (mixture: Mixture, salt?: string) => JsonObject;
};

const text = (length: number) => 'lorem ipsum dolor sit amet '.repeat(Math.ceil(length / 27)).slice(0, length);
/** Looks like the first part of a token and is none. */
const lookAlike = (index: number) => `eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.${btoa(`{"n":${index}}`)}.`;

/** The things that pieces are put into. */
type Parts = Record<string, JsonValue[]>;

function many(mixture: Mixture, piece: string, make: (index: number) => JsonValue): readonly JsonValue[] {
  return Array.from({ length: mixture[piece] ?? 0 }, (_, index) => make(index));
}

function entries(mixture: Mixture, piece: string, make: (index: number) => readonly [string, JsonValue]): JsonObject {
  return Object.fromEntries(many(mixture, piece, (index) => [...make(index)]) as [string, JsonValue][]);
}

const API_MOUNT = { name: 'kube-api-access-x7k2p', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };

const tokenSource = (index: number, salt: string) => ({
  serviceAccountToken: { path: `token-${index}`, audience: `audience-${salt}${index}`, expirationSeconds: 86_401 },
});

/** Containers share the volumes, as they do in a pod with sidecars; all that is mounted is there. */
function buildPod(mixture: Mixture, salt = ''): JsonObject {
  const volumes: Parts = {
    all: [
      ...many(mixture, 'secret volume', (index) => ({
        name: `secret-${index}`,
        secret: { secretName: `s-${salt}${index}` },
      })),
      ...many(mixture, 'token volume', (index) => ({
        name: `token-${index}`,
        projected: { sources: [tokenSource(index, salt)] },
      })),
      {
        name: 'wide',
        projected: { sources: [...many(mixture, 'token source', (index) => tokenSource(index, salt))] },
      },
      {
        name: API_MOUNT.name,
        projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }] },
      },
    ],
  };
  const mounts = many(mixture, 'mount', (index) => ({
    name: index % 2 === 0 ? `token-${index >> 1}` : `secret-${index >> 1}`,
    mountPath: `/mnt/${salt}${index}`,
  }));
  const env = many(mixture, 'variable', (index) => ({ name: `KEY_${salt}${index}`, value: text(30) }));
  const references = many(mixture, 'reference to a Secret', (index) => ({
    name: `REF_${salt}${index}`,
    valueFrom: { secretKeyRef: { name: `s-${index}`, key: 'token' } },
  }));
  const container = (prefix: string) => (index: number) => ({
    name: `${prefix}-${salt}${index}`,
    image: 'registry.example/web:1',
    volumeMounts: [API_MOUNT],
  });
  const first = {
    name: 'app',
    image: 'registry.example/web:1',
    env: [...env, ...references],
    volumeMounts: [API_MOUNT, ...mounts],
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: 'shop',
      annotations: {
        ...entries(mixture, 'request for a token', (index) => [
          `tokens.curfew.dev/t-${salt}${index}`,
          `{audience: a-${index}}`,
        ]),
        ...entries(mixture, 'annotation', (index) => [`example.com/note-${salt}${index}`, text(100)]),
      },
    },
    spec: {
      serviceAccountName: 'web',
      containers: [first, ...many(mixture, 'container', container('c'))],
      initContainers: [...many(mixture, 'init container', container('i'))],
      ephemeralContainers: [...many(mixture, 'debug container', container('d'))],
      volumes: volumes['all'] ?? [],
    },
  };
}

const POD: ObjectKind = {
  pieces: [
    'container',
    'init container',
    'debug container',
    'mount',
    'variable',
    'reference to a Secret',
    'secret volume',
    'token volume',
    'token source',
    'request for a token',
    'annotation',
  ],
  typical: { container: 4, variable: 20, mount: 4, 'secret volume': 2, 'token volume': 1, annotation: 2 },
  build: buildPod,
};

function dataOf(mixture: Mixture, salt: string, encode: (plain: string) => string): JsonObject {
  return {
    ...entries(mixture, 'short value', (index) => [`k-${salt}${index}`, encode(`value ${salt}${index}`)]),
    ...entries(mixture, 'page of text', (index) => [`t-${salt}${index}`, encode(text(4096))]),
    ...entries(mixture, 'look-alike of a token', (index) => [`l-${salt}${index}`, encode(lookAlike(index))]),
    ...entries(mixture, 'page of look-alikes', (index) => [`p-${salt}${index}`, encode(lookAlike(index).repeat(80))]),
    ...entries(mixture, 'base64 of text', (index) => [`b-${salt}${index}`, encode(btoa(text(3072)))]),
  };
}

const DATA_PIECES = ['short value', 'page of text', 'look-alike of a token', 'page of look-alikes', 'base64 of text'];
const TYPICAL_DATA = { 'short value': 5, 'page of text': 1 };

function secretKind(fields: JsonObject, namespace = 'shop'): ObjectKind {
  return {
    pieces: [...DATA_PIECES, 'annotation'],
    typical: TYPICAL_DATA,
    build: (mixture, salt = '') => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'web',
        namespace,
        annotations: {
          'kubernetes.io/service-account.name': 'ci',
          ...entries(mixture, 'annotation', (index) => [`example.com/note-${salt}${index}`, text(100)]),
        },
      },
      ...fields,
      data: dataOf(mixture, salt, btoa),
    }),
  };
}

const RULES: Readonly<Record<string, (index: number, salt: string) => JsonObject>> = {
  'harmless rule': (index, salt) => rule([''], [`r-${salt}${index}`], ['get', 'list', 'watch']),
  'rule for Secrets': (index, salt) => rule([''], ['secrets', `r-${salt}${index}`], ['get', '*']),
  'rule for everything': (index, salt) => rule([`g-${salt}${index}`, '*'], ['*'], ['*']),
  'rule for workloads': (index, salt) =>
    rule(['apps', `g-${salt}${index}`], ['deployments', 'jobs'], ['create', 'patch']),
  'rule that impersonates': (index, salt) => ({
    ...rule([''], ['users', 'serviceaccounts'], ['impersonate', `impersonate-on:user-info:v-${index}`]),
    resourceNames: [`n-${salt}${index}`],
  }),
  'rule of 100 names': (index, salt) => ({
    ...rule([''], ['secrets', 'serviceaccounts/token', 'pods/exec'], ['get', 'create']),
    resourceNames: Array.from({ length: 100 }, (_, name) => `n-${salt}${index}-${name}`),
  }),
  'rule of 100 resources': (index, salt) =>
    rule(
      ['*'],
      Array.from({ length: 100 }, (_, name) => `r-${salt}${index}-${name}/status`),
      ['get'],
    ),
  'rule of 100 verbs': (index, salt) =>
    rule(
      [''],
      ['pods', 'nodes/proxy'],
      Array.from({ length: 100 }, (_, name) => `v-${salt}${index}-${name}`),
    ),
  'rule for every subresource': (index, salt) =>
    rule(['', `g-${salt}${index}`], ['*/token', '*/exec', '*/proxy'], ['create']),
};

function rule(apiGroups: readonly string[], resources: readonly string[], verbs: readonly string[]): JsonObject {
  return { apiGroups, resources, verbs };
}

const ROLE: ObjectKind = {
  pieces: [...Object.keys(RULES), 'label'],
  typical: { 'harmless rule': 10, 'rule for workloads': 1, 'rule for Secrets': 1 },
  build: (mixture, salt = '') => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: {
      name: 'web',
      labels: entries(mixture, 'label', (index) => [`example.com/aggregate-to-r-${salt}${index}`, 'true']),
    },
    rules: Object.entries(RULES).flatMap(([piece, make]) => many(mixture, piece, (index) => make(index, salt))),
  }),
};

/** Kinds whose objects are lists of a few fields. */
const BINDING: ObjectKind = {
  pieces: ['account', 'user name of an account', 'group'],
  typical: { account: 2, group: 1 },
  build: (mixture, salt = '') => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'web', namespace: 'shop' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [
      ...many(mixture, 'account', (index) => ({
        kind: 'ServiceAccount',
        name: `a-${salt}${index}`,
        namespace: 'shop',
      })),
      ...many(mixture, 'user name of an account', (index) => ({
        kind: 'User',
        name: `system:serviceaccount:shop:u-${salt}${index}`,
      })),
      ...many(mixture, 'group', (index) => ({ kind: 'Group', name: `system:serviceaccounts:g-${salt}${index}` })),
    ],
  }),
};

const SERVICE_ACCOUNT: ObjectKind = {
  pieces: ['secret', 'image pull secret', 'annotation', 'request for a token'],
  typical: { secret: 1, 'image pull secret': 1, annotation: 2 },
  build: (mixture, salt = '') => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: {
      name: 'default',
      namespace: 'shop',
      annotations: {
        ...entries(mixture, 'annotation', (index) => [`example.com/note-${salt}${index}`, text(100)]),
        ...entries(mixture, 'request for a token', (index) => [`tokens.curfew.dev/t-${salt}${index}`, '{audience: a}']),
      },
    },
    secrets: [...many(mixture, 'secret', (index) => ({ name: `s-${salt}${index}` }))],
    imagePullSecrets: [...many(mixture, 'image pull secret', (index) => ({ name: `s-${salt}${index}` }))],
  }),
};

const TOKEN_REQUEST: ObjectKind = {
  pieces: ['audience', 'audience of the API'],
  typical: { audience: 1 },
  build: (mixture, salt = '') => ({
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      expirationSeconds: 86_401,
      boundObjectRef: null,
      audiences: [
        ...many(mixture, 'audience', (index) => `audience-${salt}${index}`),
        ...many(mixture, 'audience of the API', () => 'https://kubernetes.default.svc'),
      ],
    },
  }),
};

/** By resource and, where a rule looks at objects of one type alone, by rule. */
const KINDS: Readonly<Record<string, ObjectKind>> = {
  pods: POD,
  secrets: secretKind({ type: 'kubernetes.io/service-account-token' }),
  'embedded-token': secretKind({ type: 'Opaque' }),
  'bootstrap-token-expiration': secretKind({ type: 'bootstrap.kubernetes.io/token' }, 'kube-system'),
  serviceaccounts: SERVICE_ACCOUNT,
  'serviceaccounts/token': TOKEN_REQUEST,
  roles: ROLE,
  rolebindings: BINDING,
};

export function kindFor(ruleId: string, resource: string): ObjectKind {
  const kind = KINDS[ruleId] ?? KINDS[resource];
  if (kind === undefined) throw new Error(`${ruleId} reads ${resource}, of which bench/rule-objects.ts makes none`);
  return kind;
}

/** As many of these pieces, in these proportions, as make about `bytes` of JSON. */
export function scaleTo(kind: ObjectKind, mixture: Mixture, bytes: number): Mixture {
  const sizeOf = (counts: Mixture) => JSON.stringify(kind.build(counts)).length;
  const times = (factor: number): Mixture =>
    Object.fromEntries(Object.entries(mixture).map(([piece, count]) => [piece, Math.round(count * factor)]));
  const empty = sizeOf({});
  let factor = (bytes - empty) / Math.max(1, sizeOf(mixture) - empty);
  // Numbers in the names grow with their count.
  for (let step = 0; step < 3; step += 1) factor *= (bytes - empty) / Math.max(1, sizeOf(times(factor)) - empty);
  return times(factor);
}
