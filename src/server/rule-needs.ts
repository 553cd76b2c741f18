/** What the rules that read a request need to know of the cluster: found once for a configuration, asked by every review. */

import type { Check } from '../checks/define-check.ts';
import type { Newness } from '../kube/api.ts';
import type { Configuration } from '../policy/configuration.ts';
import type { Scope } from '../policy/scope.ts';
import type { LookUps } from './look-up.ts';

/** By configuration, which does not change, and list of rules, of which there are few. */
const known = {
  injecting: new WeakMap<Configuration, LookUpsOfRules>(),
  idle: new WeakMap<Configuration, LookUpsOfRules>(),
};

type LookUpsOfRules = Map<readonly NeedyRule[], LookUps>;
type NeedyRule = Pick<Check, 'id' | 'needs'>;

/** From what asks least of the API server to what asks most. */
const NEWNESSES: readonly (Newness | undefined)[] = [undefined, 'held', 'onMiss', 'now'];

/** What is looked up for the rules; the API server is not asked anew for a mutation that changes nothing here. */
export function lookUpsOf(
  rules: readonly NeedyRule[],
  configuration: Configuration,
  { mayInject }: Pick<Scope, 'mayInject'>,
): LookUps {
  const ofConfigurations = known[mayInject ? 'injecting' : 'idle'];
  const ofRules: LookUpsOfRules = ofConfigurations.get(configuration) ?? new Map();
  if (ofRules.size === 0) ofConfigurations.set(configuration, ofRules);
  const before = ofRules.get(rules);
  if (before !== undefined) return before;
  let namespace: Newness = 'held';
  let accounts: Newness | undefined;
  for (const rule of rules) {
    const newness = mayInject ? newnessFor(rule, configuration) : 'held';
    if (rule.needs.includes('freshNamespace')) namespace = newest(namespace, newness);
    if (rule.needs.includes('freshServiceAccount')) accounts = newest(accounts, newness);
    if (rule.needs.includes('serviceAccount')) accounts = newest(accounts, 'held');
  }
  const found: LookUps = { namespace, accounts };
  ofRules.set(rules, found);
  return found;
}

/** How new what a rule wants to have fresh must be; an option of the rule says when the API server is asked. */
function newnessFor({ id }: NeedyRule, configuration: Configuration): Newness {
  const settings = configuration.mutations.get(id);
  if (settings?.mode === 'off') return 'held';
  return settings?.options['liveReads'] === 'always' ? 'now' : 'onMiss';
}

function newest<Some extends Newness | undefined>(one: Some, other: Newness): Some | Newness {
  return NEWNESSES.indexOf(other) > NEWNESSES.indexOf(one) ? other : one;
}
