/** What the checks on pods and pod templates share: what they read, and the keys of what they find. */

import type { FoundPodSpec } from '../objects/pod-spec.ts';
import { POD, serviceAccountOf, TEMPLATE_KINDS } from '../objects/pod-spec.ts';
import type { Reads } from '../objects/rule-context.ts';
import type { TokenSource } from '../objects/tokens.ts';

/** Pods at CREATE (their token fields are immutable afterwards), templates at CREATE and UPDATE. */
export const READS_PODS_AND_TEMPLATES: readonly Reads[] = [
  { group: POD.group, resource: POD.resource, operations: ['CREATE'] },
  ...TEMPLATE_KINDS.map(({ group, resource }) => ({
    group,
    resource,
    operations: ['CREATE', 'UPDATE'] as const,
  })),
];

/**
 * The key of a finding about `part` of a pod: its pod, the service account whose token it is, and the part. An update
 * that adds no key is not denied, so the account belongs in it: the same volume with another account is another token.
 */
export function keyOfPart(pod: FoundPodSpec, part: string): string {
  return `${pod.identity === '' ? '' : `${pod.identity}: `}${serviceAccountOf(pod.spec)}/${part}`;
}

/** The key of a finding about one token source. */
export function keyOfSource(pod: FoundPodSpec, source: TokenSource): string {
  return keyOfPart(pod, `${source.volume}/${source.file}`);
}

/** Makes a key of each text it is given: the text itself, and `text#2` for its second time. */
export function numberRepeats(): (text: string) => string {
  const times = new Map<string, number>();
  return (text) => {
    const time = (times.get(text) ?? 0) + 1;
    times.set(text, time);
    return time === 1 ? text : `${text}#${time}`;
  };
}
