/** Adds up audit events by service account, in memory that is bounded whatever the log holds. */

import type { AuditEvent, TokenKind } from './read-event.ts';

const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** A cluster of a hundred thousand accounts is a large one. */
const MOST_ACCOUNTS = 100_000;
/** Kinds of request of one account: more is an administrator's, for whom no role is written. */
const MOST_GRANTS = 2_000;
/** Names of objects in one grant, above which it is for all names. */
const MOST_NAMES = 10;
const MOST_PODS = 100;
const MOST_TOKEN_REQUESTS = 10_000;

/** One thing that an account did, as a rule of RBAC would allow it. */
export type UsedGrant = {
  readonly group: string;
  readonly resource: string;
  /** Empty for what is in no namespace, and for lists of all namespaces. */
  readonly namespace: string;
  readonly verb: string;
  count: number;
  /** Undefined if there were too many, or if a request named none. */
  names: Set<string> | undefined;
};

export type AccountUsage = {
  readonly namespace: string;
  readonly name: string;
  requests: number;
  /** Requests that the authorizer refused; they are in nothing below. */
  forbidden: number;
  /** In ms since the epoch. */
  firstAt: number;
  lastAt: number;
  readonly tokens: Record<TokenKind, number>;
  /** Names of pods that called; at most 100 of them are known. */
  readonly pods: Set<string>;
  readonly grants: Map<string, UsedGrant>;
  /** URLs that are no resources, with the verbs. */
  readonly paths: Map<string, Set<string>>;
  /** True if it did more than is kept: then no role can be written. */
  isCut: boolean;
};

/** Tokens that were asked for by one caller for one account in one way. */
export type TokenRequestUsage = {
  readonly caller: string;
  readonly account: string;
  /** Undefined where the log does not hold what was asked for, or nothing was. */
  readonly seconds: number | undefined;
  /** Undefined where the log does not hold what was asked for. */
  readonly audiences: readonly string[] | undefined;
  count: number;
};

export type UsageTally = {
  readonly accounts: Map<string, AccountUsage>;
  readonly tokenRequests: Map<string, TokenRequestUsage>;
  /** Events of requests; each request is one. */
  events: number;
  /** In ms since the epoch; undefined before the first. */
  firstAt: number | undefined;
  lastAt: number | undefined;
  /** True if there were more accounts or ways of asking for tokens than are kept. */
  isCut: boolean;
};

export function createUsageTally(): UsageTally {
  return {
    accounts: new Map(),
    tokenRequests: new Map(),
    events: 0,
    firstAt: undefined,
    lastAt: undefined,
    isCut: false,
  };
}

export function addEvent(tally: UsageTally, event: AuditEvent): void {
  tally.events += 1;
  tally.firstAt = Math.min(tally.firstAt ?? event.at, event.at);
  tally.lastAt = Math.max(tally.lastAt ?? event.at, event.at);
  addTokenRequest(tally, event);
  const [, namespace, name] = ACCOUNT.exec(event.username) ?? [];
  if (namespace === undefined || name === undefined) return;
  const account = findAccount(tally, namespace, name);
  if (account === undefined) return;
  account.requests += 1;
  account.firstAt = Math.min(account.firstAt, event.at);
  account.lastAt = Math.max(account.lastAt, event.at);
  account.tokens[event.token] += 1;
  if (event.pod !== undefined && account.pods.size < MOST_PODS) account.pods.add(event.pod);
  if (!event.isAllowed) account.forbidden += 1;
  else addGrant(account, event);
}

function findAccount(tally: UsageTally, namespace: string, name: string): AccountUsage | undefined {
  const key = `${namespace}/${name}`;
  const known = tally.accounts.get(key);
  if (known !== undefined) return known;
  if (tally.accounts.size >= MOST_ACCOUNTS) {
    tally.isCut = true;
    return undefined;
  }
  const account: AccountUsage = {
    namespace,
    name,
    requests: 0,
    forbidden: 0,
    firstAt: Number.POSITIVE_INFINITY,
    lastAt: Number.NEGATIVE_INFINITY,
    tokens: { bound: 0, stale: 0, legacy: 0, unknown: 0 },
    pods: new Set(),
    grants: new Map(),
    paths: new Map(),
    isCut: false,
  };
  tally.accounts.set(key, account);
  return account;
}

function addGrant(account: AccountUsage, { target, verb, path }: AuditEvent): void {
  if (target === undefined) {
    const verbs = account.paths.get(path) ?? new Set<string>();
    if (!account.paths.has(path) && account.paths.size >= MOST_GRANTS) account.isCut = true;
    else account.paths.set(path, verbs.add(verb));
    return;
  }
  const key = JSON.stringify([target.group, target.resource, target.namespace, verb]);
  const known = account.grants.get(key);
  if (known === undefined && account.grants.size >= MOST_GRANTS) {
    account.isCut = true;
    return;
  }
  const { group, resource, namespace, name } = target;
  const grant = known ?? { group, resource, namespace, verb, count: 0, names: new Set<string>() };
  grant.count += 1;
  if (name === '') grant.names = undefined;
  else grant.names?.add(name);
  if (grant.names !== undefined && grant.names.size > MOST_NAMES) grant.names = undefined;
  account.grants.set(key, grant);
}

function addTokenRequest(tally: UsageTally, { target, verb, username, asked, isAllowed }: AuditEvent): void {
  if (target?.resource !== 'serviceaccounts/token' || verb !== 'create' || !isAllowed) return;
  const account = `${target.namespace}/${target.name}`;
  const key = JSON.stringify([username, account, asked?.seconds, asked?.audiences]);
  const known = tally.tokenRequests.get(key);
  if (known !== undefined) known.count += 1;
  else if (tally.tokenRequests.size >= MOST_TOKEN_REQUESTS) tally.isCut = true;
  else {
    const { seconds, audiences } = asked ?? {};
    tally.tokenRequests.set(key, { caller: username, account, seconds, audiences, count: 1 });
  }
}
