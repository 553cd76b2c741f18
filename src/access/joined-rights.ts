/** What takes more than one right: to write a Secret and read it, to bind a role and make the binding. */

import type { AccessBinding, AccessRole, RoleKind } from './input.ts';
import { EACH, EVERYWHERE } from './places.ts';
import type { Names } from './rights.ts';
import type { Emit, Setting } from './single-rights.ts';
import { describeScope, holdsIn } from './single-rights.ts';

/** A role that an identity is bound to, and where. */
export type Held = { readonly role: AccessRole; readonly scope: string };

/** Looks at the bindings and roles that are there. */
export type RoleWorld = {
  roleNode(role: AccessRole, scope: string): number;
  find(kind: RoleKind, namespace: string, name: string): AccessRole | undefined;
  /** Roles of the namespace, or of all of them, as one node; undefined if none of them leads anywhere. */
  rolesOf(scope: string): number | undefined;
  /** True if some ClusterRole allows everything. */
  readonly hasEverything: boolean;
  bindingsIn(namespace: string): readonly AccessBinding[];
  /** Those of the scope that have one of these names: everywhere, of each namespace. */
  rolesNamed(scope: string, names: Iterable<string>): readonly AccessRole[];
  readonly clusterBindings: readonly AccessBinding[];
  /** Of all namespaces. */
  readonly roleBindings: readonly AccessBinding[];
};

const HALVES: ReadonlySet<string> = new Set([
  ...['create', 'update', 'patch'].flatMap((verb) => [
    `${verb} secrets`,
    `${verb} rolebindings`,
    `${verb} clusterrolebindings`,
  ]),
  ...['bind', 'escalate', 'update', 'patch'].flatMap((verb) => [`${verb} roles`, `${verb} clusterroles`]),
  'impersonate groups',
  'impersonate users',
  'impersonate serviceaccounts',
  'impersonate:serviceaccount serviceaccounts',
  'create mutatingadmissionpolicies',
  'create mutatingadmissionpolicybindings',
  'create certificatesigningrequests',
  'update certificatesigningrequests/approval',
  'patch certificatesigningrequests/approval',
  'approve signers',
  ...['get', 'list', 'watch'].map((verb) => `${verb} secrets`),
]);

/** True if the role grants something that may be one half of such a way. */
export function hasHalf({ rights }: AccessRole): boolean {
  for (const id of rights.granted.keys()) if (HALVES.has(id)) return true;
  return rights.actsAsAccount;
}

const READS = ['get', 'list', 'watch', 'patch'].map((verb) => `${verb} secrets`);
const USER_SIGNER = ['kubernetes.io/kube-apiserver-client', 'kubernetes.io/*'];
const MASTERS = 'system:masters';
const CONSTRAINED_IMPERSONATION = 36;
const POLICIES = 36;

export type JoinedSetting = Setting & { readonly world: RoleWorld };

/**
 * Tells of each node that the roles of one identity lead to together, in `scope`.
 *
 * @param roles - those that hold there: of the namespace and of everywhere
 * @param held - all that the identity is bound to, wherever: those it may write into
 */
export function followJoinedRights(
  {
    roles,
    held,
    scope,
  }: { readonly roles: readonly AccessRole[]; readonly held: readonly Held[]; readonly scope: string },
  setting: JoinedSetting,
  emit: Emit,
): void {
  const rights = joinRights(roles, scope);
  const how = { rights, scope, setting, emit };
  writeSecrets(how);
  bindRoles(how);
  escalateRoles(how, held);
  if (scope === EVERYWHERE) {
    approveCertificates(how);
    impersonateGroups(how);
    writePolicies(how);
  }
  const isActing = roles.some(({ rights: { actsAsAccount } }) => actsAsAccount);
  const id = 'impersonate:serviceaccount serviceaccounts';
  if (
    isActing &&
    rights.has(id) &&
    (setting.input.minorVersion ?? CONSTRAINED_IMPERSONATION) >= CONSTRAINED_IMPERSONATION
  ) {
    for (const to of setting.places.limited(scope, rights.names(id)))
      emit(to, {
        how: 'impersonate',
        right: `impersonate:serviceaccount and impersonate-on verbs${describeScope(scope)}`,
      });
  }
}

