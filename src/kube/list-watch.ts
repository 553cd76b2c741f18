/**
 * Lists a resource in pages, then watches it from there, for ever: the informer's loop, over one request function.
 *
 * The protocol: https://kubernetes.io/docs/reference/using-api/api-concepts/ (pages, watch, bookmarks, 410 Gone).
 * Why not client-node's informer: it stops at any error but 410, drops lines it cannot parse and keeps whole objects.
 */

import { asArray, asString, member, valueAt } from '../objects/json.ts';
import { ANSWER_TOO_LARGE, type KubeClient } from './api.ts';
import { type Clock, computeBackoff, runWithDeadline } from './clock.ts';
import { describeError, describeResponse } from './sentences.ts';
import type { Collection, Entry } from './view-store.ts';

const PAGE_ITEMS = 500;
/** Of one page, in bytes. 500 service accounts are about 0.5 MiB; a page that is larger is asked for in smaller ones. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;
const PAGE_DEADLINE_MS = 60_000;
/** `timeoutSeconds` of a watch is this and up to as much again, so that replicas do not reconnect together. */
const WATCH_SECONDS = 300;
/**
 * The longest silence that is believed, in ms. Measured on 1.36.3, nothing changing: the first bookmark comes 60 to 121 s
 * after a watch was opened, then one each 60 s.
 */
const IDLE_MS = 3 * 60_000;
/** A watch that ends sooner without having said anything is a failure, or a broken proxy makes a busy loop. */
const SHORT_WATCH_MS = 1000;
const BACKOFF = { firstMs: 500, longestMs: 30_000 };

/** Where the objects go. */
export type ListWatchSink<View> = {
  /** A complete list begins; what is added becomes visible at its commit, at once. */
  collect(): Collection<View>;
  set(entry: Entry<View>): void;
  delete(key: string): void;
  /** The server was heard: a page, an event or a bookmark. */
  contact(): void;
  /** The list or watch ended in an error and will be tried again; `failures` in a row. */
  failed(why: string, failures: number): void;
};

