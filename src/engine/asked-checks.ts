/** How far each check may go, and by what it goes: the same for every review, so it is found once for a configuration. */

import type { Check } from '../checks/define-check.ts';
import { startLevel } from '../checks/define-check.ts';
import type { JsonObject } from '../objects/json.ts';
import type { ActiveLevel } from '../objects/level.ts';
import { isNewerThan } from '../policy/catalogue.ts';
import type { Configuration } from '../policy/configuration.ts';
import type { CheckMode } from '../policy/configuration-schema.ts';
import { CHECK_MODES } from '../policy/configuration-schema.ts';
import type { Scope } from '../policy/scope.ts';

export type CheckSettings = Parameters<Check['evaluate']>[1];

/** A check that is asked. */
export type AskedCheck = {
  readonly check: Check;
  readonly ceiling: Exclude<CheckMode, 'off'>;
  /** At each level; undefined below the one at which the check starts. */
  readonly settings: Readonly<Record<ActiveLevel, CheckSettings | undefined>>;
};

/** Where a check may go: what the configuration says, and what the scope of a subject does. */
type Bounds = { readonly configuration: Configuration; readonly scope: Pick<Scope, 'ceiling'> };

type AskedInScopes = Partial<Record<CheckMode, readonly AskedCheck[]>>;

/** By configuration and list of checks, neither of which changes, and the ceiling of a scope. */
const known = new WeakMap<Configuration, WeakMap<readonly Check[], AskedInScopes>>();

/** Those of `checks` that may say something in this scope. */
export function listAskedChecks(checks: readonly Check[], { configuration, scope }: Bounds): readonly AskedCheck[] {
  let ofConfiguration = known.get(configuration);
  if (ofConfiguration === undefined) {
    ofConfiguration = new WeakMap();
    known.set(configuration, ofConfiguration);
  }
  let inScopes = ofConfiguration.get(checks);
  if (inScopes === undefined) {
    inScopes = {};
    ofConfiguration.set(checks, inScopes);
  }
  const asked = inScopes[scope.ceiling] ?? findAskedChecks(checks, { configuration, scope });
  inScopes[scope.ceiling] = asked;
  return asked;
}

function findAskedChecks(checks: readonly Check[], bounds: Bounds): readonly AskedCheck[] {
  return checks.flatMap((check) => {
    const ceiling = ceilingOf(check, bounds);
    if (ceiling === 'off') return [];
    const options = bounds.configuration.checks.get(check.id)?.options;
    const baseline = startLevel(check) === 'baseline' ? settingsOf(check, 'baseline', options) : undefined;
    return [{ check, ceiling, settings: { baseline, restricted: settingsOf(check, 'restricted', options) } }];
  });
}

/** What `check` goes by at `level`; without options of a configuration by its defaults. */
export function settingsOf(check: Check, level: ActiveLevel, options: JsonObject = check.defaults) {
  const limits = (level === 'baseline' ? check.levels.baseline : undefined) ?? check.levels.restricted;
  return { options, limits };
}

/** The least of: what the configuration lets this check do, what the subject's scope allows, what a pin allows. */
export function ceilingOf(check: Check, { configuration, scope }: Bounds): CheckMode {
  const configured = configuration.checks.get(check.id)?.mode ?? 'enforce';
  const least = isWithin(configured, scope.ceiling) ? configured : scope.ceiling;
  return isWithin('enforce', least) && isNewerThan(check.since, configuration.catalogue) ? 'warn' : least;
}

/** True if what `ceiling` allows includes `mode`. */
export function isWithin(mode: CheckMode, ceiling: CheckMode): boolean {
  return CHECK_MODES.indexOf(mode) <= CHECK_MODES.indexOf(ceiling);
}