type Joined = {
  /** For some name at least. */
  has(id: string): boolean;
  /** Whatever the name. */
  hasAll(id: string): boolean;
  names(id: string): Names;
  allows(id: string, name: string): boolean;
  /** True if it is made without a name, or by server-side apply, which asks for create and patch with one. */
  creates(resource: string): boolean;
};

type Way = { readonly rights: Joined; readonly scope: string; readonly setting: JoinedSetting; readonly emit: Emit };

function joinRights(roles: readonly AccessRole[], scope: string): Joined {
  const joined = new Map<string, Names>();
  for (const { rights } of roles) {
    for (const [id, names] of rights.granted) {
      if (!HALVES.has(id) || !holdsIn(id, scope)) continue;
      const known = joined.get(id);
      if (!joined.has(id)) joined.set(id, names);
      else if (known !== undefined) joined.set(id, names && new Set([...known, ...names]));
    }
  }
  const has: Joined['has'] = (id) => joined.has(id);
  const names: Joined['names'] = (id) => joined.get(id);
  const hasAll: Joined['hasAll'] = (id) => has(id) && names(id) === undefined;
  const allows: Joined['allows'] = (id, name) => has(id) && (names(id)?.has(name) ?? true);
  return {
    has,
    hasAll,
    names,
    allows,
    creates(resource) {
      const id = `create ${resource}`;
      if (!has(id)) return false;
      return hasAll(id) || [...(names(id) ?? [])].some((name) => name !== '' && allows(`patch ${resource}`, name));
    },
  };
}

function writeSecrets({ rights, scope, setting, emit }: Way): void {
  const { places } = setting;
  const read = READS.find((id) => rights.has(id));
  if (read === undefined) return;
  if (rights.creates('secrets')) {
    const right = `create and ${read.replace(' secrets', '')} secrets${describeScope(scope)}`;
    for (const to of places.target('accounts', scope, undefined)) emit(to, { how: 'secret-create', right });
    return;
  }
  // A token Secret that is there is written over to another account; the answer to a patch shows what became of it.
  const writable = rights.has('patch secrets') ? rights.names('patch secrets') : rights.names('update secrets');
  if (!rights.has('patch secrets') && !rights.has('update secrets')) return;
  const readable = READS.some((id) => rights.hasAll(id))
    ? undefined
    : new Set(READS.flatMap((id) => [...(rights.names(id) ?? [])]));
  const right = `${rights.has('patch secrets') ? 'patch' : `update and ${read.replace(' secrets', '')}`} secrets${describeScope(scope)}`;
  for (const namespace of places.namespacesOfSecrets(scope, intersect(writable, readable))) {
    for (const to of places.target('accounts', namespace, undefined)) emit(to, { how: 'secret-create', right });
  }
}

function intersect(one: Names, other: Names): Names {
  if (one === undefined) return other;
  return other === undefined ? one : new Set([...one].filter((name) => other.has(name)));
}

function bindRoles({ rights, scope, setting, emit }: Way): void {
  const { places, world, everything } = setting;
  const { has, hasAll, names, allows } = rights;
  if (!has('bind clusterroles') && !has('bind roles')) return;
  const where = describeScope(scope);
  if (scope === EVERYWHERE && rights.creates('clusterrolebindings') && has('bind clusterroles')) {
    const step = { how: 'bind', right: 'bind clusterroles and create clusterrolebindings' } as const;
    if (hasAll('bind clusterroles')) {
      if (world.hasEverything) emit(everything, step);
    } else {
      for (const role of findClusterRoles(world, names('bind clusterroles')))
        emit(world.roleNode(role, EVERYWHERE), step);
    }
  }
  if (rights.creates('rolebindings')) {
    const step = (resource: string) =>
      ({ how: 'bind', right: `bind ${resource} and create rolebindings${where}` }) as const;
    if (hasAll('bind clusterroles')) {
      const every = world.hasEverything ? places.target('accounts', scope, undefined) : [];
      for (const to of every) emit(to, step('clusterroles'));
    } else {
      for (const role of findClusterRoles(world, names('bind clusterroles')))
        emit(world.roleNode(role, scope === EVERYWHERE ? EACH : scope), step('clusterroles'));
    }
    if (hasAll('bind roles')) {
      const to = world.rolesOf(scope);
      if (to !== undefined) emit(to, step('roles'));
    } else {
      for (const role of world.rolesNamed(scope, names('bind roles') ?? []))
        emit(world.roleNode(role, role.namespace), step('roles'));
    }
  }
  // Somebody else is put into a binding that is there.
  const rewrite = (resource: string, bindings: readonly AccessBinding[]) => {
    const verb = ['patch', 'update'].find((one) => has(`${one} ${resource}`));
    if (verb === undefined) return;
    for (const { name, namespace, role: ref } of bindings) {
      const roles = ref.kind === 'Role' ? 'roles' : 'clusterroles';
      if (!allows(`bind ${roles}`, ref.name) || !['patch', 'update'].some((one) => allows(`${one} ${resource}`, name)))
        continue;
      const role = world.find(ref.kind, ref.kind === 'Role' ? namespace : '', ref.name);
      if (role === undefined) continue;
      const isWithin = resource === 'rolebindings';
      emit(world.roleNode(role, isWithin ? namespace : EVERYWHERE), {
        how: 'bind',
        right: `bind ${roles} and ${verb} ${resource}${isWithin ? where : ''}`,
      });
    }
  };
  if (scope === EVERYWHERE) rewrite('clusterrolebindings', world.clusterBindings);
  if (scope !== EACH && !rights.creates('rolebindings')) {
    rewrite('rolebindings', scope === EVERYWHERE ? world.roleBindings : world.bindingsIn(scope));
  }
}

