/** Which of two accounts a role leads to by one right, as the graph says and as the authorizer does. */

import { buildGraph } from '../src/access/build-graph.ts';
import type { Graph } from '../src/access/graph.ts';
import { toAccessBinding, toAccessRole } from '../src/access/input.ts';
import { createSearcher } from '../src/access/search.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray } from '../src/objects/json.ts';
import { POD_TEMPLATE, TEMPLATE_KINDS } from '../src/objects/pod-spec.ts';
import type { Right } from '../src/objects/rbac/rules.ts';
import { isNameless } from '../src/objects/rbac/rules.ts';
import type { Question, RoleKind } from './authorizer.ts';

const NAMESPACE = 'shop';
/** Accounts; pods and Secrets have the names of their accounts, and so have nodes. */
const ACCOUNTS = ['a', 'b'] as const;

type Asked = Omit<Question, 'user'>;

const rights = (group: string, resource: string, ...verbs: readonly string[]): readonly Right[] =>
  verbs.map((verb) => ({ verb, group, resource }));

/** Each leads to the account of the name that is asked about. */
const BY_NAME: readonly Right[] = [
  ...rights('', 'serviceaccounts/token', 'create'),
  ...rights('', 'serviceaccounts', 'impersonate'),
  ...rights('', 'secrets', 'get', 'list', 'watch', 'patch'),
  ...rights('', 'pods', 'update', 'patch'),
  ...rights('', 'pods/exec', 'create'),
  ...rights('', 'pods/attach', 'create'),
  ...rights('', 'pods/ephemeralcontainers', 'update', 'patch'),
];
const OF_NODES = rights('', 'nodes/proxy', 'get', 'create').map((right) => ({ ...right, isClusterScoped: true }));
const WORKLOADS = TEMPLATE_KINDS.filter(({ group }) => !group.includes('.'));
/** These lead to both. */
const MAKES: readonly Right[] = [
  ...rights('', 'pods', 'create'),
  ...WORKLOADS.filter((kind) => kind !== POD_TEMPLATE).flatMap(({ group, resource }) =>
    rights(group, resource, 'create'),
  ),
];
/** And these by any name, since what is changed need only be there. */
const CHANGES: readonly Right[] = WORKLOADS.filter((kind) => kind !== POD_TEMPLATE && kind.resource !== 'jobs').flatMap(
  ({ group, resource }) => rights(group, resource, 'update', 'patch'),
);

/**
 * Undefined where rights together lead to every account of the namespace: the graph then leaves out what single ones do.
 */
export async function compareSteps(
  { kind, rules }: { readonly kind: RoleKind; readonly rules: readonly JsonObject[] },
  ask: (question: Asked) => Promise<boolean>,
): Promise<{ readonly graph: readonly string[]; readonly authorizer: readonly string[] } | undefined> {
  const found = readSteps(draw(kind, rules));
  if (found === undefined) return undefined;
  const allowed = new Set<string>();
  const askAll = async (asked: readonly Right[], names: readonly string[]): Promise<boolean> => {
    for (const right of asked) {
      for (const name of names) {
        const isClusterScoped = right.isClusterScoped === true;
        if (isClusterScoped && kind === 'Role') continue;
        if (await ask({ right, name: isNameless(right) && right.verb === 'create' ? '' : name, isClusterScoped }))
          return true;
      }
    }
    return false;
  };
  const named = rules.flatMap(({ resourceNames }) => asArray(resourceNames)).filter((name) => typeof name === 'string');
  const everyName = [...new Set(['any', ...named])].filter((name) => name !== '');
  for (const account of ACCOUNTS) {
    // A list carries the name of a field selector, or none.
    const isAllowed =
      (await askAll(BY_NAME, [account])) ||
      (await askAll(rights('', 'secrets', 'list', 'watch'), [''])) ||
      (await askAll(OF_NODES, [account])) ||
      (await askAll(MAKES, [''])) ||
      (await askAll(CHANGES, everyName));
    if (isAllowed) allowed.add(account);
  }
  return { graph: found, authorizer: [...allowed].toSorted() };
}

function draw(kind: RoleKind, rules: readonly JsonObject[]): Graph {
  const metadata = { name: 'random', ...(kind === 'Role' ? { namespace: NAMESPACE } : {}) };
  const binding = {
    metadata,
    roleRef: { kind, name: 'random' },
    subjects: [{ kind: 'User', name: 'somebody' }],
  };
  return buildGraph({
    roles: [toAccessRole({ metadata, rules }, kind)],
    bindings: [toAccessBinding(binding, kind === 'Role' ? 'RoleBinding' : 'ClusterRoleBinding')],
    accounts: ACCOUNTS.map((name) => ({ namespace: NAMESPACE, name })),
    pods: ACCOUNTS.map((name) => ({
      namespace: NAMESPACE,
      name,
      account: name,
      node: name,
      hasToken: true,
      secrets: [],
    })),
    secrets: ACCOUNTS.map((name) => ({ namespace: NAMESPACE, name, account: name })),
    // Without constrained impersonation, and with websockets that take create.
    minorVersion: 35,
    apiGroups: new Set(['apps', 'batch']),
  });
}

const JOINED: ReadonlySet<string> = new Set([
  'secret-create',
  'bind',
  'escalate',
  'certificate',
  'webhook-configuration',
]);

function readSteps(graph: Graph): readonly string[] | undefined {
  const start = graph.idOf('User:somebody');
  if (start === undefined) return [];
  const searcher = createSearcher(graph);
  const reached = new Set<string>();
  for (const { id, steps } of searcher.search(start, 2)) {
    const [step] = searcher.wayTo(id).flatMap((edge) => edge.step ?? []);
    if (steps === 0 || step === undefined) continue;
    const isWhole = ['everything', 'every-account', 'accounts-in'].includes(graph.nodes[id]?.type ?? '');
    if (isWhole && (JOINED.has(step.how) || /groups and/.test(step.right))) return undefined;
    // Of a webhook the account may have a token Secret; that is not asked about.
    if (JOINED.has(step.how)) return undefined;
    const members = isWhole ? ACCOUNTS : (graph.members.get(id) ?? [id]).flatMap((one) => nameAt(graph, one));
    for (const name of members) reached.add(name);
  }
  return [...reached].toSorted();
}

function nameAt({ nodes }: Graph, id: number): readonly string[] {
  const node = nodes[id];
  return node?.type === 'subject' && node.subject.kind === 'ServiceAccount' ? [node.subject.name] : [];
}
