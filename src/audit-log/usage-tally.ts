/** Adds up audit events by service account, in memory that is bounded whatever the log holds. */

import type { AuditEvent, AuditTarget, TokenKind } from './read-event.ts';

/** With as many characters as the API server lets names have. */
const ACCOUNT = /^system:serviceaccount:([^:]{1,63}):([^:]{1,253})$/;

/** A cluster of a hundred thousand accounts is a large one. */
const MOST_ACCOUNTS = 100_000;
/** Kinds of request of one account: more is an administrator's, for whom no role is written. */
const MOST_GRANTS = 2_000;
/** Names of objects in one grant, above which it is for all names. */
const MOST_NAMES = 10;
const MOST_PODS = 100;
const MOST_TOKEN_REQUESTS = 10_000;
/** Verbs of one URL that is no resource: a client may make them up. */
const MOST_VERBS = 20;
/** Of one text that is kept. Callers write URLs as long as they like, and names in them of objects that there cannot be. */
const MOST_CHARACTERS = 1_024;
/**
 * What all that is kept may take in memory, in bytes as they are estimated here: so many accounts may not each have as many
 * kinds of request as one may. Enough for 100,000 accounts that do little, or 300,000 kinds of request.
 */
const MOST_BYTES = 192 * 1024 * 1024;
/** Of an entry beside its texts, and of an account with its three maps and its set (measured with Node 24). */
const ENTRY_BYTES = 300;
const ACCOUNT_BYTES = 1_000;

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
  /** True if there were accounts of which nothing is kept: who is missing may have called. */
  hasLostAccounts: boolean;
  readonly mostBytes: number;
  /** Estimated bytes of what is kept. */
  keptBytes: number;
};

/** @param mostBytes - that what is kept may take in memory */
export function createUsageTally(mostBytes: number = MOST_BYTES): UsageTally {
  return {
    mostBytes,
    accounts: new Map(),
    tokenRequests: new Map(),
    events: 0,
    firstAt: undefined,
    lastAt: undefined,
    isCut: false,
    hasLostAccounts: false,
    keptBytes: 0,
  };
}

/** False if there is no room for it any more; else it is counted as kept. */
function hasRoom(tally: UsageTally, bytes: number, ...texts: readonly string[]): boolean {
  if (texts.some((text) => text.length > MOST_CHARACTERS)) return false;
  const wanted = texts.reduce((sum, text) => sum + 2 * text.length, bytes);
  if (tally.keptBytes + wanted > tally.mostBytes) return false;
  tally.keptBytes += wanted;
  return true;
}

/** A text of its own: one that was cut out of a line's would keep the whole line. */
function copy(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
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
  addPod(tally, account, event.pod);
  if (!event.isAllowed) account.forbidden += 1;
  else if (event.target === undefined) addPath(tally, account, event);
  else addGrant(tally, account, { ...event.target, verb: event.verb });
}

function findAccount(tally: UsageTally, namespace: string, name: string): AccountUsage | undefined {
  const key = `${namespace}/${name}`;
  const known = tally.accounts.get(key);
  if (known !== undefined) return known;
  if (tally.accounts.size >= MOST_ACCOUNTS || !hasRoom(tally, ACCOUNT_BYTES, key)) {
    tally.isCut = true;
    tally.hasLostAccounts = true;
    return undefined;
  }
  const account: AccountUsage = {
    namespace: copy(namespace),
    name: copy(name),
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

function addPod(tally: UsageTally, { pods }: AccountUsage, pod: string | undefined): void {
  if (pod === undefined || pods.has(pod) || pods.size >= MOST_PODS) return;
  if (hasRoom(tally, ENTRY_BYTES, pod)) pods.add(pod);
}

/** Of a URL that is no resource. */
function addPath(tally: UsageTally, account: AccountUsage, { verb, path }: AuditEvent): void {
  const known = account.paths.get(path);
  if (known?.has(verb) === true) return;
  const isFull = known === undefined ? account.paths.size >= MOST_GRANTS : known.size >= MOST_VERBS;
  if (isFull || !hasRoom(tally, ENTRY_BYTES, path, verb)) {
    account.isCut = true;
    return;
  }
  if (known === undefined) account.paths.set(copy(path), new Set([verb]));
  else known.add(verb);
}

function addGrant(tally: UsageTally, account: AccountUsage, did: AuditTarget & { readonly verb: string }): void {
  const { group, resource, namespace, verb, name } = did;
  const key = JSON.stringify([group, resource, namespace, verb]);
  const known = account.grants.get(key);
  // Its parts are in the key once more.
  if (known === undefined && (account.grants.size >= MOST_GRANTS || !hasRoom(tally, 2 * ENTRY_BYTES, key, key))) {
    account.isCut = true;
    return;
  }
  const grant = known ?? { group, resource, namespace, verb, count: 0, names: new Set<string>() };
  grant.count += 1;
  if (grant.names !== undefined && !grant.names.has(name)) {
    const isKept = name !== '' && grant.names.size < MOST_NAMES && hasRoom(tally, ENTRY_BYTES, name);
    // Without names it is for all of them, which is what it takes.
    if (isKept) grant.names.add(name);
    else grant.names = undefined;
  }
  account.grants.set(key, grant);
}

function addTokenRequest(tally: UsageTally, { target, verb, username, asked, isAllowed }: AuditEvent): void {
  if (target?.resource !== 'serviceaccounts/token' || verb !== 'create' || !isAllowed) return;
  const account = `${target.namespace}/${target.name}`;
  const key = JSON.stringify([username, account, asked?.seconds, asked?.audiences]);
  const known = tally.tokenRequests.get(key);
  if (known !== undefined) known.count += 1;
  else if (tally.tokenRequests.size >= MOST_TOKEN_REQUESTS || !hasRoom(tally, ENTRY_BYTES, key, key))
    tally.isCut = true;
  else {
    const { seconds, audiences } = asked ?? {};
    tally.tokenRequests.set(key, { caller: username, account, seconds, audiences, count: 1 });
  }
}
