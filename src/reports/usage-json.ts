/** `curfew usage` for programs. */

import { listSilentHolders } from '../audit-log/compare-accounts.ts';
import type { AccountUsage } from '../audit-log/usage-tally.ts';
import type { JsonObject } from '../objects/json.ts';
import type { UsageReport } from './usage-table.ts';

export function toUsageJson({ tally, known, skippedLines }: UsageReport): JsonObject {
  const { firstAt, lastAt, events, isCut } = tally;
  return {
    apiVersion: 'curfew.dev/v1alpha1',
    kind: 'UsageReport',
    requests: events,
    skippedLines,
    isCut,
    ...(firstAt === undefined || lastAt === undefined ? {} : { from: toTime(firstAt), to: toTime(lastAt) }),
    accounts: [...tally.accounts.values()].map(toAccount),
    tokenRequests: [...tally.tokenRequests.values()].map(({ caller, account, seconds, audiences, count }) => ({
      caller,
      account,
      ...(seconds === undefined ? {} : { seconds }),
      ...(audiences === undefined ? {} : { audiences }),
      count,
    })),
    ...(known === undefined
      ? {}
      : {
          silent: listSilentHolders(known, tally).map(({ view: { namespace, name }, holders, holderCount }) => ({
            namespace,
            name,
            pods: holderCount,
            examples: holders,
          })),
        }),
  };
}

function toAccount(usage: AccountUsage): JsonObject {
  return {
    namespace: usage.namespace,
    name: usage.name,
    requests: usage.requests,
    refused: usage.forbidden,
    firstCall: toTime(usage.firstAt),
    lastCall: toTime(usage.lastAt),
    tokens: usage.tokens,
    pods: [...usage.pods].toSorted(),
    isCut: usage.isCut,
    used: [...usage.grants.values()].map(({ group, resource, namespace, verb, count, names }) => ({
      group,
      resource,
      namespace,
      verb,
      count,
      ...(names === undefined ? {} : { names: [...names].toSorted() }),
    })),
    paths: [...usage.paths].map(([path, verbs]) => ({ path, verbs: [...verbs].toSorted() })),
  };
}

function toTime(ms: number): string {
  return new Date(ms).toISOString();
}
