/** From a token that was asked for to what has to be in the pod: volumes, mounts, variables, annotations. */

import { listContainers } from '../objects/containers.ts';
import { TOKEN_ANNOTATION_PREFIX } from '../objects/injection-keys.ts';
import type { JsonObject, JsonValue } from '../objects/json.ts';
import { isObject, member } from '../objects/json.ts';
import { isForWindows } from '../objects/operating-system.ts';
import { quote } from '../objects/text.ts';
import { EXTENDED_EXPIRATION_SECONDS } from '../objects/tokens.ts';
import type { Preset } from '../presets/format.ts';
import { fillIn, listPlaceholders } from '../presets/format.ts';
import type { Ask, InjectionSettings, Origin, World } from './asks.ts';
import { limitsOf, TRIGGERED } from './asks.ts';

const DEFAULT_SECONDS = 3600;
/** What may stand in a variable or in JSON: the same as in the annotation's schema. */
const PLAIN_TEXT = /^[\x21\x23\x25-\x5b\x5d-\x7e]{1,512}$/;

export type EnvVariable = { readonly name: string; readonly value: string; readonly group: string };

export type Plan = {
  readonly name: string;
  readonly origin: Origin;
  /** The annotation in which it is or can be asked for: `tokens.curfew.dev/vault`. */
  readonly key: string;
  readonly audience: string;
  readonly expirationSeconds: number;
  readonly volumes: readonly (JsonObject & { readonly name: string })[];
  readonly mounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly env: readonly EnvVariable[];
  readonly overrideEnv: boolean;
  /** Written whatever was there: they are the contents of files. */
  readonly contents: ReadonlyMap<string, string>;
  /** Written where the pod has none of that key. */
  readonly annotations: ReadonlyMap<string, string>;
  /** The only containers that get it; undefined for all. */
  readonly only: readonly string[] | undefined;
  readonly except: readonly string[];
};

export type PlanProblem = {
  readonly origin: Origin;
  readonly problem: string;
  readonly fix: string;
};

export type PlanResult = { readonly plan: Plan } | { readonly problems: readonly PlanProblem[] };

export function toPlan(ask: Ask, world: World, settings: InjectionSettings): PlanResult {
  const { name, token, preset, origin } = ask;
  const problems: PlanProblem[] = [];
  const mountPath = token.mountPath ?? preset?.mountPath ?? `/var/run/curfew/${name}`;
  // Vault's injector takes the first mount whose path has this word for the API token (agent.go, serviceaccount).
  if (token.mountPath === undefined && preset === undefined && name.includes('serviceaccount')) {
    const problem = 'its name would stand in the path of the mount, where Vault’s injector looks for serviceaccount';
    problems.push({ origin, problem, fix: 'choose another name, or set mountPath' });
  }
  const { values, missing } = fillParameters(ask, world);
  problems.push(...missing);
  const seconds = chooseSeconds(ask, world, settings);
  if (typeof seconds !== 'number') problems.push(seconds);
  if (typeof seconds !== 'number' || problems.length > 0) return { problems };

  const path = token.path ?? preset?.path ?? 'token';
  const volume = preset?.volume ?? `curfew-token-${name}`;
  const spec = member(world.pod, 'spec');
  const isWindows = isObject(spec) && isForWindows(spec);
  // Only what programs read is written the Windows way; the kubelet wants its own paths as everywhere.
  const shown = (file: string) => (isWindows ? `C:${file.replaceAll('/', '\\')}` : file);
  const { credential } = preset ?? {};
  values.set('tokenFile', shown(`${mountPath}/${path}`));
  values.set('mountPath', mountPath);
  values.set('volume', volume);
  if (credential !== undefined) values.set('credentialFile', shown(`${credential.mountPath}/${credential.path}`));

  const audience = token.audience ?? (preset === undefined ? undefined : fillIn(preset.audience, values)) ?? '';
  const mode = token.mode ?? preset?.mode;
  return {
    plan: {
      name,
      origin,
      key: keyOf(ask),
      audience,
      expirationSeconds: seconds,
      volumes: [
        toTokenVolume({ volume, audience, seconds, path, mode }),
        ...(credential === undefined ? [] : [toCredentialVolume(credential)]),
      ],
      mounts: [
        { name: volume, mountPath },
        ...(credential === undefined ? [] : [{ name: credential.volume, mountPath: credential.mountPath }]),
      ],
      env: listVariables(ask, values),
      overrideEnv: token.overrideEnv ?? false,
      contents: new Map(
        credential === undefined
          ? []
          : [[credential.annotation, JSON.stringify(fillInJson(credential.content as JsonObject, values) ?? {})]],
      ),
      annotations: new Map(
        Object.entries(preset?.podAnnotations ?? {}).flatMap(([key, template]) => {
          const value = fillIn(template, values);
          return value === undefined ? [] : [[key, value] as const];
        }),
      ),
      only: token.containers ?? namesIn(preset?.onlyContainers, world),
      except: [...(token.excludeContainers ?? []), ...(namesIn(preset?.skipContainers, world) ?? [])],
    },
  };
}

