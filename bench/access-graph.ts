/** The access graph of clusters from 1,000 to 50,000 bindings: it grows no faster than n log n, and costs a few parses. */

import { analyzeAccess } from '../src/access/analyze.ts';
import { buildGraph } from '../src/access/build-graph.ts';
import { toAccessAccount, toAccessBinding, toAccessPod, toAccessRole, toAccessSecret } from '../src/access/input.ts';
import { MOST_PATHS } from '../src/audit/read-access.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { defineBenchmark } from './define-benchmark.ts';
import { ratioOfFastest, timeEach, toSample } from './measure.ts';

const SIZES = [1_000, 3_000, 10_000, 25_000, 50_000] as const;
const SEED = 29;
const ROUNDS = 3;

/** Of the growth from the first size to each other: as much as n log n, and half as much again for what a machine adds. */
const MOST_GROWTH = 1.5;
/** The most that it may take, as a multiple of JSON.parse of the objects. */
const MOST_RATIO = 20;

const RBAC = 'rbac.authorization.k8s.io/v1';

type Cluster = {
  readonly roles: readonly JsonObject[];
  readonly clusterRoles: readonly JsonObject[];
  readonly roleBindings: readonly JsonObject[];
  readonly clusterRoleBindings: readonly JsonObject[];
  readonly accounts: readonly JsonObject[];
  readonly pods: readonly JsonObject[];
  readonly secrets: readonly JsonObject[];
};

const rule = (resources: readonly string[], verbs: readonly string[], names?: readonly string[]): JsonObject => ({
  apiGroups: ['', 'apps'],
  resources,
  verbs,
  ...(names === undefined ? {} : { resourceNames: names }),
});
const EDIT = rule(
  ['pods', 'pods/exec', 'secrets', 'deployments', 'serviceaccounts/token'],
  ['get', 'list', 'create', 'update', 'patch', 'delete'],
);

