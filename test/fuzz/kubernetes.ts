/**
 * Objects as the schemas of Kubernetes have them, near enough to what the API server takes that rules read all of them,
 * with words in the places where a rule looks for words. {@link spoiled} puts anything else into some places.
 */

import { EXAMPLE_LEGACY_CLAIMS, exampleBoundClaims, exampleJwt, toBase64 } from '../../src/objects/example-tokens.ts';
import type { JsonObject, JsonValue } from '../../src/objects/json.ts';
import { KINDS } from '../../src/objects/kinds.ts';
import { fc } from '../properties.ts';
import { hostileObject, mutated } from '../unit/arbitraries.ts';
import { colliding } from '../unit/mutations/random-pods.ts';

/** Characters of the tokens below, in front and behind, that no message may hold. */
export const TOKEN_SIGNATURE = 'this-is-an-example-and-not-a-signature';

const TOKENS = [exampleJwt(EXAMPLE_LEGACY_CLAIMS), exampleJwt(exampleBoundClaims(86_400 * 400))];
const API_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** Each key is there or not: that is what most rules are about. */
function partly(fields: Readonly<Record<string, fc.Arbitrary<JsonValue>>>): fc.Arbitrary<JsonObject> {
  // What is left out is no key at all, so that no value is undefined; some objects would have no prototype.
  return fc.record(fields, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<JsonObject>;
}

const NAMES = ['web', 'default', 'ci', 'app', 'kube-api-access-x7k2p', 'curfew-token-a', 'a-b.c', ''];
const HOSTILE_NAMES = [
  'аpp',
  'a\u202eb',
  '\u001b[31mred\u001b[0m',
  'a\nb',
  'n'.repeat(300),
  '__proto__',
  'constructor',
];
export const name = fc.oneof({ weight: 12, arbitrary: oneOf(...NAMES) }, oneOf(...HOSTILE_NAMES));

const annotations = fc.dictionary(
  fc.oneof(
    oneOf('curfew.dev/api-access', 'curfew.dev/injected', 'curfew.dev/mutated-by', 'eks.amazonaws.com/role-arn'),
    oneOf('tokens.curfew.dev/vault', 'tokens.curfew.dev/aws', 'kubernetes.io/service-account.name', 'note'),
  ),
  oneOf<JsonValue>(
    '',
    'watches pods',
    '{audience: vault}',
    '{preset: aws-irsa}',
    'off',
    '{"a":{}}',
    'ci',
    TOKENS[0] ?? '',
  ),
  { maxKeys: 3 },
);
const labels = fc.dictionary(
  oneOf('app', 'curfew.dev/enforce', 'curfew.dev/mutate', 'curfew.dev/nonsense'),
  oneOf<JsonValue>('off', 'baseline', 'restricted', 'x'),
  { maxKeys: 2 },
);

const metadata = partly({
  name,
  generateName: oneOf('web-'),
  namespace: oneOf('shop', 'shop', 'kube-system', 'default', '\u001b]0;x\u0007'),
  annotations,
  labels,
  deletionTimestamp: oneOf<JsonValue>(null, '2026-01-01T00:00:00Z'),
});

const text = fc.oneof(
  oneOf(...TOKENS, 'plain', '', '$(A)'),
  fc.nat(40).map((at) => `${'x'.repeat(at)} ${TOKENS[at % 2]}`),
);
const seconds = oneOf<JsonValue>(3607, 3600, 600, 86_400, 86_401, 31_536_000, 0, -1, 1.5, '3600', null);
const audience = oneOf<JsonValue>('', 'vault', 'https://kubernetes.default.svc', 'sts.amazonaws.com');

const projection = fc.oneof(
  partly({ audience, expirationSeconds: seconds, path: oneOf('token', 'a/b') }).map((serviceAccountToken) => ({
    serviceAccountToken,
  })),
  name.map((secret) => ({ secret: { name: secret } })),
  name.map((configMap) => ({ configMap: { name: configMap } })),
  fc.constant({ downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } }),
);
const volumeSource: fc.Arbitrary<JsonObject> = fc.oneof(
  { weight: 4, arbitrary: fc.array(projection, { maxLength: 4 }).map((sources) => ({ projected: { sources } })) },
  name.map((secretName) => ({ secret: { secretName } })),
  fc.constant({ emptyDir: {} }),
  fc.constant({ hostPath: { path: '/var/lib/kubelet/pods' } }),
  fc.constant({ csi: { driver: 'x', nodePublishSecretRef: { name: 'ci' } } }),
);
const volume = fc.tuple(name, volumeSource).map(([of, source]) => ({ name: of, ...source }));

const variable = fc.oneof(
  fc.record({ name: oneOf('A', 'TOKEN'), value: text }),
  name.map((secret) => ({ name: 'B', valueFrom: { secretKeyRef: { name: secret, key: 'token' } } })),
);
const container = partly({
  name,
  image: oneOf('registry.example/web:1'),
  args: fc.array(text, { maxLength: 2 }),
  command: fc.array(text, { maxLength: 1 }),
  env: fc.array(variable, { maxLength: 3 }),
  envFrom: fc.array(
    name.map((secret) => ({ secretRef: { name: secret } })),
    { maxLength: 1 },
  ),
  volumeMounts: fc.array(
    fc.record({ name, mountPath: oneOf(API_PATH, `${API_PATH}/`, '/var/run/secrets', '/x'), readOnly: fc.boolean() }),
    { maxLength: 3 },
  ),
  restartPolicy: oneOf('Always'),
  targetContainerName: name,
});
const containers = fc.array(container, { maxLength: 3 });

