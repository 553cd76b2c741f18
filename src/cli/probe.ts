/** `curfew probe`: whether the API server can call this installation. What `helm test` runs. */

import { isIP } from 'node:net';
import { decode } from '../certificates/base64.ts';
import { readText } from '../certificates/files.ts';
import { toConfigurationPath } from '../certificates/publish.ts';
import { FAULTS, type FaultCode } from '../errors.ts';
import type { KubeClient, KubeResponse } from '../kube/api.ts';
import { type Clock, createSystemClock, runWithDeadline } from '../kube/clock.ts';
import { describeError, describeResponse } from '../kube/sentences.ts';
import { createKeepAliveAgent, sendRequest } from '../kube/transport.ts';
import { asArray, asString, type JsonObject, member, valueAt } from '../objects/json.ts';
import type { Subject } from '../objects/subject.ts';
import { composeReview } from '../review/compose.ts';
import { ENTRIES } from '../review/entries.ts';
import { connectCluster } from './connect-cluster.ts';

export type ProbeOptions = {
  /** Name of the webhook configurations. */
  readonly webhooks: string;
  /** `HOST:PORT` of the Service. */
  readonly address: string;
  /** What the certificate is for. */
  readonly servingName: string;
  /** Where Curfew runs, and where nothing is judged. */
  readonly namespace: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  /** PEM files of a client certificate, where Curfew asks its callers for one. */
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  /** Longest wait for an installation that is not there yet, in seconds. */
  readonly timeoutSeconds: number;
};

const KINDS = ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'] as const;
const REQUEST_MS = 10_000;
const PAUSE_MS = 1_000;
const UNKNOWN_CALLER: FaultCode = 'CURFEW_E_CALLER';
const REVIEW_UID = 'curfew-probe';

/**
 * Reads both webhook configurations, and calls the Service as the API server does: by TLS with the published bundle and
 * a review. Tries until all is well, and returns what was seen; throws a sentence that says what is missing.
 */
export async function probe(options: ProbeOptions, signal: AbortSignal): Promise<string> {
  const client = await connectCluster(options);
  const clock = createSystemClock();
  const end = clock.monotonic() + options.timeoutSeconds * 1_000;
  for (;;) {
    try {
      return await probeOnce(client, options, { clock, signal });
    } catch (error) {
      if (clock.monotonic() >= end || signal.aborted) throw error;
    }
    await clock.sleep(PAUSE_MS, signal);
  }
}

type Running = { readonly clock: Clock; readonly signal: AbortSignal };

async function probeOnce(client: KubeClient, options: ProbeOptions, running: Running): Promise<string> {
  const bundles = new Set<string>();
  const lines: string[] = [];
  for (const kind of KINDS) {
    const webhooks = await readWebhooks(client, { kind, name: options.webhooks }, running);
    for (const webhook of webhooks) {
      const bundle = asString(valueAt(webhook, ['clientConfig', 'caBundle'])) ?? '';
      if (asArray(member(webhook, 'rules')).length === 0 || bundle === '') {
        const name = asString(member(webhook, 'name'));
        throw new Error(
          `${kind} ${options.webhooks}: ${name} has no rules or no CA bundle: no replica has published them`,
        );
      }
      bundles.add(bundle);
    }
    lines.push(`${kind} ${options.webhooks}: ${webhooks.length} webhooks have rules and a CA bundle\n`);
  }
  for (const bundle of bundles) lines.push(await callService(decode(bundle), options, running));
  return [...new Set(lines)].join('');
}

async function readWebhooks(
  client: KubeClient,
  { kind, name }: { readonly kind: (typeof KINDS)[number]; readonly name: string },
  running: Running,
): Promise<readonly unknown[]> {
  const path = toConfigurationPath(kind, name);
  const found = await runWithDeadline(async (signal) => await client.request({ method: 'GET', path, signal }), {
    ...running,
    ms: REQUEST_MS,
  });
  if (found.status !== 200) throw new Error(`${kind} ${name} cannot be read: ${describeResponse(found)}`);
  const webhooks = asArray(member(found.body, 'webhooks'));
  if (webhooks.length === 0) throw new Error(`${kind} ${name} has no webhooks`);
  return webhooks;
}

async function callService(ca: string, options: ProbeOptions, running: Running): Promise<string> {
  const { address, servingName, namespace } = options;
  const path = ENTRIES.find(({ name }) => name === 'secrets.curfew.dev')?.path ?? '';
  const where = `Service ${servingName} at ${address}`;
  const base = new URL(`https://${address}`);
  // An address is not what the certificate is for; the API server does not look it up either.
  const agent = createKeepAliveAgent(base, {
    ca,
    servername: isIP(servingName) === 0 ? servingName : '',
    ...(await readClientPair(options)),
  });
  try {
    const body = createReview(namespace);
    const answer = await runWithDeadline(
      async (signal) =>
        await sendRequest(
          { base, agent, headers: {} },
          { method: 'POST', path, contentType: 'application/json', body, signal },
        ),
      { ...running, ms: REQUEST_MS },
    );
    if (isUnknownCaller(answer)) {
      if (options.clientCertificate !== undefined) throw new Error(describeResponse(answer));
      return `${where}: answers over TLS, and refuses this caller, which has no client certificate (callerAuthentication). Whether API servers have theirs is told by the metric curfew_unauthenticated_calls_total.\n`;
    }
    if (answer.status !== 200) throw new Error(describeResponse(answer));
    if (valueAt(answer.body, ['response', 'uid']) !== REVIEW_UID) throw new Error('the answer is none to this review');
    return `${where}: answers a review over TLS\n`;
  } catch (error) {
    throw new Error(`${where} does not answer a review over TLS: ${describeError(error)}`);
  } finally {
    agent.destroy();
  }
}

function isUnknownCaller({ status, body }: KubeResponse): boolean {
  return (
    status === FAULTS.CURFEW_E_CALLER.status && (asString(member(body, 'message')) ?? '').startsWith(UNKNOWN_CALLER)
  );
}

async function readClientPair({ clientCertificate, clientKey }: ProbeOptions) {
  if (clientCertificate === undefined && clientKey === undefined) return {};
  if (clientCertificate === undefined || clientKey === undefined) {
    throw new Error('--client-certificate and --client-key go together');
  }
  return { cert: await readText(clientCertificate), key: await readText(clientKey) };
}

/** Of a Secret without data in a namespace where nothing is judged, so that it is counted as a review and nothing else. */
function createReview(namespace: string): JsonObject {
  const name = 'curfew-probe';
  const subject: Subject = {
    operation: 'CREATE',
    resource: { group: '', name: 'secrets', subresource: '' },
    kind: 'Secret',
    namespace,
    name,
    object: { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'Opaque' },
  };
  return composeReview(subject, { uid: REVIEW_UID, username: 'system:apiserver' });
}
