/** Policies for what kubelets ask for, which nobody has who did not ask for them: a mistake here keeps pods from starting. */

import { NODE_FORMS } from '../checks/cel/node-token-requests.ts';
import { CHECKS } from '../checks/registry.ts';
import type { JsonObject } from '../objects/json.ts';
import { READS_TOKEN_REQUESTS } from '../objects/token-request.ts';
import type { Exemption } from '../policy/exemption.ts';
import type { NativeOptions } from './native-options.ts';
import type { Target } from './targets.ts';
import { ceilingOf, renderPolicy } from './validating.ts';

/** In front of the check's id in the name of such a policy. */
export const NODE_PREFIX = 'node-';

/** Audit annotations in any case, and denials where they are wanted. Behind the webhook too, which is not asked about kubelets. */
export function renderNodeTokens(options: NativeOptions): readonly JsonObject[] {
  if (options.nodeTokens === 'off') return [];
  const exemptions = options.configuration.exemptions.flatMap((exemption) => toKubelet(exemption) ?? []);
  const own = { ...options, configuration: { ...options.configuration, exemptions } };
  return CHECKS.flatMap((check) => {
    const form = NODE_FORMS.get(check.id);
    const ceiling = ceilingOf(check, options);
    if (form === undefined || ceiling === 'off') return [];
    const reads = READS_TOKEN_REQUESTS;
    const name = `${NODE_PREFIX}${check.id}`;
    const target: Target = { name, form, reads, isTemplates: false, hasUpdates: false, isForNodes: true };
    const mayDeny = ceiling === 'enforce' && options.nodeTokens === 'enforce';
    const modes = mayDeny ? (['enforce', 'audit'] as const) : (['audit'] as const);
    return modes.flatMap((mode) => renderPolicy({ check, target, mode, mayDeny, mayWarn: false, options: own }));
  });
}

/**
 * An exemption of a pod for the request of its kubelet: who made the pod is not known then, and that it is one goes without saying.
 * Undefined where nothing else is left of it.
 */
export function toKubelet(exemption: Exemption): Exemption | undefined {
  const { users, groups, kinds, ...match } = exemption.match;
  if (kinds !== undefined && !kinds.includes('Pod')) return undefined;
  const isNarrow = match.namespaces !== undefined || match.names !== undefined || match.serviceAccounts !== undefined;
  return (users === undefined && groups === undefined) || isNarrow ? { ...exemption, match } : undefined;
}
