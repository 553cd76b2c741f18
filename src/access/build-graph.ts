/**
 * The access graph of a cluster, made of its roles and bindings, accounts, pods and token Secrets. Its size is linear in
 * theirs: what a role leads to is found once for each place that it is bound in, whoever is bound to it.
 */

import type { BindingRef, Edge, Graph, GraphStore, Through } from './graph.ts';
import { accountsInKey, createStore, EVERY_ACCOUNT, EVERYTHING, subjectKey } from './graph.ts';
import type { AccessBinding, AccessInput, AccessRole, AccessSubject, RoleKind } from './input.ts';
import { toAccount } from './input.ts';
import type { Held, JoinedSetting, RoleWorld } from './joined-rights.ts';
import { followJoinedRights, hasHalf } from './joined-rights.ts';
import { linkGroups, linkSets } from './memberships.ts';
import { createPlaces, EVERYWHERE } from './places.ts';
import type { Emit } from './single-rights.ts';
import { followSingleRights } from './single-rights.ts';

/** A role with the binding by which an identity has it. */
type Grant = { readonly held: Held; readonly binding: AccessBinding };

export function buildGraph(input: AccessInput): Graph {
  const store = createStore();
  const everything = store.add(EVERYTHING, () => ({ type: 'everything' }));
  const everyAccount = store.add(EVERY_ACCOUNT, () => ({ type: 'every-account' }));
  const everyUser = store.add('every-user', () => ({ type: 'link' }));
  const roles = new Map<string, AccessRole>();
  let rules = 0;
  for (const role of input.roles) {
    roles.set(roleKey(role.kind, role.namespace, role.name), role);
    rules += role.rights.rules;
  }
  const bindings = [...input.bindings];
  const subjectNode = (subject: AccessSubject) => store.add(subjectKey(subject), () => ({ type: 'subject', subject }));
  const bound = bindings.flatMap(({ subjects }) =>
    subjects.flatMap(({ kind, namespace, name }) =>
      kind === 'ServiceAccount' && namespace !== undefined ? [{ namespace, name }] : [],
    ),
  );
  const places = createPlaces(store, input, bound);
  const named = (kind: 'User' | 'Group') => (name: string) =>
    kind === 'User' && toAccount(name) !== undefined ? undefined : store.idOf(`${kind}:${name}`);
  const masters = subjectNode({ kind: 'Group', name: 'system:masters' });
  store.link(masters, { to: everything, step: { how: 'is-account', right: 'system:masters may do everything' } });

  // What roles lead to; a role may lead to another one that it may bind, which is then looked at too.
  const waiting: { readonly id: number; readonly held: Held }[] = [];
  const roleNode: RoleWorld['roleNode'] = (role, scope) =>
    store.add(
      `role:${scope}:${roleKey(role.kind, role.namespace, role.name)}`,
      () => ({ type: 'role', role, scope }),
      (id) => waiting.push({ id, held: { role, scope } }),
    );
  const setting: JoinedSetting = {
    places,
    input,
    everything,
    everyAccount,
    everyUser,
    userNode: named('User'),
    groupNode: named('Group'),
    world: createWorld({ store, roles, bindings, roleNode }),
  };
  const followAll = () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { id, held } = next;
      const targets = createTargets({ store, from: id, made: places.made });
      followSingleRights({ rights: held.role.rights, scope: held.scope }, setting, targets.emit);
      if (hasHalf(held.role))
        followJoinedRights({ roles: [held.role], held: [held], scope: held.scope }, setting, targets.emit);
      targets.write();
    }
  };

  // Every identity is known before the first role is followed: a role may lead to an identity.
  const grantsOf = new Map<number, Grant[]>();
  const sources = new Set<number>();
  const users = new Set<number>();
  for (const binding of bindings) {
    const { kind, name } = binding.role;
    const role = roles.get(roleKey(kind, kind === 'Role' ? binding.namespace : '', name));
    const scope = binding.kind === 'ClusterRoleBinding' ? EVERYWHERE : binding.namespace;
    for (const subject of binding.subjects) {
      const id = subjectNode(subject);
      if (subject.kind === 'User') users.add(id);
      if (isEverybody(subject)) sources.add(id);
      if (role === undefined) continue;
      const grants = grantsOf.get(id) ?? [];
      grantsOf.set(id, grants);
      grants.push({ held: { role, scope }, binding });
    }
    for (const subject of binding.others) sources.add(subjectNode(subject));
  }
  for (const [id, grants] of grantsOf) {
    for (const { held, binding } of grants) {
      if (held.role.rights.granted.size === 0) continue;
      store.link(id, { to: roleNode(held.role, held.scope), binding: toBindingRef(binding) });
    }
  }
  followAll();
  joinGrants({ store, grantsOf, setting });
  followAll();
  for (const id of users) store.link(everyUser, { to: id });
  linkGroups(store);
  for (const namespace of places.accountsIn.keys()) {
    const [id] = places.target('accounts', namespace, undefined);
    if (id !== undefined) store.link(everyAccount, { to: id });
  }
  linkSets(store);
  return {
    nodes: store.nodes,
    edges: store.edges,
    members: store.members,
    everything,
    everyAccount,
    idOf: store.idOf,
    accountsIn: places.accountsIn,
    sources,
    podsOf: places.podsOf,
    subjects: grantsOf.size,
    bindings: bindings.length,
    rules,
  };
}

