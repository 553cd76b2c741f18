/**
 * What of a cluster only the scorecard asks about. Whoever may not list it is told so by the line: it is no fault of the
 * audit, which judges nothing by it.
 */

import { listAll } from '../kube/list-all.ts';
import type { JsonValue } from '../objects/json.ts';
import { asArray, asString, member, valueAt } from '../objects/json.ts';
import type { ClusterOptions } from './read-cluster.ts';
import type { ForeignReading } from './read-foreign.ts';
import type { ScoredObject, ScoreFacts } from './score-facts.ts';

const PROMETHEUS = 'monitoring.coreos.com';
/** Metrics and labels of which an alert on tokens is made. */
const ABOUT_TOKENS = /subresource=\\?["']token|serviceaccount_(stale|legacy|valid)|curfew_/;
const MOST_ALERTS = 20;

export type Evidence = Pick<ScoreFacts, 'alerts' | 'egressNamespaces'> & {
  readonly kubernetesVersion: string | undefined;
};

export async function readEvidence(options: ClusterOptions, groups: ForeignReading['groups']): Promise<Evidence> {
  const within = options.namespace === undefined ? '' : `/namespaces/${encodeURIComponent(options.namespace)}`;
  const policies = await gatherAll(options, `/apis/networking.k8s.io/v1${within}/networkpolicies`, isForEgress);
  const version = groups?.get(PROMETHEUS);
  const alerts =
    version === undefined
      ? groups && []
      : await gatherAll(options, `/apis/${version}${within}/prometheusrules`, isAboutTokens);
  return {
    alerts: alerts?.map((one) => toObject('PrometheusRule', one)).slice(0, MOST_ALERTS),
    egressNamespaces: policies && new Set(policies.map((one) => toObject('NetworkPolicy', one).namespace)),
    kubernetesVersion: await readVersion(options),
  };
}

/** Metadata of those that are asked for; undefined if they cannot be listed. */
async function gatherAll(
  { client, signal }: ClusterOptions,
  path: string,
  isWanted: (item: JsonValue) => boolean,
): Promise<readonly JsonValue[] | undefined> {
  const found: JsonValue[] = [];
  try {
    for await (const page of listAll(client, { path, isOptional: true }, signal)) {
      found.push(...page.filter(isWanted).map((item) => ({ metadata: toName(item) })));
    }
    return found;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function toName(item: JsonValue) {
  const read = (key: string) => asString(valueAt(item, ['metadata', key])) ?? '';
  return { namespace: read('namespace'), name: read('name') };
}

function toObject(kind: string, item: JsonValue): ScoredObject {
  return { kind, ...toName(item) };
}

function isForEgress(policy: JsonValue): boolean {
  return asArray(valueAt(policy, ['spec', 'policyTypes'])).includes('Egress');
}

function isAboutTokens(rules: JsonValue): boolean {
  return ABOUT_TOKENS.test(JSON.stringify(member(rules, 'spec') ?? null));
}

async function readVersion({ client, signal }: ClusterOptions): Promise<string | undefined> {
  try {
    const { body } = await client.request({ method: 'GET', path: '/version', signal });
    return asString(member(body, 'gitVersion'));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
