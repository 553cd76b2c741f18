/** What the checks on pods and pod templates read. */

import { POD, TEMPLATE_KINDS } from '../objects/pod-spec.ts';
import type { Reads } from '../objects/rule-context.ts';

/** Pods at CREATE (their token fields are immutable afterwards), templates at CREATE and UPDATE. */
export const READS_PODS_AND_TEMPLATES: readonly Reads[] = [
  { group: POD.group, resource: POD.resource, operations: ['CREATE'] },
  ...TEMPLATE_KINDS.map(({ group, resource }) => ({
    group,
    resource,
    operations: ['CREATE', 'UPDATE'] as const,
  })),
];