/** Of identities with several roles: what these lead to together and none of them alone. */
function joinGrants({
  store,
  grantsOf,
  setting,
}: {
  readonly store: GraphStore;
  readonly grantsOf: ReadonlyMap<number, readonly Grant[]>;
  readonly setting: JoinedSetting;
}): void {
  const ofGroup = (key: string) => grantsOf.get(store.idOf(key) ?? -1) ?? [];
  for (const [id, own] of grantsOf) {
    const halves = own.filter(({ held }) => hasHalf(held.role));
    if (halves.length === 0) continue;
    const others = listGroups(store, id).flatMap(ofGroup);
    if (own.length + others.length < 2) continue;
    const all = [...own, ...others];
    const byScope = Map.groupBy(
      [...halves, ...others.filter(({ held }) => hasHalf(held.role))],
      ({ held }) => held.scope,
    );
    const everywhere = byScope.get(EVERYWHERE) ?? [];
    const rolesIn = Map.groupBy(all, ({ held }) => (held.role.kind === 'Role' ? held.scope : EVERYWHERE));
    for (const [scope, within] of byScope) {
      const grants = scope === EVERYWHERE ? everywhere : [...within, ...everywhere];
      const held = scope === EVERYWHERE ? all : (rolesIn.get(scope) ?? []);
      if (grants.length < 2 && held.length < 2) continue;
      const [first] = grants;
      if (first === undefined) continue;
      const targets = createTargets({ store, from: id, made: setting.places.made, through: toThrough(first) });
      followJoinedRights(
        { roles: grants.map(({ held }) => held.role), held: held.map(({ held }) => held), scope },
        setting,
        targets.emit,
      );
      // What one role leads to by itself is told by that role.
      targets.write(
        new Set(grants.flatMap(({ held }) => listTargets(store, setting.world.roleNode(held.role, held.scope)))),
      );
    }
  }
}

function listTargets(store: GraphStore, id: number): readonly number[] {
  return (store.edges[id] ?? []).map(({ to }) => to);
}

/** Groups that nobody is put into, and that this identity is in. */
function listGroups(store: GraphStore, id: number): readonly string[] {
  const node = store.nodes[id];
  if (node?.type !== 'subject') return [];
  const { kind, namespace, name } = node.subject;
  if (name.startsWith('system:anonymous') || name === 'system:unauthenticated') return [];
  const everybody = name === 'system:authenticated' ? [] : ['Group:system:authenticated'];
  if (kind !== 'ServiceAccount') return everybody;
  return [...everybody, 'Group:system:serviceaccounts', `Group:system:serviceaccounts:${namespace}`];
}

