import type { Ask } from './asks.ts';

/** Of nothing of the pod's own, since another webhook may change its name between two rounds (azure-workload-identity#1744). */
export function toVolumeName({ name, preset }: Pick<Ask, 'name' | 'preset'>): string {
  return preset?.volume ?? `curfew-token-${name}`;
}
