import type { JsonObject } from './json.ts';
import { member } from './json.ts';

/**
 * In seconds, how long the pod may take to stop, if a token of `seconds` may end before that: the kubelet renews it at
 * 80 % of its life, but no more once the pod is being stopped (kubernetes#116481).
 */
export function outlivesToken(spec: JsonObject, seconds: number): number | undefined {
  const grace = member(spec, 'terminationGracePeriodSeconds');
  return typeof grace === 'number' && grace > seconds / 5 ? grace : undefined;
}
