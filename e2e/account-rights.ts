/** Everything that the API server's own authorizer allows an account: asked about everything there is, or as it lists it. */

import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../src/objects/json.ts';
import type { ApiClient } from './api-client.ts';
import type { Kubectl } from './kubectl.ts';
import type { TestCluster } from './test-cluster.ts';

/** `subresource` is empty for the resource itself. */
type Resource = {
  readonly group: string;
  readonly name: string;
  readonly subresource: string;
  readonly isNamespaced: boolean;
};

/** What RBAC knows and discovery does not list: verbs and resources that are only ever asked about. */
const OTHER_RESOURCES: readonly Resource[] = [
  ...['users', 'groups', 'uids'].map((name) => ({ group: '', name, subresource: '', isNamespaced: false })),
  { group: 'authentication.k8s.io', name: 'userextras', subresource: 'scopes', isNamespaced: false },
  { group: 'certificates.k8s.io', name: 'signers', subresource: '', isNamespaced: false },
  { group: 'curfew.dev', name: 'levels', subresource: '', isNamespaced: false },
  { group: 'curfew.dev', name: 'apiaccess', subresource: '', isNamespaced: true },
  // A wildcard would allow it.
  { group: 'example.org', name: 'nothings', subresource: '', isNamespaced: true },
];
const VERBS: readonly string[] = [
  ...['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'],
  ...['bind', 'escalate', 'impersonate', 'approve', 'sign', 'attest', 'relax', 'use', 'proxy', 'any-other'],
];
const URLS: readonly string[] = ['/', '/api', '/healthz', '/metrics', '/logs', '/debug/pprof', '/openid/v1/jwks', '/x'];
const CONCURRENT = 24;

/** Every resource of every group and subresource that the API server serves, and those that only RBAC knows. */
export async function listResources({ must }: Pick<TestCluster, 'must'>): Promise<readonly Resource[]> {
  const get = async (path: string): Promise<unknown> => JSON.parse(await must(['get', '--raw', path]));
  const groups = asArray(member(await get('/apis'), 'groups'));
  const versions = groups.flatMap((group) => asArray(member(group, 'versions')));
  const paths = ['/api/v1', ...versions.map((version) => `/apis/${asString(member(version, 'groupVersion'))}`)];
  const found = new Map<string, Resource>();
  for (const path of paths) {
    const group = path === '/api/v1' ? '' : (path.split('/')[2] ?? '');
    for (const resource of asArray(member(await get(path), 'resources')).filter(isObject)) {
      const [name = '', subresource = ''] = (asString(member(resource, 'name')) ?? '').split('/');
      found.set(`${group}/${name}/${subresource}`, {
        group,
        name,
        subresource,
        isNamespaced: member(resource, 'namespaced') === true,
      });
    }
  }
  return [...found.values(), ...OTHER_RESOURCES];
}

export type Inquiry = {
  readonly api: ApiClient;
  readonly resources: readonly Resource[];
  /** A service account as RBAC knows it. */
  readonly account: { readonly namespace: string; readonly name: string };
  /** Its own namespace is asked about anyway; this is one that it has nothing to do with. */
  readonly otherNamespace: string;
  /** Names that rules may be limited to. */
  readonly names: readonly string[];
};

/**
 * What `account` may do, a line each, sorted: `everywhere: list,watch namespaces`, `in curfew-system: get secrets a-name`.
 * Each verb of each resource is asked about for objects of any name, and where that is refused for each of `names`.
 */
