/** What the rules that read a request need to know of the cluster: found once for a configuration, asked by every review. */

import type { Check } from '../checks/define-check.ts';
import type { Need } from '../objects/rule-context.ts';
import type { Configuration } from '../policy/configuration.ts';
import type { Scope } from '../policy/scope.ts';

/** By configuration, which does not change, and list of rules, of which there are few. */
const needsKnown = {
  injecting: new WeakMap<Configuration, NeedsOfRules>(),
  idle: new WeakMap<Configuration, NeedsOfRules>(),
};

type NeedsOfRules = Map<readonly NeedyRule[], ReadonlySet<Need>>;
type NeedyRule = Pick<Check, 'id' | 'needs'>;

/** What the rules look up; the API server is not asked anew for a mutation that changes nothing here. */
export function needsOf(
  rules: readonly NeedyRule[],
  configuration: Configuration,
  { mayInject }: Pick<Scope, 'mayInject'>,
): ReadonlySet<Need> {
  const known = needsKnown[mayInject ? 'injecting' : 'idle'];
  const ofRules: NeedsOfRules = known.get(configuration) ?? new Map();
  if (ofRules.size === 0) known.set(configuration, ofRules);
  const before = ofRules.get(rules);
  if (before !== undefined) return before;
  const needs = new Set(
    rules.flatMap((rule) => {
      const isIdle = !mayInject || configuration.mutations.get(rule.id)?.mode === 'off';
      return isIdle ? rule.needs.flatMap(toHeld) : rule.needs;
    }),
  );
  ofRules.set(rules, needs);
  return needs;
}

/** What memory holds of it. */
function toHeld(need: Need): readonly Need[] {
  if (need === 'freshNamespace') return [];
  return [need === 'freshServiceAccount' ? 'serviceAccount' : need];
}
