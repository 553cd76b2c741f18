/** Lines of an audit log, as an API server writes them. */

import { readAuditEvent } from '../../../src/audit-log/read-event.ts';
import { addEvent, createUsageTally, type UsageTally } from '../../../src/audit-log/usage-tally.ts';
import type { JsonObject } from '../../../src/objects/json.ts';

export type EventOptions = {
  readonly account?: string;
  readonly verb?: string;
  readonly objectRef?: JsonObject;
  readonly at?: string;
  readonly stage?: string;
  readonly extra?: JsonObject;
  readonly annotations?: JsonObject;
  readonly more?: JsonObject;
};

/** By `system:serviceaccount:<account>`, with a bound token of the pod `web-1`. */
export function eventLine({
  account = 'shop:web',
  verb = 'get',
  objectRef = { resource: 'pods', namespace: 'shop', name: 'a', apiVersion: 'v1' },
  at = '2026-11-26T05:00:00.000000Z',
  stage = 'ResponseComplete',
  extra = {
    'authentication.kubernetes.io/credential-id': ['JTI=1'],
    'authentication.kubernetes.io/pod-name': ['web-1'],
  },
  annotations = {},
  more = {},
}: EventOptions = {}): string {
  return JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: '8e1b1c5e-0000-4000-8000-000000000000',
    stage,
    requestURI: '/api/v1/namespaces/shop/pods/a?limit=1',
    verb,
    user: { username: `system:serviceaccount:${account}`, groups: ['system:serviceaccounts'], extra },
    objectRef,
    requestReceivedTimestamp: at,
    annotations: { 'authorization.k8s.io/decision': 'allow', ...annotations },
    ...more,
  });
}

/** What a log of these events adds up to. */
export function tallyOf(...events: readonly EventOptions[]): UsageTally {
  const tally = createUsageTally();
  for (const options of events) {
    const event = readAuditEvent(eventLine(options));
    if (event !== undefined && event !== 'other stage') addEvent(tally, event);
  }
  return tally;
}
