/**
 * The one implementation of `KubeClient`, and the one file that imports @kubernetes/client-node: it knows kubeconfigs,
 * exec plugins, OIDC and the token of a pod. The library is loaded only when a cluster is really asked for (37 MB and
 * 0.15 s, measured), and only for credentials: the requests are ours, see `transport.ts`.
 */

import { createHash } from 'node:crypto';
import type { AgentOptions, RequestOptions } from 'node:https';
import { isObject, member } from '../objects/json.ts';
import type { KubeClient } from './api.ts';
import { type KubeConfigChoice, loadKubeConfig } from './kubeconfig.ts';
import { describeError } from './sentences.ts';
import { createKeepAliveAgent, openWatch, type Route, sendRequest } from './transport.ts';

/**
 * Reads the kubeconfig, or the pod's own service account, and returns a client for its cluster. Sends nothing yet.
 * Throws an Error with one sentence that names the file and the field if the kubeconfig cannot be used.
 */
export async function connect(choice: KubeConfigChoice): Promise<KubeClient> {
  const { KubeConfig, loadYaml } = await import('@kubernetes/client-node');
  const config = loadKubeConfig({ create: () => new KubeConfig(), parse: (text) => loadYaml<unknown>(text) }, choice);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('The kubeconfig names no cluster.');
  const base = new URL(cluster.server);
  const routes = createRouteFinder(base, {
    hasProxy: cluster.proxyUrl !== undefined,
    applyCredentials: (options) => config.applyToHTTPSOptions(options),
  });
  return {
    server: base.origin,
    request: async (request) => {
      const response = await sendRequest(await routes.recent(), request);
      if (response.status === UNAUTHORIZED) routes.forget();
      return response;
    },
    async *watch(request) {
      yield* openWatch(await routes.anew(), request);
    },
  };
}

const UNAUTHORIZED = 401;
/** So long credentials are used again, in ms: to ask for them costs as much as a small request. */
const ROUTE_MS = 1_000;

type RouteFinder = {
  anew(): Promise<Route>;
  /** The one before, if it is less than a second old and was not forgotten. */
  recent(): Promise<Route>;
  forget(): void;
};

type Credentials = {
  /** The cluster is reached through a proxy, for which client-node makes the agent. */
  readonly hasProxy: boolean;
  applyCredentials(options: RequestOptions): Promise<void>;
};

/**
 * Credentials are asked for anew again and again, so that a rotated token or client certificate is used; the agent
 * is kept while the TLS material stays the same. client-node's own agent is not used: it keeps no connection open, and
 * is made once, so a client certificate that an exec plugin renews would never reach it.
 */
function createRouteFinder(base: URL, { hasProxy, applyCredentials }: Credentials): RouteFinder {
  let kept: { readonly print: string; readonly agent: Route['agent'] } | undefined;
  let recent: { readonly route: Promise<Route>; readonly until: number } | undefined;

  async function find(): Promise<Route> {
    const options: RequestOptions = { headers: {} };
    try {
      await applyCredentials(options);
    } catch (error) {
      throw new Error(`Credentials for ${base.origin}: ${describeError(error)}`);
    }
    const headers = toHeaders(options);
    if (hasProxy && isAgent(options.agent)) return { base, agent: options.agent, headers };
    const tls = toTls(options);
    const print = fingerprint(tls);
    // The agent before is only forgotten: a watch may still run over it, and its idle sockets close by themselves.
    if (kept?.print !== print) kept = { print, agent: createKeepAliveAgent(base, tls) };
    return { base, agent: kept.agent, headers };
  }

  function forget(): void {
    recent = undefined;
  }

  function anew(): Promise<Route> {
    const found = { route: find(), until: performance.now() + ROUTE_MS };
    recent = found;
    // What could not be had is asked for again by the next; whoever waits for it is told.
    found.route.catch(() => {
      if (recent === found) forget();
    });
    return found.route;
  }

  return {
    anew,
    recent: () => (recent !== undefined && performance.now() < recent.until ? recent.route : anew()),
    forget,
  };
}

function isAgent(agent: RequestOptions['agent']): agent is Route['agent'] {
  return typeof agent === 'object';
}

function toHeaders(options: RequestOptions): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  if (typeof options.auth === 'string') {
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  if (isObject(options.headers)) {
    for (const key of Object.keys(options.headers)) {
      const value = member(options.headers, key);
      // A token file may end in a newline, which no header may hold.
      if (typeof value === 'string') headers[key.toLowerCase()] = value.trim();
    }
  }
  return headers;
}

function toTls(options: RequestOptions): AgentOptions {
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  };
}

function fingerprint({ ca, cert, key, servername, rejectUnauthorized }: AgentOptions): string {
  // client-node hands over buffers or texts, which JSON tells apart and keeps whole.
  return createHash('sha256')
    .update(JSON.stringify([ca, cert, key, servername, rejectUnauthorized]))
    .digest('base64');
}
