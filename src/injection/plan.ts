/** From a token that was asked for to what has to be in the pod: volumes, mounts, variables, annotations. */

import { listContainers } from '../objects/containers.ts';
import type { JsonObject } from '../objects/json.ts';
import { isForWindows } from '../objects/operating-system.ts';
import { specOf } from '../objects/pod-spec.ts';
import { quote } from '../objects/text.ts';
import { fillInJson } from '../presets/fill-in-json.ts';
import type { Preset } from '../presets/format.ts';
import { fillIn, listPlaceholders } from '../presets/format.ts';
import type { Ask, InjectionSettings, Origin, World } from './asks.ts';
import { TRIGGERED } from './asks.ts';
import type { LifetimeRange } from './content.ts';
import { chooseLifetime } from './lifetime.ts';
import type { PlanProblem } from './parameters.ts';
import { fillParameters, keyOf } from './parameters.ts';
import { toVolumeName } from './volume-name.ts';

/** Where a preset may put its file: a directory and a name, as in the annotation's schema. */
const TOKEN_FILE = /^(\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){2,17}$/;

export type EnvVariable = { readonly name: string; readonly value: string; readonly group: string };

export type PlannedMount = { readonly volume: JsonObject & { readonly name: string }; readonly mountPath: string };

export type Plan = {
  readonly name: string;
  readonly origin: Origin;
  /** The annotation in which it is or can be asked for: `tokens.curfew.dev/vault`. */
  readonly key: string;
  readonly audience: string;
  readonly expirationSeconds: number;
  /** Lifetimes that do as well, of a token of the author's own; undefined where somebody asked for one. */
  readonly accepted: LifetimeRange | undefined;
  /** Each volume with the place where every container gets it. */
  readonly mounts: readonly PlannedMount[];
  readonly env: readonly EnvVariable[];
  readonly overrideEnv: boolean;
  /** Written whatever was there: they are the contents of files. */
  readonly contents: ReadonlyMap<string, string>;
  /** Written where the pod has none of that key. */
  readonly annotations: ReadonlyMap<string, string>;
  /** The only containers that get it; undefined for all. */
  readonly only: readonly string[] | undefined;
  readonly except: readonly string[];
  /** The pod's author did not ask for it, but every pod gets it. */
  readonly isOfCluster: boolean;
  /** What the author should know, and did not get. */
  readonly notes: readonly string[];
};

export type PlanResult = { readonly plan: Plan } | { readonly problems: readonly PlanProblem[] };

export function toPlan(ask: Ask, world: World, settings: InjectionSettings): PlanResult {
  const { name, token, preset, origin, undecided } = ask;
  if (undecided !== undefined) return { problems: [{ origin, problem: undecided, fix: 'try again' }] };
  const problems: PlanProblem[] = [];
  // Vault's injector takes the first mount whose path has this word for the API token (agent.go, serviceaccount).
  if (token.mountPath === undefined && preset === undefined && name.includes('serviceaccount')) {
    const problem = 'its name would stand in the path of the mount, where Vault’s injector looks for serviceaccount';
    problems.push({ origin, problem, fix: 'choose another name, or set mountPath' });
  }
  const { values, missing } = fillParameters(ask, world, settings);
  const unsupported = listUnsupported(ask, world);
  problems.push(...missing, ...unsupported.problems);
  const place = choosePlace(ask, values);
  if ('problem' in place) problems.push(place);
  const template = preset?.audience ?? '';
  const audience = token.audience ?? fillIn(template, values) ?? '';
  if (audience === '' && problems.length === 0) problems.push(describeNoAudience(ask, template, values));
  const lifetime = chooseLifetime(ask, world, { settings, audience });
  if ('problem' in lifetime) problems.push(lifetime);
  if ('problem' in lifetime || 'problem' in place || problems.length > 0) return { problems };

  const { mountPath, path } = place;
  const { seconds } = lifetime;
  const volume = toVolumeName(ask);
  const isWindows = isForWindows(specOf(world.pod));
  // Only what programs read is written the Windows way; the kubelet wants its own paths as everywhere.
  const shown = (file: string) => (isWindows ? `C:${file.replaceAll('/', '\\')}` : file);
  const { credential } = preset ?? {};
  const credentialPath = credential?.mountPath ?? mountPath;
  const tokenFile = shown(`${mountPath}/${path}`);
  values.set('tokenFile', tokenFile);
  values.set('mountPath', mountPath);
  values.set('volume', volume);
  if (credential !== undefined) {
    values.set('credentialFile', shown(`${credentialPath}/${credential.path}`));
  }

  const mode = token.mode ?? preset?.mode;
  return {
    plan: {
      name,
      origin,
      key: keyOf(ask),
      audience,
      expirationSeconds: seconds,
      accepted: lifetime.accepted,
      mounts: toMounts({ volume, mountPath, audience, seconds, path, mode, credential, credentialPath }),
      env: listVariables(ask, values, tokenFile),
      overrideEnv: token.overrideEnv ?? mayOverride(preset, world),
      contents: new Map(
        credential === undefined
          ? []
          : [
              [
                credential.annotation,
                JSON.stringify(
                  fillInJson(credential.content as JsonObject, { values, parameters: preset?.parameters }) ?? {},
                ),
              ],
            ],
      ),
      annotations: new Map(
        Object.entries(preset?.podAnnotations ?? {}).flatMap(([key, template]) => {
          const value = fillIn(template, values);
          return value === undefined ? [] : [[key, value] as const];
        }),
      ),
      only: token.containers ?? namesIn(preset?.onlyContainers, world),
      except: [...(token.excludeContainers ?? []), ...(namesIn(preset?.skipContainers, world) ?? [])],
      isOfCluster: ask.isOfCluster,
      notes: [...unsupported.notes, ...lifetime.notes],
    },
  };
}

