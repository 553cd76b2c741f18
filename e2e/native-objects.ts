/** Objects that policies are asked about: random ones near what the rules look at, and the largest that they judge. */

import type { JsonObject } from '../src/objects/json.ts';
import { API_TOKEN_MOUNT_PATH } from '../src/objects/tokens.ts';
import { fc } from '../test/properties.ts';

export type Generated = {
  readonly object: JsonObject;
  /** What is stored before, and then changed into `object`. */
  readonly old?: JsonObject;
};

const NAME = 'generated';
export const some = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);
/** The key with a value, or without. */
export const maybe = (key: string, value: fc.Arbitrary<unknown>) =>
  fc.option(value, { nil: undefined }).map((one) => (one === undefined ? {} : { [key]: one }) as JsonObject);
export const merged = (...parts: readonly fc.Arbitrary<JsonObject>[]): fc.Arbitrary<JsonObject> =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all) as JsonObject);

const AUDIENCES = ['', 'vault', 'reports', 'istio-ca', 'https://kubernetes.default.svc'] as const;
export const seconds = some(600, 900, 901, 3600, 3601, 3607, 7200, 43_200, 43_201, 86_400, 86_401, 172_800);

const token = merged(maybe('audience', some(...AUDIENCES)), maybe('expirationSeconds', seconds));

/** No two tokens of a volume have the same file. */
const sources = fc
  .array(fc.option(token, { nil: undefined }), { minLength: 1, maxLength: 3 })
  .map((list) =>
    list.map((one, index) =>
      one === undefined
        ? { configMap: { name: `settings-${index}` } }
        : { serviceAccountToken: { path: `token-${index}`, ...one } },
    ),
  );

const defaultSources = merged(maybe('expirationSeconds', seconds)).map((one) => [
  { serviceAccountToken: { path: 'token', ...one } },
  { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
  { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
]);

const VOLUMES = ['token', 'istio-token', 'kube-api-access-mine', 'kube-api-access-other', 'data'] as const;

const volumes = fc.uniqueArray(
  fc.record({ name: some(...VOLUMES), projected: maybe('sources', fc.oneof(sources, defaultSources)) }),
  { selector: ({ name }) => name, maxLength: 4 },
);

export const podSpec = fc
  .tuple(volumes, fc.array(fc.tuple(fc.nat(3), some(API_TOKEN_MOUNT_PATH, '/t', '/u')), { maxLength: 3 }))
  .chain(([list, mounts]) => {
    const unique = new Map(mounts.map(([index, mountPath]) => [mountPath, list[index]?.name]));
    const volumeMounts = [...unique].flatMap(([mountPath, name]) => (name === undefined ? [] : [{ name, mountPath }]));
    const container = { name: 'app', image: 'registry.example/web:1', volumeMounts };
    return merged(
      fc.constant({ volumes: list, containers: [container] }),
      maybe('automountServiceAccountToken', fc.boolean()),
      maybe('serviceAccountName', some('web', 'default')),
    );
  });

const metadata = { name: NAME };
const labels = { app: NAME };

const toTemplate = (spec: JsonObject, kind: string): JsonObject => {
  const template = { metadata: { labels }, spec };
  switch (kind) {
    case 'CronJob':
      return {
        apiVersion: 'batch/v1',
        kind,
        metadata,
        spec: {
          schedule: '0 3 * * *',
          suspend: true,
          jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', ...spec } } } },
        },
      };
    case 'PodTemplate':
      return { apiVersion: 'v1', kind, metadata, template };
    default:
      return {
        apiVersion: 'apps/v1',
        kind,
        metadata,
        spec: { replicas: 0, selector: { matchLabels: labels }, template },
      };
  }
};

const pods = podSpec.map((spec): Generated => ({ object: { apiVersion: 'v1', kind: 'Pod', metadata, spec } }));

const withOld = (one: fc.Arbitrary<JsonObject>): fc.Arbitrary<Generated> =>
  fc
    .tuple(one, fc.option(one, { nil: undefined }))
    .map(([object, old]) => (old === undefined ? { object } : { object, old }));

const templates = fc
  .tuple(some('Deployment', 'CronJob', 'PodTemplate', 'ReplicaSet'), podSpec, fc.option(podSpec, { nil: undefined }))
  .map(
    ([kind, spec, old]): Generated => ({
      object: toTemplate(spec, kind),
      ...(old === undefined ? {} : { old: toTemplate(old, kind) }),
    }),
  );

const ACCOUNT = 'kubernetes.io/service-account.name';
const secrets = fc
  .tuple(
    some('kubernetes.io/service-account-token', 'Opaque'),
    some('web', 'ci'),
    maybe('data', some({ token: 'eA==' }, {})),
  )
  .map(([type, account, data]) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: NAME, annotations: { [ACCOUNT]: account } },
    type,
    ...data,
  }));

/** Texts that are nearly reasons. */
export const REASONS = [
  'lists',
  '',
  ' ',
  '<why>',
  ' <why>\u{200b}',
  '\u{3164}\u{115f}',
  '123',
  '日本',
  'x'.repeat(501),
  '😀a'.repeat(170),
  '😀'.repeat(100),
];

