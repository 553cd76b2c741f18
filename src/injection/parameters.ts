/** What fills in a preset: our annotation, else the scheme's on the service account, else the configuration, else a default. */

import { TOKEN_ANNOTATION_PREFIX } from '../objects/injection-keys.ts';
import { quote } from '../objects/text.ts';
import type { Lookup, ServiceAccountView } from '../objects/views.ts';
import type { Preset } from '../presets/format.ts';
import { fillIn, listPlaceholders, NUMBER } from '../presets/format.ts';
import { PARAMETER_PATTERN } from './annotation.ts';
import type { Ask, InjectionSettings, Origin, World } from './asks.ts';
import { TRIGGERED } from './asks.ts';

const PLAIN_TEXT = new RegExp(PARAMETER_PATTERN);

export type PlanProblem = {
  readonly origin: Origin;
  readonly problem: string;
  readonly fix: string;
};

type Parameter = NonNullable<Preset['parameters']>[string];

/** The annotation in which it is or can be asked for: `tokens.curfew.dev/vault`. */
export function keyOf({ name, token }: Ask): string {
  return `${TOKEN_ANNOTATION_PREFIX}${name.startsWith(TRIGGERED) ? token.preset : name}`;
}

/** The value of every parameter that has one, and what is missing or cannot be used. */
export function fillParameters(ask: Ask, world: World, { presetParameters }: InjectionSettings) {
  const { account, accountName, namespaceName } = world;
  const values = new Map<string, string>();
  const missing: PlanProblem[] = [];
  const { preset, token, origin } = ask;
  const who = `service account ${namespaceName}/${accountName}`;
  const ofPreset = new Map(Object.entries(presetParameters)).get(token.preset ?? '');
  const ofCluster = new Map(Object.entries(ofPreset ?? {}));
  for (const [name, parameter] of Object.entries(preset?.parameters ?? {})) {
    const { annotation } = parameter;
    const given = token.parameters.get(name);
    const ofAccount = given === undefined ? readOfAccount(parameter, account) : undefined;
    if (ofAccount !== undefined && ofAccount !== '' && !PLAIN_TEXT.test(ofAccount)) {
      const problem = `annotation ${annotation} of ${who} is ${quote(ofAccount)}; allowed: at most 512 printable characters without spaces, quotes, backslashes and $`;
      missing.push({ origin, problem, fix: `correct it, or give ${name} in ${keyOf(ask)}` });
      continue;
    }
    // What the account says wins over what follows, so without an answer nobody knows the value.
    const why = given === undefined && annotation !== undefined ? whyUnread(parameter, account, ofAccount) : undefined;
    if (why !== undefined) {
      const problem = `preset ${token.preset} takes ${name} from ${who}, which could not be read: ${why}; try again`;
      missing.push({ origin, problem, fix: `try again, or give ${name} in the annotation ${keyOf(ask)}` });
      continue;
    }
    const { default: template } = parameter;
    const inherited = ofCluster.get(name) ?? (template === undefined ? undefined : fillIn(template, values));
    const value = given ?? ofAccount ?? inherited ?? '';
    if (parameter.isNumber === true && value !== '' && !NUMBER.test(value)) {
      const problem = `preset ${token.preset} has ${quote(value)} for ${name}; allowed: a number`;
      missing.push({ origin, problem, fix: `write ${name} in digits` });
    } else if (value !== '') values.set(name, value);
    else if (parameter.isOptional !== true) missing.push(describeMissing(ask, { name, parameter, who, values }));
  }
  return { values, missing };
}

/**
 * Why nobody knows what the account says; what it said a moment ago counts, but not that it said nothing, unless the pod
 * starts without it too: an API server that does not answer must not keep pods from starting for that.
 */
function whyUnread(
  { isOptional = false }: Parameter,
  account: World['account'],
  seen: string | undefined,
): string | undefined {
  switch (account.state) {
    case 'unknown':
      return account.why;
    case 'absent':
      return 'it does not exist';
    case 'found':
      return seen === undefined && !isOptional ? account.stale : undefined;
  }
}

/** Undefined if it says nothing; empty if it says that the parameter has no value. */
function readOfAccount(
  { annotation, annotationValues }: Parameter,
  account: Lookup<ServiceAccountView>,
): string | undefined {
  if (annotation === undefined || account.state !== 'found') return undefined;
  const text = account.value.annotations.get(annotation);
  if (text === undefined || text === '') return undefined;
  return annotationValues === undefined ? text : new Map(Object.entries(annotationValues)).get(text);
}

function describeMissing(
  ask: Ask,
  {
    name,
    parameter,
    who,
    values,
  }: {
    readonly name: string;
    readonly parameter: Parameter;
    readonly who: string;
    readonly values: ReadonlyMap<string, string>;
  },
): PlanProblem {
  const { annotation, default: template = '' } = parameter;
  const lacking = listPlaceholders(template).filter((one) => !values.has(one));
  const parts = lacking.length === 0 ? '' : `, nor ${lacking.join(' and ')}, of which it can be made`;
  const { token, origin } = ask;
  const onAccount = annotation === undefined ? '' : `, or annotate ${who} with ${annotation}`;
  return {
    origin,
    problem: `preset ${token.preset} needs ${name}, and nothing gives it${parts}`,
    fix: `set ${keyOf(ask)}: "{preset: ${token.preset}, ${name}: …}"${onAccount}`,
  };
}