/** Our annotation wins, then the file that a parameter of the scheme names, then the preset. */
function choosePlace(
  { name, token, preset, origin }: Ask,
  values: ReadonlyMap<string, string>,
): { readonly mountPath: string; readonly path: string } | PlanProblem {
  const file = preset?.tokenFile === undefined ? undefined : fillIn(preset.tokenFile, values);
  if (file !== undefined && !TOKEN_FILE.test(file)) {
    const problem = `the file of the token is to be ${quote(file)}; allowed: an absolute path in a directory, such as /var/run/web/token`;
    return { origin, problem, fix: 'correct the path' };
  }
  const slash = file?.lastIndexOf('/') ?? 0;
  const mountPath = token.mountPath ?? file?.slice(0, slash) ?? preset?.mountPath ?? `/var/run/curfew/${name}`;
  const path = token.path ?? file?.slice(slash + 1) ?? preset?.path ?? 'token';
  if (preset?.credential?.volume === undefined && preset?.credential?.path === path) {
    const problem = `path is ${quote(path)}, which is the credential file of preset ${token.preset}`;
    return { origin, problem, fix: 'choose another path' };
  }
  return { mountPath, path };
}

/** The API server makes of an empty audience its own (TokenRequest, spec.audiences). */
function describeNoAudience(ask: Ask, template: string, values: ReadonlyMap<string, string>): PlanProblem {
  const lacking = listPlaceholders(template)
    .filter((one) => !values.has(one))
    .join(' and ');
  const problem = `preset ${ask.token.preset} has the audience ${quote(template)}, and nothing gives ${lacking}; without an audience the token would be one for the Kubernetes API`;
  return { origin: ask.origin, problem, fix: `give audience in ${keyOf(ask)}` };
}

/** What the scheme's annotations ask for and Curfew does not do: refused, or told. */
function listUnsupported({ name, preset, origin }: Ask, { annotations, account }: World) {
  const problems: PlanProblem[] = [];
  const notes: string[] = [];
  const ofAccount = account.state === 'found' ? account.value.annotations : new Map<string, string>();
  for (const { annotation, on, value, isRefused = false, why } of preset?.unsupported ?? []) {
    const seen = (on === 'Pod' ? annotations : ofAccount).get(annotation);
    if (seen === undefined || (value !== undefined && seen !== value)) continue;
    if (isRefused)
      problems.push({ origin, problem: `annotation ${annotation}: ${why}`, fix: `take ${annotation} out` });
    else notes.push(`token ${name.replace(TRIGGERED, '')}: annotation ${annotation}: ${why}`);
  }
  return { problems, notes };
}

/** The pod's annotation decides where it has one, else the label of its namespace. */
function mayOverride(preset: Preset | undefined, { annotations, namespace }: World): boolean {
  if (preset?.overrideEnv === undefined) return false;
  const { key, value } = preset.overrideEnv;
  return (
    (annotations.get(key) ?? (namespace.state === 'found' ? namespace.value.labels.get(key) : undefined)) === value
  );
}

function listVariables(
  { token, preset }: Ask,
  values: ReadonlyMap<string, string>,
  tokenFile: string,
): readonly EnvVariable[] {
  const ofPreset = (preset?.env ?? []).flatMap(({ name, value, group = '' }) => {
    const filled = fillIn(value, values);
    return filled === undefined ? [] : [{ name, value: filled, group }];
  });
  const own = token.env === undefined ? [] : [{ name: token.env, value: tokenFile, group: 'env' }];
  return [...own, ...ofPreset.filter(({ name }) => name !== token.env)];
}

/** The token's volume, and that of the credential where it has one of its own, each with its place. */
function toMounts(wanted: {
  readonly volume: string;
  readonly mountPath: string;
  readonly audience: string;
  readonly seconds: number;
  readonly path: string;
  readonly mode: string | undefined;
  readonly credential: Preset['credential'];
  /** Where the credential file is, if its volume is not the token's. */
  readonly credentialPath: string;
}): readonly PlannedMount[] {
  const { volume, mountPath, audience, seconds, path, mode, credential, credentialPath } = wanted;
  const token = { serviceAccountToken: { audience, expirationSeconds: seconds, path } };
  const defaultMode = mode === undefined ? {} : { defaultMode: Number.parseInt(mode, 8) };
  const holding = (...sources: readonly JsonObject[]): PlannedMount => ({
    volume: { name: volume, projected: { sources, ...defaultMode } },
    mountPath,
  });
  if (credential === undefined) return [holding(token)];
  const fieldRef = { fieldPath: `metadata.annotations['${credential.annotation}']` };
  const file = { downwardAPI: { items: [{ path: credential.path, fieldRef }] } };
  if (credential.volume === undefined) return [holding(token, file)];
  return [holding(token), { volume: { name: credential.volume, ...file }, mountPath: credentialPath }];
}

/**
 * What a scheme's own list says of the containers that are here; the annotation may be as long as one may be. People write
 * it on the account too, where the schemes' webhooks do not look (aws/amazon-eks-pod-identity-webhook#93, #123).
 */
function namesIn(
  list: { readonly annotation: string; readonly separator: string } | undefined,
  { annotations, account, namespace, pod }: World,
): readonly string[] | undefined {
  if (list === undefined) return undefined;
  const places = [account, namespace].map((lookup) =>
    lookup.state === 'found' ? lookup.value.annotations : undefined,
  );
  const [text] = [annotations, ...places].flatMap((place) => place?.get(list.annotation) ?? []);
  if (text === undefined) return undefined;
  const here = new Set(listContainers(specOf(pod)).map(({ name }) => name));
  const names = text.split(list.separator).map((name) => name.trim());
  return names.filter((name) => here.has(name));
}
