/** What the check `token-lifetime` would say of a token that is about to be made. */

import { startLevel } from '../checks/define-check.ts';
import tokenLifetime from '../checks/token-lifetime.ts';
import { isAtLeast } from '../objects/level.ts';
import type { Subject } from '../objects/subject.ts';
import type { HeededLifetimes, TokenLifetimeSettings } from '../objects/token-limits.ts';
import { NO_LIFETIMES } from '../objects/token-limits.ts';
import { findExemption } from '../policy/exemption.ts';
import { ceilingOf, settingsOf } from './asked-checks.ts';
import type { MutateOptions } from './mutate.ts';

/** Nothing where it is off or `subject` is exempted; with `dryRun` and under a lower ceiling it denies nothing. */
export function toHeededLifetimes(subject: Subject, options: Omit<MutateOptions, 'mutations'>): HeededLifetimes {
  const { configuration, scope, levels, context } = options;
  const check = tokenLifetime;
  const ceiling = ceilingOf(check, options);
  const exemption = findExemption(configuration.exemptions, subject, { check: check.id, now: context.now });
  if (ceiling === 'off' || exemption !== undefined) return NO_LIFETIMES;
  const [enforced, mutated] = [levels.enforce, levels.mutate].map((level) => {
    if (!isAtLeast(level, startLevel(check))) return undefined;
    return settingsOf(check, level, configuration.checks.get(check.id)?.options) as unknown as TokenLifetimeSettings;
  });
  return {
    enforced: ceiling === 'enforce' && !scope.isDryRun ? enforced : undefined,
    inForce: [enforced, mutated].filter((one) => one !== undefined),
  };
}
