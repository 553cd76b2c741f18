/** Exemptions of known software that needs a token: named sets, off by default. */

import { CHECKS } from '../checks/registry.ts';
import type { Exemption } from './exemption.ts';

export type ExemptionPreset = {
  /** Also the name of its exemption. */
  readonly name: string;
  readonly serviceAccounts: readonly string[];
  readonly needs: readonly (keyof typeof CHECKS_OF_NEED)[];
  /** One line: what it does with its token. */
  readonly reason: string;
};

/** Which checks stand in the way of what a program needs. */
const CHECKS_OF_NEED = {
  /** It calls the Kubernetes API with the token of its pod. */
  'api-token': ['pod-automount', 'service-account-automount'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export const EXEMPTION_PRESETS: readonly ExemptionPreset[] = [
  {
    name: 'argo-cd',
    serviceAccounts: ['argocd/argocd-application-controller', 'argocd/argocd-server'],
    needs: ['api-token'],
    reason: 'Argo CD reads and writes the objects that it deploys',
  },
];

/** The ids of the checks whose findings a preset removes. */
export function listPresetChecks({ needs }: ExemptionPreset): readonly string[] {
  const ids: readonly string[] = needs.flatMap((need) => CHECKS_OF_NEED[need]);
  return CHECKS.map(({ id }) => id).filter((id) => ids.includes(id));
}

/** The exemption that a preset stands for. */
export function toExemption(preset: ExemptionPreset): Exemption {
  const { name, serviceAccounts, reason } = preset;
  return {
    name,
    match: { serviceAccounts },
    checks: new Set(listPresetChecks(preset)),
    reason,
    owner: `preset ${name}`,
    ticket: undefined,
    lastDay: undefined,
    end: Infinity,
  };
}
