/**
 * The Kubernetes API as Curfew needs it: small interfaces that we own. `client.ts` is the one file that implements
 * them with a library; everything else, tests included, depends on these alone.
 */

import type { JsonValue } from '../objects/json.ts';
import type { Lookup, NamespaceView, ServiceAccountView, TokenSecretView } from '../objects/views.ts';

/** One HTTP request to the API server. */
export type KubeRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path on the API server, such as `/api/v1/namespaces/a/serviceaccounts`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  /** `Accept`; `application/json` by default. */
  readonly accept?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** A larger answer is not read but fails with `ANSWER_TOO_LARGE`, in bytes; 64 MiB by default. */
  readonly maxAnswerBytes?: number;
  readonly signal: AbortSignal;
};

/** The `code` of the error that a too large answer throws, so that a caller can ask again for less. */
export const ANSWER_TOO_LARGE = 'CURFEW_ANSWER_TOO_LARGE';

/**
 * The whole answer, parsed. Any status is an answer; only transport errors and aborts throw. An answer that is no
 * success and no JSON (a proxy's page) has a `Status` made of its first words as its body.
 */
export type KubeResponse = { readonly status: number; readonly body: unknown };

/** The API server of one cluster. */
export type KubeClient = {
  /** The server's address, for messages: `https://10.0.0.1:443`. */
  readonly server: string;
  /** Sends one request; the answer is read whole (bounded) and parsed as JSON. */
  request(request: KubeRequest): Promise<KubeResponse>;
  /**
   * Opens a watch and yields each line parsed; ends when the server closes it, throws on transport errors. A watch that
   * is refused yields one event `{ type: 'ERROR', object: Status }`, as the API server itself reports later errors.
   */
  watch(request: KubeRequest): AsyncIterable<unknown>;
};

/** What is there at once where memory holds it: a promise for each lookup of each review costs more than the lookup. */
export type Eventual<T> = T | Promise<T>;

/**
 * How new an answer has to be. `held`: what memory has will do; what it does not have is read, but of names that do not exist
 * only so many. `onMiss`: what memory has will do unless it may be old: a change of it was let in a moment ago, or nobody would tell of
 * one, or the API server is not heard; all else is read. `now`: the API server is asked, whatever is held. What the last two read is
 * as it was after the call, or `stale`; they are only for names of which the API server has said that they exist, as it has of a pod's
 * namespace and account.
 */
export type Newness = 'held' | 'onMiss' | 'now';

/** Looks up what rules need; never throws, answers `unknown` instead. */
export type ClusterReader = {
  /** @param newness - `held` by default */
  namespace(name: string, newness?: Newness): Eventual<Lookup<NamespaceView>>;
  /** @param newness - `held` by default */
  serviceAccount(namespace: string, name: string, newness?: Newness): Eventual<Lookup<ServiceAccountView>>;
  /** From memory alone: Curfew has no right to read a Secret. `unknown` while the index of token Secrets is off. */
  tokenSecret(namespace: string, name: string): Lookup<TokenSecretView>;
  /**
   * Names of the MutatingWebhookConfigurations, but for Curfew's own; from memory alone. The last list that was complete,
   * with what was heard since; `unknown` until there is one.
   */
  mutatingWebhooks(): Lookup<readonly string[]>;
};

/** Some of the pods of a namespace, raw; or why there are no more of them. */
export type PodPage =
  | { readonly state: 'found'; readonly pods: readonly JsonValue[] }
  | { readonly state: 'unknown'; readonly why: string };

/** Lists the pods of a namespace that have not ended, a page at a time; never throws, and ends soon after `signal` aborts. */
export type PodLister = (namespace: string, signal: AbortSignal) => AsyncIterable<PodPage>;