export type ListWatchOptions<View> = {
  readonly client: KubeClient;
  readonly path: string;
  /** Beside what the protocol asks for, such as a field selector. */
  readonly query?: Readonly<Record<string, string>>;
  /** `Accept` of the list and of the watch, `application/json` by default. */
  readonly listAccept?: string;
  readonly watchAccept?: string;
  /** The narrow view of an object; undefined if it is none of the resource. Raw objects are not kept. */
  project(raw: unknown): Entry<View> | undefined;
  readonly sink: ListWatchSink<View>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** How far the loop has come. */
type Progress = {
  /** Watch from here; undefined if a new list is needed. */
  version: string | undefined;
  pageItems: number;
  failures: number;
};

/** Runs until the signal aborts; never rejects. */
export async function runListWatch<View>(options: ListWatchOptions<View>): Promise<void> {
  const { clock, signal, sink } = options;
  const progress: Progress = { version: undefined, pageItems: PAGE_ITEMS, failures: 0 };
  while (!signal.aborted) {
    try {
      progress.version ??= await list(options, progress);
      const end = await watch(options, progress, progress.version);
      if (end === 'closed') continue;
      // 410 Gone: the server has forgotten the version, which is no error. Only a repeated one waits.
      progress.version = undefined;
      progress.failures += 1;
      if (progress.failures === 1) continue;
    } catch (error) {
      if (signal.aborted) return;
      progress.failures += 1;
      // A page can be too large for us only because somebody made it so: ask for fewer objects at a time.
      if (member(error, 'code') === ANSWER_TOO_LARGE) progress.pageItems = Math.max(1, progress.pageItems >> 2);
      sink.failed(describeError(error), progress.failures);
    }
    await clock.sleep(computeBackoff(progress.failures, BACKOFF, clock), signal);
  }
}

/** Reads every page and returns the version that they are all of. */
async function list<View>(options: ListWatchOptions<View>, progress: Progress): Promise<string> {
  const { client, path, listAccept, sink, clock, signal } = options;
  const collection = sink.collect();
  let next = '';
  for (;;) {
    const query = { ...options.query, limit: String(progress.pageItems), ...(next === '' ? {} : { continue: next }) };
    const accept = listAccept === undefined ? {} : { accept: listAccept };
    const response = await runWithDeadline(
      (pageSignal) =>
        client.request({ method: 'GET', path, query, maxAnswerBytes: MAX_PAGE_BYTES, signal: pageSignal, ...accept }),
      { clock, ms: PAGE_DEADLINE_MS, signal },
    );
    if (response.status !== 200) throw new Error(`list ${path}: ${describeResponse(response)}`);
    const version = asString(valueAt(response.body, ['metadata', 'resourceVersion']));
    const items = member(response.body, 'items');
    if (version === undefined || version === '' || (items !== null && !Array.isArray(items))) {
      throw new Error(`list ${path}: the answer is no list`);
    }
    sink.contact();
    for (const item of asArray(items)) collection.add(toEntry(options, item));
    next = asString(valueAt(response.body, ['metadata', 'continue'])) ?? '';
    if (next === '') {
      collection.commit();
      return version;
    }
  }
}

/** Follows the changes after `version` until the server closes the watch, or has forgotten the version. */
async function watch<View>(
  options: ListWatchOptions<View>,
  progress: Progress,
  version: string,
): Promise<'closed' | 'gone'> {
  const { client, path, watchAccept, sink, clock, signal } = options;
  const idle = new AbortController();
  const ended = new AbortController();
  const openedAt = clock.monotonic();
  let heardAt = openedAt;
  let events = 0;
  void abortWhenIdle({ idle, clock, signal: ended.signal, heardAt: () => heardAt });
  try {
    const seconds = Math.floor(WATCH_SECONDS * (1 + clock.random()));
    const query = {
      ...options.query,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: version,
      timeoutSeconds: String(seconds),
    };
    const accept = watchAccept === undefined ? {} : { accept: watchAccept };
    const watchSignal = AbortSignal.any([signal, idle.signal]);
    for await (const event of client.watch({ method: 'GET', path, query, signal: watchSignal, ...accept })) {
      heardAt = clock.monotonic();
      const change = applyEvent(options, event);
      if (change.kind === 'gone') return 'gone';
      progress.version = change.version;
      progress.failures = 0;
      events += 1;
      sink.contact();
    }
    if (events === 0 && clock.monotonic() - openedAt < SHORT_WATCH_MS) {
      throw new Error(`watch ${path}: closed at once, without an event`);
    }
    return 'closed';
  } finally {
    ended.abort();
  }
}

type Change = { readonly kind: 'applied'; readonly version: string } | { readonly kind: 'gone' };

/** Applies one event and returns its version. */
function applyEvent<View>(options: ListWatchOptions<View>, event: unknown): Change {
  const { path, sink } = options;
  const type = member(event, 'type');
  const object = member(event, 'object');
  if (type === 'ERROR') {
    const code = member(object, 'code');
    if (code === 410) return { kind: 'gone' };
    throw new Error(
      `watch ${path}: ${describeResponse({ status: typeof code === 'number' ? code : 0, body: object })}`,
    );
  }
  const version = asString(valueAt(object, ['metadata', 'resourceVersion']));
  if (version === undefined || version === '') throw new Error(`watch ${path}: an event has no resourceVersion`);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      sink.set(toEntry(options, object));
      return { kind: 'applied', version };
    case 'DELETED':
      sink.delete(toEntry(options, object).key);
      return { kind: 'applied', version };
    case 'BOOKMARK':
      return { kind: 'applied', version };
    default:
      throw new Error(`watch ${path}: an event has an unknown type`);
  }
}

function toEntry<View>({ project, path }: ListWatchOptions<View>, raw: unknown): Entry<View> {
  const entry = project(raw);
  if (entry === undefined) throw new Error(`${path}: an object without a name was sent`);
  return entry;
}

type IdleGuard = {
  readonly idle: AbortController;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  heardAt(): number;
};

/** A connection may die without a word (a lost firewall state): silence is the only sign of it. */
async function abortWhenIdle({ idle, clock, signal, heardAt }: IdleGuard): Promise<void> {
  while (!signal.aborted) {
    const left = heardAt() + IDLE_MS - clock.monotonic();
    if (left <= 0) {
      idle.abort(new Error(`the watch was silent for ${IDLE_MS / 1000} s`));
      return;
    }
    await clock.sleep(left, signal);
  }
}