/** Collects what one node leads to: each target once, and none that a larger one holds. */
function createTargets({
  store,
  from,
  made,
  through,
}: {
  readonly store: GraphStore;
  readonly from: number;
  readonly made: ReadonlySet<number>;
  readonly through?: Through;
}) {
  const found = new Map<number, Edge>();
  const has = (key: string) => found.has(store.idOf(key) ?? -1);

  const emit: Emit = (to, step) => {
    if (!found.has(to)) found.set(to, { to, step: through === undefined ? step : { ...step, through } });
  };

  /** Of an account that is not made only the name can be had, by impersonation, whatever else one has. */
  function isAccountHeld(id: number): boolean {
    const node = store.nodes[id];
    if (node?.type !== 'subject' || node.subject.namespace === undefined || !made.has(id)) return false;
    return has(EVERY_ACCOUNT) || has(accountsInKey(node.subject.namespace));
  }

  function isHeld(to: number): boolean {
    const type = store.nodes[to]?.type;
    if (type === 'everything') return false;
    if (has(EVERYTHING)) return true;
    if (type === 'accounts-in') return has(EVERY_ACCOUNT);
    if (type === 'subject') return isAccountHeld(to);
    const members = store.members.get(to) ?? [];
    return type === 'some' && members.length <= MOST_COMPARED && members.every(isAccountHeld);
  }

  return {
    emit,
    write(except: ReadonlySet<number> = new Set()) {
      for (const [to, edge] of found) if (!except.has(to) && !isHeld(to)) store.link(from, edge);
    },
  };
}

/** A set that is compared account by account. */
const MOST_COMPARED = 20;

function createWorld({
  store,
  roles,
  bindings,
  roleNode,
}: {
  readonly store: GraphStore;
  readonly roles: ReadonlyMap<string, AccessRole>;
  readonly bindings: readonly AccessBinding[];
  readonly roleNode: RoleWorld['roleNode'];
}): RoleWorld {
  const byNamespace = Map.groupBy(bindings, ({ namespace }) => namespace);
  const rolesByNamespace = Map.groupBy(
    [...roles.values()].filter(({ kind, rights }) => kind === 'Role' && rights.granted.size > 0),
    ({ namespace }) => namespace,
  );
  const namespacesOf = (scope: string) => (scope === EVERYWHERE ? [...rolesByNamespace.keys()] : [scope]);
  return {
    roleNode,
    find: (kind, namespace, name) => roles.get(roleKey(kind, namespace, name)),
    rolesOf(scope) {
      const found = namespacesOf(scope).flatMap((namespace) => rolesByNamespace.get(namespace) ?? []);
      if (found.length === 0) return undefined;
      return store.add(
        `roles-of:${scope}`,
        () => ({ type: 'link' }),
        (id) => {
          for (const role of found) store.link(id, { to: roleNode(role, role.namespace) });
        },
      );
    },
    rolesNamed: (scope, names) =>
      namespacesOf(scope).flatMap((namespace) =>
        [...names].flatMap((name) => roles.get(roleKey('Role', namespace, name)) ?? []),
      ),
    hasEverything: [...roles.values()].some(({ kind, rights }) => kind === 'ClusterRole' && rights.isEverything),
    bindingsIn: (namespace) => byNamespace.get(namespace) ?? [],
    clusterBindings: byNamespace.get('') ?? [],
    roleBindings: bindings.filter(({ namespace }) => namespace !== ''),
  };
}

/** What everybody may is told, whoever has granted it. */
function isEverybody({ name }: AccessSubject): boolean {
  return /^system:(authenticated|unauthenticated|anonymous|serviceaccounts(:.*)?)$/.test(name);
}

function roleKey(kind: RoleKind, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

function toBindingRef({ kind, namespace, name }: AccessBinding): BindingRef {
  return { kind, name, ...(namespace === '' ? {} : { namespace }) };
}

function toThrough({ held: { role }, binding }: Grant): Through {
  const { kind, namespace, name } = role;
  return { kind, name, ...(namespace === '' ? {} : { namespace }), binding: toBindingRef(binding) };
}