/** Few namespaces with many bindings, many with few: teams that edit their own, and some that reach into others'. */
function generate(bindings: number): Cluster {
  let state = SEED;
  const below = (limit: number): number => {
    // A linear congruential generator: the same cluster in every run.
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const namespaces = Math.max(10, Math.floor(bindings / 50));
  // One namespace in ten has ten times as many bindings as others.
  const namespace = () => `team-${below(10) < 5 ? below(Math.ceil(namespaces / 10)) : below(namespaces)}`;
  const accounts: JsonObject[] = [];
  const ofNamespace = new Map<string, string[]>();
  const cluster = {
    roles: [] as JsonObject[],
    roleBindings: [] as JsonObject[],
    clusterRoleBindings: [] as JsonObject[],
  };
  const pods: JsonObject[] = [];
  const secrets: JsonObject[] = [];
  for (let index = 0; index < bindings / 2; index += 1) {
    const space = namespace();
    const name = `account-${index}`;
    ofNamespace.set(space, [...(ofNamespace.get(space) ?? []), name]);
    accounts.push({ metadata: { namespace: space, name } });
    pods.push({
      metadata: { namespace: space, name: `pod-${index}` },
      spec: {
        serviceAccountName: name,
        nodeName: `node-${below(200)}`,
        containers: [{ name: 'app', image: 'registry.example/app:1' }],
        volumes: [{ name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
      },
      status: { phase: 'Running' },
    });
    if (below(10) === 0)
      secrets.push({
        metadata: {
          namespace: space,
          name: `secret-${index}`,
          annotations: { 'kubernetes.io/service-account.name': name },
        },
      });
  }
  const account = (space: string): JsonObject => {
    const names = ofNamespace.get(space) ?? ['default'];
    return { kind: 'ServiceAccount', namespace: space, name: names[below(names.length)] ?? 'default' };
  };
  const person = (): JsonObject => ({ kind: below(3) === 0 ? 'Group' : 'User', name: `person-${below(bindings)}` });
  for (let index = 0; index < bindings; index += 1) {
    const space = namespace();
    const name = `binding-${index}`;
    // Mostly of the namespace's own, sometimes of another's: what makes long ways.
    const subjects = [below(2) === 0 ? person() : account(below(8) === 0 ? namespace() : space)];
    if (below(100) === 0) {
      const roleRef = { kind: 'ClusterRole', name: below(20) === 0 ? 'minter' : 'view' };
      cluster.clusterRoleBindings.push({ metadata: { name }, roleRef, subjects });
      continue;
    }
    const kinds = ['edit', 'view', 'view', 'view'];
    const isOwn = below(2) === 0;
    if (isOwn) {
      const rules = [
        rule(['configmaps', 'services', 'deployments'], ['get', 'list', 'watch']),
        below(4) === 0
          ? rule(
              ['serviceaccounts/token'],
              ['create'],
              [`account-${below(bindings / 2)}`, `account-${below(bindings / 2)}`],
            )
          : rule(['secrets'], ['get'], [`secret-${below(bindings / 2)}`]),
        ...(below(10) === 0 ? [rule(['pods/exec'], ['create'])] : []),
      ];
      cluster.roles.push({ metadata: { namespace: space, name }, rules });
    }
    const roleRef = isOwn
      ? { kind: 'Role', name }
      : { kind: 'ClusterRole', name: kinds[below(kinds.length)] ?? 'view' };
    cluster.roleBindings.push({ metadata: { namespace: space, name }, roleRef, subjects });
  }
  return {
    ...cluster,
    clusterRoles: [
      { metadata: { name: 'cluster-admin' }, rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] },
      { metadata: { name: 'edit' }, rules: [EDIT] },
      { metadata: { name: 'view' }, rules: [rule(['pods', 'services', 'configmaps'], ['get', 'list', 'watch'])] },
      { metadata: { name: 'minter' }, rules: [rule(['serviceaccounts/token'], ['create'])] },
    ].map((role) => ({ apiVersion: RBAC, ...role })),
    accounts,
    pods,
    secrets,
  };
}

/** From objects as they were listed to a report. */
function analyze(cluster: Cluster) {
  const graph = buildGraph({
    roles: [
      ...cluster.roles.map((role) => toAccessRole(role, 'Role')),
      ...cluster.clusterRoles.map((role) => toAccessRole(role, 'ClusterRole')),
    ],
    bindings: [
      ...cluster.roleBindings.map((binding) => toAccessBinding(binding, 'RoleBinding')),
      ...cluster.clusterRoleBindings.map((binding) => toAccessBinding(binding, 'ClusterRoleBinding')),
    ],
    accounts: cluster.accounts.map(toAccessAccount),
    pods: cluster.pods.flatMap((pod) => toAccessPod(pod) ?? []),
    secrets: cluster.secrets.flatMap((secret) => toAccessSecret(secret) ?? []),
    minorVersion: 36,
  });
  return { graph, report: analyzeAccess(graph, { withBuiltIn: false, mostPaths: MOST_PATHS, isComplete: true }) };
}

export default defineBenchmark({
  name: 'access-graph',
  title: 'The access graph of an audit',
  timeoutSeconds: 120,
  run: async () => {
    const sizes = SIZES.map(measure);
    const [first] = sizes;
    if (first === undefined) return [];
    return [
      {
        title: 'Who can obtain a token of whom',
        about: `Generated clusters with a namespace for every fifty bindings, drawn and searched whole, beside \`JSON.parse\` of
the same objects.`,
        columns: [{ title: 'graph', unit: 'ms' }, { title: '`JSON.parse`', unit: 'ms' }, { title: 'edges' }],
        ratio: 'ratio',
        isCompared: true,
        rows: sizes.map(({ name, graph, parse, edges }) => ({
          name,
          cells: [toSample(graph), toSample(parse), edges],
          ratio: { value: ratioOfFastest(graph, parse), most: MOST_RATIO },
        })),
      },
      {
        title: 'How it grows',
        about: `Time and edges as a multiple of those of ${first.name}, by n log n of the same multiple: 1 is n log n.`,
        columns: [{ title: 'edges', unit: '×' }],
        ratio: 'time',
        rows: sizes.map(({ name, size, graph, edges }) => {
          const units = (size * Math.log2(size)) / (first.size * Math.log2(first.size));
          const grown = edges / first.edges / units;
          if (grown > 1) throw new Error(`${name}: the graph grows faster than n log n, to ${edges} edges`);
          return {
            name,
            cells: [grown],
            ratio: { value: ratioOfFastest(graph, first.graph) / units, most: MOST_GROWTH },
          };
        }),
      },
    ];
  },
});

type Measured = {
  readonly name: string;
  readonly size: number;
  readonly edges: number;
  readonly graph: readonly number[];
  readonly parse: readonly number[];
};

function measure(size: number): Measured {
  const name = `${size.toLocaleString('en')} bindings`;
  const json = JSON.stringify(generate(size));
  const cluster = JSON.parse(json) as Cluster;
  const { graph: drawn, report } = analyze(cluster);
  if (report.atLeast !== undefined) throw new Error(`${name}: the search was cut short`);
  const { graph, parse } = timeEach(
    { graph: () => analyze(cluster), parse: () => JSON.parse(json) },
    { rounds: ROUNDS, budgetMs: Number.POSITIVE_INFINITY },
  );
  return { name, size, edges: drawn.edges.reduce((sum, { length }) => sum + length, 0), graph, parse };
}