function keyOf({ name, token }: Ask): string {
  return `${TOKEN_ANNOTATION_PREFIX}${name.startsWith(TRIGGERED) ? token.preset : name}`;
}

/** From our annotation, else from the scheme's on the service account, else the preset's default. */
function fillParameters(ask: Ask, { account, accountName, namespaceName }: World) {
  const values = new Map<string, string>();
  const missing: PlanProblem[] = [];
  const { preset, token, origin } = ask;
  const who = `service account ${namespaceName}/${accountName}`;
  for (const [name, parameter] of Object.entries(preset?.parameters ?? {})) {
    const { annotation } = parameter;
    const given = token.parameters.get(name);
    const ofAccount =
      annotation !== undefined && account.state === 'found' ? account.value.annotations.get(annotation) : undefined;
    if (given === undefined && ofAccount !== undefined && ofAccount !== '' && !PLAIN_TEXT.test(ofAccount)) {
      const problem = `annotation ${annotation} of ${who} is ${quote(ofAccount)}; allowed: at most 512 printable characters without spaces, quotes, backslashes and $`;
      missing.push({ origin, problem, fix: `correct it, or give ${name} in ${keyOf(ask)}` });
      continue;
    }
    // What the account says wins over the default, so without an answer nobody knows the value.
    const why = given === undefined && annotation !== undefined ? whyUnread(account, ofAccount) : undefined;
    if (why !== undefined) {
      const problem = `preset ${token.preset} takes ${name} from ${who}, which could not be read: ${why}; try again`;
      missing.push({ origin, problem, fix: `try again, or give ${name} in the annotation ${keyOf(ask)}` });
      continue;
    }
    const value = given ?? (ofAccount === '' ? undefined : ofAccount) ?? parameter.default;
    if (value !== undefined) values.set(name, value);
    else if (parameter.isOptional !== true) {
      const onAccount = annotation === undefined ? '' : `, or annotate ${who} with ${annotation}`;
      missing.push({
        origin,
        problem: `preset ${token.preset} needs ${name}, and nothing gives it`,
        fix: `set ${keyOf(ask)}: "{preset: ${token.preset}, ${name}: …}"${onAccount}`,
      });
    }
  }
  return { values, missing };
}

/** Why nobody knows what the account says; what it said a moment ago counts, but not that it said nothing. */
function whyUnread(account: World['account'], seen: string | undefined): string | undefined {
  switch (account.state) {
    case 'unknown':
      return account.why;
    case 'absent':
      return 'it does not exist';
    case 'found':
      return seen === undefined || seen === '' ? account.stale : undefined;
  }
}

