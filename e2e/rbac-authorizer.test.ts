/**
 * What our matcher says of random roles, compared with the API server's own authorizer, which a SubjectAccessReview
 * asks. Curfew is not installed here.
 */

import { Agent, request } from 'node:https';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { asString, valueAt } from '../src/objects/json.ts';
import { collectGrants, listRights } from '../src/objects/rbac/grants.ts';
import type { Right } from '../src/objects/rbac/rules.ts';
import { allowsName, listGranted, prepareRights, readRules } from '../src/objects/rbac/rules.ts';
import { waitUntil } from './installed-curfew.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';

const RBAC = 'rbac.authorization.k8s.io';
const QUESTIONS = process.env['CURFEW_LONG'] === '1' ? 20_000 : 2_000;
const QUESTIONS_PER_ROLE = 20;
const SEED = Number(process.env['CURFEW_SEED'] ?? Date.now() % 2 ** 31);
const CONCURRENT = 16;
/** No rule names it. */
const OTHER_NAME = 'named-nowhere';

const RIGHTS: readonly Right[] = [
  ...['get', 'list', 'watch', 'create', 'patch'].flatMap((verb) =>
    ['secrets', 'pods', 'pods/exec', 'pods/ephemeralcontainers', 'serviceaccounts/token'].map((resource) => ({
      verb,
      group: '',
      resource,
    })),
  ),
  ...['create', 'patch'].map((verb) => ({ verb, group: 'apps', resource: 'deployments' })),
  ...['get', 'create'].map((verb) => ({ verb, group: '', resource: 'nodes/proxy', isClusterScoped: true })),
  ...['bind', 'escalate'].map((verb) => ({ verb, group: RBAC, resource: 'roles' })),
  { verb: 'bind', group: RBAC, resource: 'clusterroles' },
  { verb: 'escalate', group: RBAC, resource: 'clusterroles', isClusterScoped: true },
  { verb: 'impersonate', group: '', resource: 'users', isClusterScoped: true },
  { verb: 'impersonate', group: '', resource: 'serviceaccounts' },
  { verb: 'impersonate', group: 'authentication.k8s.io', resource: 'userextras/scopes', isClusterScoped: true },
  { verb: 'impersonate:serviceaccount', group: 'authentication.k8s.io', resource: 'serviceaccounts' },
];
const TABLES = {
  ClusterRole: prepareRights(RIGHTS),
  Role: prepareRights(RIGHTS.filter(({ isClusterScoped }) => isClusterScoped !== true)),
};
type Kind = keyof typeof TABLES;

const some = (...texts: readonly string[]) => fc.uniqueArray(fc.constantFrom(...texts), { minLength: 1, maxLength: 6 });

const resourceRule = fc.record({
  verbs: some('get', 'list', 'create', 'patch', 'bind', 'escalate', 'impersonate', 'impersonate:serviceaccount', '*'),
  apiGroups: some('', '', 'apps', RBAC, 'authentication.k8s.io', 'Apps', '*'),
  resources: some(
    ...['secrets', 'pods', 'deployments', 'roles', 'clusterroles', 'users', 'serviceaccounts', '*'],
    ...[
      'pods/exec',
      'pods/*',
      '*/*',
      '*/exec',
      '*/token',
      '*/proxy',
      '*/scopes',
      'exec',
      'token',
      '*/ephemeralcontainers',
    ],
    ...['serviceaccounts/token', 'nodes/proxy', 'userextras/scopes', 'userextras', 'nodes', 'PODS', ''],
  ),
  resourceNames: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    fc.uniqueArray(fc.constantFrom('', 'a', 'b', '*', 'ab'), { maxLength: 3 }),
  ),
});
const urlRule = fc.record({ verbs: some('get', 'create', '*'), nonResourceURLs: some('*', '/api', '/metrics/*') });

type RandomRole = { readonly kind: Kind; readonly rules: readonly JsonObject[]; readonly asked: readonly Asked[] };
type Asked = { readonly right: Right; readonly name: string };

const asked: fc.Arbitrary<Asked> = fc.record({
  right: fc.constantFrom(...RIGHTS),
  name: fc.constantFrom('', 'a', 'b', '*', OTHER_NAME),
});
const role: fc.Arbitrary<RandomRole> = fc.constantFrom<Kind>('ClusterRole', 'Role').chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    // A Role may not have the second kind of rule.
    rules: fc.array<JsonObject>(
      kind === 'Role' ? resourceRule : fc.oneof({ weight: 5, arbitrary: resourceRule }, urlRule),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
    asked: fc.array(asked, { minLength: QUESTIONS_PER_ROLE, maxLength: QUESTIONS_PER_ROLE }),
  }),
);

let cluster: TestCluster;
let api: Api;
beforeAll(async () => {
  cluster = await startTestCluster();
  api = await openApi(cluster);
});
afterAll(async () => {
  api.close();
  await cluster.controlPlane.stop();
});

