/** Policies for what kubelets ask for, which nobody has who did not ask for them: a mistake here keeps pods from starting. */

import { NODE_FORMS } from '../checks/cel/node-token-requests.ts';
import { CHECKS } from '../checks/registry.ts';
import type { JsonObject } from '../objects/json.ts';
import { READS_TOKEN_REQUESTS } from '../objects/token-request.ts';
import type { Exemption } from '../policy/exemption.ts';
import { isNarrow } from '../policy/exemption.ts';
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

/** True if nothing is left of an exemption that pods have from what kubelets' requests are held to. */
export function isLostOnKubelets(exemption: Exemption): boolean {
  const { match, checks } = exemption;
  const isOfPods = match.kinds === undefined || match.kinds.includes('Pod');
  const isHeeded = checks === undefined || [...NODE_FORMS.keys()].some((id) => checks.has(id));
  return isOfPods && isHeeded && toKubelet(exemption) === undefined;
}

/**
 * An exemption of a pod for the request of its kubelet: who made the pod is not known then, and that it is one goes without saying.
 * Undefined where nothing else rules anything out: it would silence the check for the whole cluster.
 */
function toKubelet(exemption: Exemption): Exemption | undefined {
  const { users: _users, groups: _groups, kinds, ...match } = exemption.match;
  if (kinds !== undefined && !kinds.includes('Pod')) return undefined;
  return isNarrow(match) ? { ...exemption, match } : undefined;
}