const podSpec = partly({
  serviceAccountName: name,
  serviceAccount: name,
  automountServiceAccountToken: oneOf<JsonValue>(true, false, null),
  containers,
  initContainers: containers,
  ephemeralContainers: fc.array(container, { maxLength: 1 }),
  volumes: fc.array(volume, { maxLength: 4 }),
  os: oneOf<JsonValue>({ name: 'windows' }, { name: 'linux' }),
  imagePullSecrets: fc.array(
    name.map((secret) => ({ name: secret })),
    { maxLength: 1 },
  ),
});

/** The spec of a pod where the kinds of templates have it. */
const template = fc
  .record({ metadata: partly({ annotations, labels }), spec: podSpec })
  .map((pod): readonly JsonObject[] => [
    { template: pod },
    { jobTemplate: { spec: { template: pod } } },
    { replicatedJobs: [{ name: 'a', template: { spec: { template: pod } } }] },
  ]);

const accountReference = fc.record({
  kind: oneOf('ServiceAccount', 'User', 'Group'),
  name,
  namespace: oneOf('ci', ''),
});
const some = (...words: readonly string[]) => fc.uniqueArray(oneOf(...words), { maxLength: 4 });
const rule = partly({
  verbs: some('get', 'list', 'watch', 'create', 'patch', 'impersonate', 'bind', 'escalate', 'approve', '*', 'Get', ''),
  apiGroups: some('', '*', 'apps', 'rbac.authorization.k8s.io', 'certificates.k8s.io', 'batch'),
  resources: some(
    'secrets',
    'pods',
    'pods/exec',
    '*/exec',
    '*/*',
    '*',
    'serviceaccounts/token',
    'nodes/proxy',
    'roles',
  ),
  resourceNames: some('a', 'b', '', 'ci'),
  nonResourceURLs: some('*', '/metrics'),
});

const data = fc.dictionary(
  fc.oneof(oneOf('token', 'ca.crt', 'expiration', 'kubeconfig', '__proto__', 'a b\n'), fc.string({ maxLength: 6 })),
  fc.oneof(text, text.map(toBase64), fc.constant(toBase64('2026-01-01T00:00:00Z'))),
  { maxKeys: 4 },
);

/** What stands beside the metadata in an object of this kind. */
function fieldsOf(kind: string): fc.Arbitrary<JsonObject> {
  switch (kind) {
    case 'Pod':
      return podSpec.map((spec) => ({ spec }));
    case 'Secret': {
      const type = oneOf('kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token', 'Opaque', '');
      return partly({ type, data, stringData: data });
    }
    case 'ConfigMap':
      return partly({ data, binaryData: data });
    case 'ServiceAccount': {
      const secrets = fc.array(
        name.map((secret) => ({ name: secret })),
        { maxLength: 3 },
      );
      return partly({ automountServiceAccountToken: oneOf<JsonValue>(true, false, null), secrets });
    }
    case 'Role':
    case 'ClusterRole':
      return partly({ rules: fc.array(rule, { maxLength: 4 }), aggregationRule: oneOf<JsonValue>({}, null) });
    case 'RoleBinding':
    case 'ClusterRoleBinding': {
      const roleRef = oneOf<JsonValue>({ kind: 'ClusterRole', name: 'cluster-admin' }, { kind: 'Role', name: 'a' });
      return partly({ subjects: fc.array(accountReference, { maxLength: 3 }), roleRef });
    }
    case 'Namespace':
      return fc.constant({});
    default:
      return fc.tuple(template, fc.nat(2)).map(([forms, at]) => ({ spec: forms[at] ?? {} }));
  }
}

/** An object of every kind that a rule reads. */
export const kubernetesObject: fc.Arbitrary<JsonObject> = fc.oneof(
  ...KINDS.map(({ group, versions, kind }) =>
    fc.record({ metadata, fields: fieldsOf(kind) }).map(({ metadata: of, fields }) => {
      const [version = 'v1'] = versions;
      return { apiVersion: group === '' ? version : `${group}/${version}`, kind, metadata: of, ...fields };
    }),
  ),
  colliding,
);

export const tokenRequest: fc.Arbitrary<JsonObject> = partly({
  audiences: fc.array(audience, { maxLength: 3 }),
  expirationSeconds: seconds,
  boundObjectRef: oneOf<JsonValue>(null, { kind: 'Pod', name: 'web' }, { kind: 'Secret' }, {}),
}).map((spec) => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec }));

export const roleObject: fc.Arbitrary<JsonObject> = fc.array(rule, { maxLength: 6 }).map((rules) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: 'a', namespace: 'b' },
  rules,
}));

/** One of `objects`, half of the time with anything at all in some of its places. */
export function spoiled(objects: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> {
  return fc.oneof(
    { weight: 4, arbitrary: objects },
    { weight: 4, arbitrary: objects.chain((object) => mutated([object])) },
    { weight: 1, arbitrary: hostileObject },
  );
}