describe('Our reading of RBAC rules', () => {
  it(`is that of the API server's authorizer in ${QUESTIONS} random questions`, async () => {
    const roles = fc.sample(role, { numRuns: QUESTIONS / QUESTIONS_PER_ROLE, seed: SEED });
    const namespace = await cluster.createNamespace();
    await inParallel(roles, async ({ kind, rules }, index) => await grant({ kind, rules, index, namespace }));
    await untilKnown(namespace, roles.length);

    const differences: unknown[] = [];
    let allowed = 0;
    await inParallel(roles, async ({ kind, rules, asked }, index) => {
      const ask = async (right: Right, name: string) => await isAllowed({ right, name, index, namespace });
      const read = readRules({ rules });
      const all = new Set(
        collectGrants({ rules }, undefined, { list: listRights(TABLES[kind], () => false) }).map(({ key }) => key),
      );
      for (const { right, name } of asked) {
        const ours = read.some((rule) => listGranted(rule, TABLES[kind]).includes(right) && allowsName(rule, name));
        const theirs = await ask(right, name);
        allowed += theirs ? 1 : 0;
        if (ours !== theirs) differences.push({ kind, rules, right, name, ours, theirs });

        // What is reported without a name must be allowed whatever the name is, and nothing else.
        const isNameless =
          ['create', 'list', 'watch', 'escalate'].includes(right.verb) && !right.resource.includes('/');
        const oursForAll = all.has(keyOf(right));
        const theirsForAll = await ask(right, isNameless ? '' : OTHER_NAME);
        if (oursForAll !== theirsForAll) differences.push({ kind, rules, right, oursForAll, theirsForAll });
      }
    });
    console.log(`${QUESTIONS} questions, ${allowed} of them allowed, seed ${SEED}`);
    expect({ seed: SEED, differences }).toEqual({ seed: SEED, differences: [] });
    // A generator that never hits would prove nothing.
    expect(allowed).toBeGreaterThan(QUESTIONS / 10);
  }, 600_000);
});

function keyOf({ verb, group, resource }: Right): string {
  const [name = '', subresource] = resource.split('/');
  return `${verb} ${name}${group === '' ? '' : `.${group}`}${subresource === undefined ? '' : `/${subresource}`}`;
}

type Granted = {
  readonly kind: Kind;
  readonly rules: readonly JsonObject[];
  readonly index: number;
  readonly namespace: string;
};

/** Gives user `user-INDEX` these rules. */
async function grant({ kind, rules, index, namespace }: Granted): Promise<void> {
  const metadata = { name: `random-${index}` };
  const path = kind === 'Role' ? `namespaces/${namespace}/` : '';
  const plural = `${kind.toLowerCase()}s`;
  await api.create(`/apis/${RBAC}/v1/${path}${plural}`, { apiVersion: `${RBAC}/v1`, kind, metadata, rules });
  await api.create(`/apis/${RBAC}/v1/${path}${plural.replace('roles', 'rolebindings')}`, {
    apiVersion: `${RBAC}/v1`,
    kind: `${kind}Binding`,
    metadata,
    roleRef: { apiGroup: RBAC, kind, name: metadata.name },
    subjects: [{ apiGroup: RBAC, kind: 'User', name: `user-${index}` }],
  });
}

/** The authorizer watches each kind in the order of its writes: once it knows the last of each, it knows them all. */
async function untilKnown(namespace: string, next: number): Promise<void> {
  const right = { verb: 'get', group: '', resource: 'secrets' };
  const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }];
  for (const [offset, kind] of (['Role', 'ClusterRole'] as const).entries()) {
    const index = next + offset;
    await grant({ kind, rules, index, namespace });
    await waitUntil(`the authorizer knows the last ${kind}`, async () => {
      return await isAllowed({ right, name: 'any', index, namespace });
    });
  }
}

type Question = { readonly right: Right; readonly name: string; readonly index: number; readonly namespace: string };

async function isAllowed({ right, name, index, namespace }: Question): Promise<boolean> {
  const [resource, subresource] = right.resource.split('/');
  const { verb, group } = right;
  const where = right.isClusterScoped === true ? {} : { namespace };
  const attributes = { ...where, verb, group, resource, ...(subresource === undefined ? {} : { subresource }), name };
  const answer = await api.create('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user: `user-${index}`, resourceAttributes: attributes as JsonObject },
  });
  return valueAt(answer, ['status', 'allowed']) === true;
}

async function inParallel<T>(items: readonly T[], run: (item: T, index: number) => Promise<void>): Promise<void> {
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: CONCURRENT }, async () => {
      for (const [index, item] of queue) await run(item, index);
    }),
  );
}

type Api = {
  /** POSTs an object and returns what came back; throws unless it was created. */
  create(path: string, object: JsonObject): Promise<unknown>;
  close(): void;
};

/** As the administrator of the kubeconfig: thousands of questions are too many for a kubectl each. */
async function openApi({ must }: TestCluster): Promise<Api> {
  const config: unknown = JSON.parse(await must(['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']));
  const read = (...path: readonly (string | number)[]) => asString(valueAt(config, path)) ?? '';
  const decode = (...path: readonly (string | number)[]) => Buffer.from(read(...path), 'base64');
  const agent = new Agent({
    keepAlive: true,
    maxSockets: CONCURRENT,
    ca: decode('clusters', 0, 'cluster', 'certificate-authority-data'),
    cert: decode('users', 0, 'user', 'client-certificate-data'),
    key: decode('users', 0, 'user', 'client-key-data'),
  });
  const server = read('clusters', 0, 'cluster', 'server');
  return {
    create: (path, object) => post(agent, `${server}${path}`, object),
    close: () => agent.destroy(),
  };
}

function post(agent: Agent, url: string, object: JsonObject): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const sent = request(url, { agent, method: 'POST', headers: { 'content-type': 'application/json' } });
  sent.on('error', reject);
  sent.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      if (response.statusCode === 201) resolve(JSON.parse(text));
      else reject(new Error(`${url} answered ${response.statusCode}: ${text}`));
    });
  });
  sent.end(JSON.stringify(object));
  return promise;
}