function chooseSeconds(ask: Ask, world: World, settings: InjectionSettings): number | PlanProblem {
  const { token, preset, origin } = ask;
  const { minSeconds, maxSeconds } = limitsOf(preset, settings);
  if (minSeconds > settings.maxExpirationSeconds) {
    const problem = `preset ${token.preset} takes no less than ${minSeconds} s, and the administrator’s limit is ${settings.maxExpirationSeconds} s`;
    return { origin, problem, fix: 'ask the administrator to raise mutations.inject-token.maxExpirationSeconds' };
  }
  const clamp = (seconds: number) => {
    const within = Math.min(Math.max(seconds, minSeconds), maxSeconds);
    return within === EXTENDED_EXPIRATION_SECONDS ? DEFAULT_SECONDS : within;
  };
  if (token.expirationSeconds !== undefined) return token.expirationSeconds;
  const ofScheme = preset?.expiration === undefined ? undefined : readSchemeSeconds(preset.expiration, world);
  if (preset?.expiration === undefined || ofScheme === undefined) {
    return clamp(preset?.expirationSeconds ?? DEFAULT_SECONDS);
  }
  const { annotation, whenInvalid, whenOutOfRange } = preset.expiration;
  const isNumber = /^[0-9]{1,10}$/.test(ofScheme);
  const isInRange = isNumber && clamp(Number(ofScheme)) === Number(ofScheme);
  if (isInRange || (isNumber && whenOutOfRange === 'clamp')) return clamp(Number(ofScheme));
  if (!isNumber && whenInvalid === 'ignore') return clamp(preset.expirationSeconds ?? DEFAULT_SECONDS);
  return {
    origin,
    problem: `annotation ${annotation} is ${quote(ofScheme)}; allowed: ${minSeconds} to ${maxSeconds} seconds`,
    fix: `set ${annotation} to a number of seconds from ${minSeconds} to ${maxSeconds}`,
  };
}

/** The pod's annotation wins over its account's. */
function readSchemeSeconds({ annotation }: NonNullable<Preset['expiration']>, world: World): string | undefined {
  const { annotations, account } = world;
  return (
    annotations.get(annotation) ?? (account.state === 'found' ? account.value.annotations.get(annotation) : undefined)
  );
}

function listVariables({ token, preset }: Ask, values: ReadonlyMap<string, string>): readonly EnvVariable[] {
  const ofPreset = (preset?.env ?? []).flatMap(({ name, value, group = '' }) => {
    const filled = fillIn(value, values);
    return filled === undefined ? [] : [{ name, value: filled, group }];
  });
  const own = token.env === undefined ? [] : [{ name: token.env, value: values.get('tokenFile') ?? '', group: 'env' }];
  return [...own, ...ofPreset.filter(({ name }) => name !== token.env)];
}

function toTokenVolume(token: {
  readonly volume: string;
  readonly audience: string;
  readonly seconds: number;
  readonly path: string;
  readonly mode: string | undefined;
}) {
  const { volume, audience, seconds, path, mode } = token;
  const source = { serviceAccountToken: { audience, expirationSeconds: seconds, path } };
  const defaultMode = mode === undefined ? {} : { defaultMode: Number.parseInt(mode, 8) };
  return { name: volume, projected: { sources: [source], ...defaultMode } };
}

function toCredentialVolume({ volume, path, annotation }: NonNullable<Preset['credential']>) {
  const fieldPath = `metadata.annotations['${annotation}']`;
  return { name: volume, downwardAPI: { items: [{ path, fieldRef: { fieldPath } }] } };
}

/** Members whose text names a parameter without a value are left out. The content is a preset's, so it is not deep. */
function fillInJson(value: JsonValue, values: ReadonlyMap<string, string>): JsonValue | undefined {
  if (typeof value === 'string') return listPlaceholders(value).length === 0 ? value : fillIn(value, values);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).flatMap(([key, entry]) => {
    const filled = fillInJson(entry, values);
    return filled === undefined ? [] : [[key, filled] as const];
  });
  return Object.fromEntries(entries);
}

/** What a scheme's own list says of the containers that are here; the annotation may be as long as one may be. */
function namesIn(
  list: { readonly annotation: string; readonly separator: string } | undefined,
  { annotations, pod }: World,
): readonly string[] | undefined {
  const text = list === undefined ? undefined : annotations.get(list.annotation);
  if (list === undefined || text === undefined) return undefined;
  const spec = member(pod, 'spec');
  const here = new Set((isObject(spec) ? listContainers(spec) : []).map(({ name }) => name));
  const names = text.split(list.separator).map((name) => name.trim());
  return names.filter((name) => here.has(name));
}
