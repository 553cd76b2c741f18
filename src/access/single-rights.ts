/** What one right by itself leads to. */

import type { How } from './graph.ts';
import type { AccessInput } from './input.ts';
import type { Places, ShelfName } from './places.ts';
import { EACH, EVERYWHERE } from './places.ts';
import type { Names, RoleRights } from './rights.ts';
import { CLUSTER_SCOPED, WORKLOAD_RIGHTS } from './rights.ts';

/** The first version in which a websocket takes `create` on pods/exec, and not `get` alone (kubernetes issue 133515). */
const WEBSOCKET_NEEDS_CREATE = 35;
/** The first version in which constrained impersonation is on (KEP-5284). */
const CONSTRAINED_IMPERSONATION = 36;

export type Emit = (to: number, step: { readonly how: How; readonly right: string }) => void;

/** What the edges of a role are made for. */
export type Setting = {
  readonly places: Places;
  readonly input: AccessInput;
  /** Nodes that are there whatever the cluster holds. */
  readonly everything: number;
  readonly everyAccount: number;
  readonly everyUser: number;
  userNode(name: string): number | undefined;
  groupNode(name: string): number | undefined;
};

/** Of pods that run, whose tokens one reads. */
const ENTERS: readonly (readonly [id: string, how: How])[] = [
  ['create pods/exec', 'pod-exec'],
  ['create pods/attach', 'pod-exec'],
  ['patch pods/ephemeralcontainers', 'ephemeral-container'],
  ['update pods/ephemeralcontainers', 'ephemeral-container'],
  // The image of a running pod may be changed.
  ['patch pods', 'pod-create'],
  ['update pods', 'pod-create'],
];
const ENTERS_BY_GET: readonly (readonly [id: string, how: How])[] = [
  ['get pods/exec', 'pod-exec'],
  ['get pods/attach', 'pod-exec'],
];
const READS = ['get', 'list', 'watch', 'patch'].map((verb) => `${verb} secrets`);
const PROXY = ['get nodes/proxy', 'create nodes/proxy'];
const WEBHOOKS = ['create', 'update', 'patch'] as const;

/** Tells of each node that a right of `rights`, held in `scope`, leads to by itself. */
export function followSingleRights(
  { rights, scope }: { readonly rights: RoleRights; readonly scope: string },
  setting: Setting,
  emit: Emit,
): void {
  const { granted } = rights;
  const { places, input } = setting;
  if (rights.isEverything && scope === EVERYWHERE) {
    emit(setting.everything, { how: 'everything', right: 'everything' });
    // Nothing can be added to that.
    return;
  }
  const follow = (id: string, how: How, targets: (names: Names) => readonly number[]) => {
    if (!granted.has(id) || !holdsIn(id, scope)) return;
    const names = granted.get(id);
    for (const to of targets(names)) emit(to, { how, right: describeRight(id, names, scope) });
  };
  const to = (shelf: ShelfName) => (names: Names) => places.target(shelf, scope, names);
  const everyOneOf = (names: Names) => (names === undefined ? places.target('accounts', scope, undefined) : []);

  follow('create serviceaccounts/token', 'token-request', to('accounts'));
  follow('impersonate serviceaccounts', 'impersonate', to('names'));
  follow('create pods', 'pod-create', everyOneOf);
  for (const { id, group } of WORKLOAD_RIGHTS) {
    const isCustom = group.includes('.') && group !== '';
    if (isCustom && input.apiGroups?.has(group) === false) continue;
    // Who may change one by name may change its template, and the account that is named there.
    const targets = id.startsWith('create ') ? everyOneOf : () => places.target('accounts', scope, undefined);
    follow(id, isCustom ? 'custom-resource' : 'workload-create', targets);
  }
  for (const [id, how] of ENTERS) follow(id, how, to('pods'));
  if ((input.minorVersion ?? 0) < WEBSOCKET_NEEDS_CREATE)
    for (const [id, how] of ENTERS_BY_GET) follow(id, how, to('pods'));
  for (const id of READS) follow(id, 'secret-read', to('secrets'));
  for (const id of PROXY) follow(id, 'node-proxy', (names) => places.podsOn(names));
  for (const verb of WEBHOOKS) {
    follow(`${verb} mutatingwebhookconfigurations`, 'webhook-configuration', (names) =>
      verb === 'create' && names !== undefined ? [] : [setting.everyAccount],
    );
    // It is shown every Secret that is written, and a token Secret is written when it is used.
    follow(`${verb} validatingwebhookconfigurations`, 'webhook-configuration', (names) =>
      verb === 'create' && names !== undefined ? [] : places.target('secrets', EACH, undefined),
    );
  }
  follow('impersonate users', 'impersonate', (names) =>
    names === undefined ? [setting.everyUser] : [...names].flatMap((name) => setting.userNode(name) ?? []),
  );
  if (rights.actsAsAccount && (input.minorVersion ?? CONSTRAINED_IMPERSONATION) >= CONSTRAINED_IMPERSONATION) {
    follow('impersonate:serviceaccount serviceaccounts', 'impersonate', (names) => places.limited(scope, names));
  }
}

/** True if a right of the table counts in this scope: what is in no namespace, only everywhere. */
export function holdsIn(id: string, scope: string): boolean {
  return scope === EVERYWHERE || !CLUSTER_SCOPED.has(id);
}

/** `create serviceaccounts/token in shop`, `get secrets named a, b everywhere`. */
export function describeRight(id: string, names: Names, scope: string): string {
  const named = names === undefined ? '' : ` named ${joinNames(names)}`;
  return `${id}${named}${CLUSTER_SCOPED.has(id) ? '' : describeScope(scope)}`;
}

export function describeScope(scope: string): string {
  return scope === EVERYWHERE || scope === EACH ? ' everywhere' : ` in ${scope}`;
}

const MOST_NAMES = 3;

function joinNames(names: ReadonlySet<string>): string {
  const shown = [...names].slice(0, MOST_NAMES).map((name) => (name === '' ? '""' : name));
  const more = names.size - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