const serviceAccounts = merged(
  fc.constant({ apiVersion: 'v1', kind: 'ServiceAccount' }),
  fc.option(some(...REASONS), { nil: undefined }).map((reason) => ({
    metadata: { name: NAME, ...(reason === undefined ? {} : { annotations: { 'curfew.dev/api-access': reason } }) },
  })),
  maybe('automountServiceAccountToken', fc.boolean()),
);

const bound = some(undefined, { apiVersion: 'v1', kind: 'Pod', name: 'runner' });
const tokenRequests = fc
  .tuple(fc.uniqueArray(some('vault', 'reports', 'https://kubernetes.default.svc'), { maxLength: 2 }), seconds, bound)
  .map(
    ([audiences, expirationSeconds, boundObjectRef]): Generated => ({
      object: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: { name: 'web' },
        spec: { audiences, expirationSeconds, ...(boundObjectRef === undefined ? {} : { boundObjectRef }) },
      },
    }),
  );

const listOf = (...texts: readonly string[]) => fc.uniqueArray(some(...texts), { minLength: 1, maxLength: 3 });

const rule = merged(
  listOf('get', 'list', 'watch', 'create', 'patch', '*').map((verbs) => ({ verbs })),
  listOf('', '*', 'apps').map((apiGroups) => ({ apiGroups })),
  listOf(
    'secrets',
    'configmaps',
    'pods/exec',
    'pods/ephemeralcontainers',
    'serviceaccounts/token',
    'nodes/proxy',
    '*/token',
    '*/proxy',
    '*',
  ).map((resources) => ({ resources })),
  maybe('resourceNames', listOf('', 'a', 'b')),
);

const RBAC = 'rbac.authorization.k8s.io';
const toRole = (kind: string, rules: readonly JsonObject[], label: boolean): JsonObject => ({
  apiVersion: `${RBAC}/v1`,
  kind,
  metadata: { name: NAME, ...(label ? { labels: { [`${RBAC}/aggregate-to-view`]: 'true' } } : {}) },
  rules,
});
const rules = fc.array(rule, { maxLength: 3 });
const roles = fc
  .tuple(some('Role', 'ClusterRole'), rules, fc.boolean(), fc.option(fc.tuple(rules, fc.boolean()), { nil: undefined }))
  .map(
    ([kind, list, label, old]): Generated => ({
      object: toRole(kind, list, label),
      ...(old === undefined ? {} : { old: toRole(kind, ...old) }),
    }),
  );

const subject = fc.oneof(
  merged(
    fc.constant({ kind: 'ServiceAccount' }),
    some('default', 'ci').map((name) => ({ name })),
    some('shop', 'ci').map((namespace) => ({ namespace })),
  ),
  fc
    .tuple(
      some('User', 'Group'),
      some(
        'system:serviceaccount:shop:default',
        'system:serviceaccount:shop:web',
        'system:serviceaccounts:shop',
        'system:serviceaccounts:',
        'system:serviceaccounts',
        'system:authenticated',
        'system:anonymous',
        'jane',
      ),
    )
    .map(([kind, name]) => ({ kind, name, apiGroup: RBAC })),
);
const bindings = fc
  .tuple(some('RoleBinding', 'ClusterRoleBinding'), some('cluster-admin', 'view'))
  .chain(([kind, name]) =>
    withOld(
      fc.array(subject, { maxLength: 3 }).map((subjects) => ({
        apiVersion: `${RBAC}/v1`,
        kind,
        metadata,
        roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
        subjects,
      })),
    ),
  );

export const generated: fc.Arbitrary<Generated> = fc.oneof(
  pods,
  templates,
  withOld(secrets),
  withOld(serviceAccounts),
  tokenRequests,
  roles,
  bindings,
);

const times = <Value>(count: number, make: (index: number) => Value) =>
  Array.from({ length: count }, (_, index) => make(index));

/** As much as the policies judge, and all of it wrong; one more of it with `more`. */
export function listLargest(more: number): readonly JsonObject[] {
  const source = (path: string) => ({ serviceAccountToken: { path, audience: 'vault', expirationSeconds: 172_800 } });
  const mounts = (container: number) =>
    times(20, (index) => ({ name: `volume-${(20 * container + index) % 100}`, mountPath: `/mounts/${index}` }));
  const spec = {
    automountServiceAccountToken: false,
    serviceAccountName: 'web',
    containers: times(50, (index) => ({ name: `c-${index}`, image: 'a', volumeMounts: mounts(index) })),
    volumes: times(100 + more, (index) => ({
      name: `volume-${index}`,
      projected: { sources: times(index < 100 ? 2 : 0, (one) => source(`token-${one}`)) },
    })),
  };
  const entries = { verbs: times(4, (index) => `verb-${index}`), apiGroups: times(4, (index) => `group-${index}`) };
  const large = { ...entries, verbs: [...entries.verbs, 'create'], apiGroups: [...entries.apiGroups, ''] };
  const resources = [...times(9, (index) => `resource-${index}`), 'serviceaccounts/token'];
  return [
    { apiVersion: 'v1', kind: 'Pod', metadata, spec },
    toTemplate(spec, 'Deployment'),
    toRole(
      'ClusterRole',
      times(200 + more, () => ({ ...large, resources })),
      true,
    ),
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: times(200 + more, (index) => ({
        kind: 'ServiceAccount',
        name: `account-${index}`,
        namespace: 'shop',
      })),
    },
  ];
}