export async function askForRights(inquiry: Inquiry): Promise<readonly string[]> {
  const { account, otherNamespace, resources } = inquiry;
  const ask = async (attributes: JsonObject): Promise<boolean> => {
    const answer = await inquiry.api.create('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { ...userOf(account), ...attributes },
    });
    if (answer.status !== 201) throw new Error(`SubjectAccessReview: ${answer.status} ${answer.body}`);
    return valueAt(JSON.parse(answer.body), ['status', 'allowed']) === true;
  };
  const names = ['', ...inquiry.names];
  /** The place where, and the names for which, one verb of one resource is allowed. */
  const allowed = new Map<string, string[]>();
  const askResource = async (resource: Resource, verb: string): Promise<void> => {
    const { group, name: plural, subresource, isNamespaced } = resource;
    const isAllowed = async (namespace: string, name: string): Promise<boolean> =>
      await ask({ resourceAttributes: { namespace, group, resource: plural, subresource, verb, name } });
    let forAnyName = '';
    for (const name of names) {
      // A right in all namespaces is one in each of them: where one is refused, nobody need ask about all.
      const inOwn = await isAllowed(isNamespaced ? account.namespace : '', name);
      const inOther = isNamespaced ? await isAllowed(otherNamespace, name) : inOwn;
      const place =
        inOwn && inOther && (await isAllowed('', name))
          ? 'everywhere'
          : [inOwn ? `in ${account.namespace}` : [], inOther ? `in ${otherNamespace}` : []].flat().join(' and ');
      // A right that is not limited to names is one for each name.
      if (place === forAnyName) continue;
      const key = `${place}: VERBS ${describe(resource, name)}`;
      allowed.set(key, [...(allowed.get(key) ?? []), verb]);
      if (name === '' && place === 'everywhere') return;
      if (name === '') forAnyName = place;
    }
  };
  const askUrl = async (path: string, verb: string): Promise<void> => {
    if (!(await ask({ nonResourceAttributes: { path, verb } }))) return;
    allowed.set(`URL: VERBS ${path}`, [...(allowed.get(`URL: VERBS ${path}`) ?? []), verb]);
  };
  const questions = [
    ...resources.flatMap((resource) => VERBS.map((verb) => async () => await askResource(resource, verb))),
    ...URLS.flatMap((path) => ['get', 'post', 'delete'].map((verb) => async () => await askUrl(path, verb))),
  ].values();
  await Promise.all(
    Array.from({ length: CONCURRENT }, async () => {
      for (const question of questions) await question();
    }),
  );
  return [...allowed].map(([key, verbs]) => key.replace('VERBS', verbs.toSorted().join(','))).toSorted();
}

type Listing = {
  readonly kubectl: Kubectl;
  readonly account: Inquiry['account'];
  readonly otherNamespace: string;
};

/** The same lines from what the authorizer lists itself, by a SelfSubjectRulesReview of `account` in both namespaces. */
export async function listRights({ kubectl, account, otherNamespace }: Listing): Promise<readonly string[]> {
  const own = await listRules({ kubectl, account, namespace: account.namespace });
  const other = await listRules({ kubectl, account, namespace: otherNamespace });
  const places = new Map<string, Set<string>>();
  for (const [what, verbs] of own) {
    for (const verb of verbs) {
      const place = other.get(what)?.has(verb) === true ? 'everywhere' : `in ${account.namespace}`;
      places.set(`${place}: VERBS ${what}`, (places.get(`${place}: VERBS ${what}`) ?? new Set()).add(verb));
    }
  }
  for (const [what, verbs] of other) {
    const more = [...verbs].filter((verb) => own.get(what)?.has(verb) !== true);
    if (more.length > 0) places.set(`in ${otherNamespace}: VERBS ${what}`, new Set(more));
  }
  return [...places].map(([key, verbs]) => key.replace('VERBS', [...verbs].toSorted().join(','))).toSorted();
}

/** Verbs by resource, group and name; a rule for URLs is none of resources and left out. */
async function listRules({
  kubectl,
  account,
  namespace,
}: {
  readonly kubectl: Kubectl;
  readonly account: Inquiry['account'];
  readonly namespace: string;
}): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const input = JSON.stringify({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace },
  });
  const { stdout, stderr } = await kubectl.run(
    ['create', '--raw', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', '-f', '-'],
    { input, as: userOf(account) },
  );
  if (stdout === '') throw new Error(stderr);
  const rules = new Map<string, Set<string>>();
  for (const rule of asArray(valueAt(JSON.parse(stdout), ['status', 'resourceRules']))) {
    const list = (key: string) => asArray(member(rule, key)).map((text) => asString(text) ?? '');
    const names = list('resourceNames').length === 0 ? [''] : list('resourceNames');
    for (const group of list('apiGroups')) {
      for (const [resource, name] of list('resources').flatMap((one) => names.map((name) => [one, name] as const))) {
        const [plural = '', subresource = ''] = resource.split('/');
        const what = describe({ group, name: plural, subresource }, name);
        rules.set(what, new Set([...(rules.get(what) ?? []), ...list('verbs')]));
      }
    }
  }
  return rules;
}

function userOf({ namespace, name }: Inquiry['account']): {
  readonly user: string;
  readonly groups: readonly string[];
} {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}

/** `deployments.apps/scale a-name`. */
function describe({ group, name, subresource }: Omit<Resource, 'isNamespaced'>, object: string): string {
  return `${name}${group === '' ? '' : `.${group}`}${subresource === '' ? '' : `/${subresource}`}${object === '' ? '' : ` ${object}`}`;
}