function findClusterRoles(world: RoleWorld, names: Names): readonly AccessRole[] {
  return [...(names ?? [])].flatMap((name) => world.find('ClusterRole', '', name) ?? []);
}

/** Names limit nothing: who may escalate in a role that he is bound to writes every right into it. */
function escalateRoles({ rights, scope, setting, emit }: Way, held: readonly Held[]): void {
  for (const { role, scope: bound } of held) {
    const resource = role.kind === 'Role' ? 'roles' : 'clusterroles';
    if (role.kind === 'Role' && scope !== EVERYWHERE && scope !== EACH && role.namespace !== scope) continue;
    const verb = ['patch', 'update'].find((one) => rights.allows(`${one} ${resource}`, role.name));
    if (verb === undefined || !rights.allows(`escalate ${resource}`, role.name)) continue;
    const step = {
      how: 'escalate',
      right: `escalate and ${verb} ${resource}${role.kind === 'Role' ? describeScope(scope) : ''}`,
    } as const;
    if (role.kind === 'ClusterRole' && bound === EVERYWHERE) emit(setting.everything, step);
    else for (const to of setting.places.target('accounts', bound, undefined)) emit(to, step);
  }
}

function approveCertificates({ rights, setting, emit }: Way): void {
  const isApproving = ['update', 'patch'].some((verb) => rights.has(`${verb} certificatesigningrequests/approval`));
  const isSigning = USER_SIGNER.some((signer) => rights.allows('approve signers', signer));
  if (!isApproving || !isSigning || !rights.creates('certificatesigningrequests')) return;
  const step = {
    how: 'certificate',
    right: `create and approve certificatesigningrequests of ${USER_SIGNER[0]}`,
  } as const;
  // An account's name in it is that account to RBAC; only system:masters is refused (CertificateSubjectRestriction).
  emit(setting.everyAccount, step);
  emit(setting.everyUser, step);
}

/** A group alone is nobody: the API server wants a user with it. */
function impersonateGroups({ rights, setting, emit }: Way): void {
  if (!rights.has('impersonate groups')) return;
  const who = ['impersonate users', 'impersonate serviceaccounts'].find((id) => rights.has(id));
  if (who === undefined) return;
  const step = { how: 'impersonate', right: `impersonate groups and ${who.replace('impersonate ', '')}` } as const;
  if (rights.allows('impersonate groups', MASTERS)) emit(setting.everything, step);
  for (const name of rights.names('impersonate groups') ?? []) {
    const to = setting.groupNode(name);
    if (to !== undefined) emit(to, step);
  }
}

function writePolicies({ rights, setting, emit }: Way): void {
  if ((setting.input.minorVersion ?? POLICIES) < POLICIES) return;
  if (!rights.hasAll('create mutatingadmissionpolicies') || !rights.hasAll('create mutatingadmissionpolicybindings'))
    return;
  emit(setting.everyAccount, {
    how: 'webhook-configuration',
    right: 'create mutatingadmissionpolicies and their bindings',
  });
}
