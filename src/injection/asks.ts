/**
 * Which tokens a pod is to get: what it asks for itself, else what its service account asks for, else its namespace, and
 * what the annotations of another scheme ask for where the configuration lets them.
 */

import { TOKEN_ANNOTATION_PREFIX } from '../objects/injection-keys.ts';
import type { JsonObject } from '../objects/json.ts';
import { stringMembers, toPointer, valueAt } from '../objects/json.ts';
import { serviceAccountOf, specOf } from '../objects/pod-spec.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { HeededLifetimes } from '../objects/token-limits.ts';
import type { Lookup, NamespaceView, ServiceAccountView } from '../objects/views.ts';
import type { Preset, Presets } from '../presets/format.ts';
import type { PresetParameters } from '../presets/problems.ts';
import type { AskedToken, Limits, Problem } from './annotation.ts';
import { parseToken } from './annotation.ts';

/** Before the name of a token that no annotation of ours asks for; such a name cannot be written in one. */
export const TRIGGERED = 'preset/';

/** Tokens of one pod; each is a volume, and a mount in every container. */
const MOST_TOKENS = 16;

/** What is known around one pod. */
export type World = {
  readonly pod: JsonObject;
  readonly annotations: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  /** `web`, for messages and commands. */
  readonly accountName: string;
  readonly account: Lookup<ServiceAccountView>;
  readonly namespaceName: string;
  readonly namespace: Lookup<NamespaceView>;
  /** Names of webhook configurations. */
  readonly mutatingWebhooks: Lookup<readonly string[]>;
};

export type InjectionSettings = {
  readonly presets: Presets;
  /** Tokens for every pod, by name: what an annotation would say. */
  readonly tokens: ReadonlyMap<string, string>;
  /** Presets that the scheme's own annotations ask for. */
  readonly triggers: readonly string[];
  /** Presets that are injected although a webhook of their scheme is registered. */
  readonly besideForeignWebhooks: readonly string[];
  /** What the administrator gives to everybody. */
  readonly presetParameters: PresetParameters;
  readonly maxExpirationSeconds: number;
  /** By how much a lifetime that nobody asked for may be shorter. */
  readonly jitterPercent: number;
  /** What the check `token-lifetime` goes by where the pod is. */
  readonly lifetimes: HeededLifetimes;
};

export type Origin = {
  /** `annotation tokens.curfew.dev/vault of the pod`. */
  readonly name: string;
  /** JSON pointer into the pod, to what leads there. */
  readonly path: string;
};

/** One token that somebody asked for. */
export type Ask = {
  readonly name: string;
  readonly origin: Origin;
  readonly token: AskedToken;
  readonly preset: Preset | undefined;
  /** Asked for by what is written on the pod itself. */
  readonly isOfPod: boolean;
  /** Asked for by the configuration, for every pod. */
  readonly isOfCluster: boolean;
  /** Why nobody knows whether it is really asked for, although the pod’s own label says so. */
  readonly undecided?: string;
};

export type WrongAsk = Problem & { readonly origin: Origin };

export type Asks = {
  readonly asks: readonly Ask[];
  readonly wrong: readonly WrongAsk[];
};

export function toWorld(
  pod: JsonObject,
  context: Pick<RuleContext, 'serviceAccount' | 'namespace' | 'mutatingWebhooks'>,
  namespaceName: string,
): World {
  const accountName = serviceAccountOf(specOf(pod));
  return {
    pod,
    annotations: stringMembers(valueAt(pod, ['metadata', 'annotations'])),
    labels: stringMembers(valueAt(pod, ['metadata', 'labels'])),
    accountName,
    account: context.serviceAccount(accountName),
    namespaceName,
    namespace: context.namespace,
    mutatingWebhooks: context.mutatingWebhooks,
  };
}

/** The lifetimes that may be asked for: the configuration's limit within those of the scheme. */
export function limitsOf(preset: Preset | undefined, { maxExpirationSeconds }: InjectionSettings): Limits {
  const minSeconds = preset?.minExpirationSeconds ?? 600;
  const scheme = preset?.maxExpirationSeconds ?? maxExpirationSeconds;
  return { minSeconds, maxSeconds: Math.max(minSeconds, Math.min(scheme, maxExpirationSeconds)) };
}

/** True for the key of an annotation that asks for a token, or takes one away. */
export function isAsk(key: string): boolean {
  return key.startsWith(TOKEN_ANNOTATION_PREFIX);
}

export function collectAsks(world: World, settings: InjectionSettings): Asks {
  const places = listPlaces(world);
  const { annotations } = world;
  const chosen = new Map<string, { readonly value: string; readonly origin: Origin; readonly isOfCluster?: true }>();
  for (const { annotations: texts, of, path } of places) {
    for (const [key, value] of texts) {
      const name = key.slice(TOKEN_ANNOTATION_PREFIX.length);
      if (!isAsk(key) || chosen.has(name)) continue;
      chosen.set(name, { value, origin: { name: `annotation ${key} ${of}`, path: path(key) } });
    }
  }
  for (const [name, value] of settings.tokens) {
    if (chosen.has(name)) continue;
    const origin = { name: `configuration mutations.inject-token.tokens.${name}`, path: '/spec' };
    chosen.set(name, { value, origin, isOfCluster: true });
  }
  const asks: Ask[] = [];
  const wrong: WrongAsk[] = [];
  const off = new Set<string>();
  // Sorted, so that the order of a map decides nothing.
  for (const [name, { value, origin, isOfCluster = false }] of [...chosen]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MOST_TOKENS)) {
    const parsed = parseToken(name, value, {
      presets: settings.presets,
      limitsOf: (preset) => limitsOf(preset, settings),
    });
    if (parsed.state === 'off') off.add(name);
    if (parsed.state === 'wrong') wrong.push(...parsed.problems.map((problem) => ({ ...problem, origin })));
    if (parsed.state !== 'asked') continue;
    const { token } = parsed;
    asks.push({
      name,
      origin,
      isOfPod: annotations.has(`${TOKEN_ANNOTATION_PREFIX}${name}`),
      isOfCluster,
      token,
      preset: token.preset === undefined ? undefined : settings.presets.get(token.preset),
    });
  }
  const [, last] = [...chosen][MOST_TOKENS] ?? [];
  if (last !== undefined) {
    const problem = `it is one of ${chosen.size} that ask for a token; allowed: ${MOST_TOKENS} tokens in a pod`;
    wrong.push({ origin: last.origin, problem, fix: 'ask for fewer tokens' });
  }
  asks.push(...listTriggered(world, settings, { asks, off }));
  return { asks, wrong };
}

type Place = {
  readonly annotations: ReadonlyMap<string, string>;
  readonly of: string;
  readonly path: (key: string) => string;
};

/** In the order of precedence. */
function listPlaces({ annotations, account, accountName, namespace, namespaceName }: World): readonly Place[] {
  return [
    { annotations, of: 'of the pod', path: (key) => toPointer(['metadata', 'annotations', key]) },
    {
      annotations: account.state === 'found' ? account.value.annotations : new Map(),
      of: `of service account ${namespaceName}/${accountName}`,
      path: () => '/spec/serviceAccountName',
    },
    {
      annotations: namespace.state === 'found' ? namespace.value.annotations : new Map(),
      of: `of namespace ${namespaceName}`,
      path: () => '/metadata/namespace',
    },
  ];
}

/**
 * What other schemes' keys ask for, unless an annotation of ours is `off` or asks for a preset of the same scheme: its
 * trigger tells the scheme, since a preset in another layout has the same (azure and azure-v1-6, gcp and gcp-docs).
 */
function listTriggered(
  world: World,
  { presets, triggers }: InjectionSettings,
  { asks, off }: { readonly asks: readonly Ask[]; readonly off: ReadonlySet<string> },
): readonly Ask[] {
  const asked = new Set(asks.map(({ preset }) => JSON.stringify(preset?.trigger)));
  return triggers.flatMap((id) => {
    const preset = presets.get(id);
    if (preset === undefined || off.has(id) || asked.has(JSON.stringify(preset.trigger))) return [];
    const trigger = judgeTrigger(preset, world);
    if (trigger === undefined) return [];
    const isOfPod = trigger.origin.path.startsWith('/metadata/labels/');
    const token = { preset: id, parameters: new Map<string, string>() };
    return [{ name: `${TRIGGERED}${id}`, ...trigger, isOfPod, isOfCluster: false, token, preset }];
  });
}

/** What of the pod and its account means that the scheme's token is wanted; undefined if nothing is known to do. */
export function findTrigger(preset: Preset, world: World): Origin | undefined {
  const trigger = judgeTrigger(preset, world);
  return trigger?.undecided === undefined ? trigger?.origin : undefined;
}

type Triggered = Pick<Ask, 'origin' | 'undecided'>;

function judgeTrigger({ trigger }: Preset, world: World): Triggered | undefined {
  if (trigger === undefined) return undefined;
  const { accountAnnotation, podLabel, namespaceLabel, skip = [] } = trigger;
  const { account, namespace, annotations, labels, accountName, namespaceName } = world;
  const ofAccount = account.state === 'found' ? account.value.annotations : new Map<string, string>();
  const ofNamespace = namespace.state === 'found' ? namespace.value.labels : new Map<string, string>();
  if (skip.some((key) => [labels, annotations, ofAccount, ofNamespace].some((keys) => keys.has(key)))) return undefined;
  const isComplete = accountAnnotation === undefined || (ofAccount.get(accountAnnotation) ?? '') !== '';
  // The pod's own label decides where it has one.
  const ofPod = podLabel === undefined ? undefined : labels.get(podLabel.key);
  if (podLabel !== undefined && (ofPod !== undefined || namespaceLabel === undefined)) {
    if (ofPod !== podLabel.value) return undefined;
    const path = toPointer(['metadata', 'labels', podLabel.key]);
    const origin = { name: `label ${podLabel.key} of the pod`, path };
    if (isComplete) return { origin };
    const why = whyNotKnown(account);
    if (why === undefined) return undefined;
    const what = `annotation ${accountAnnotation} of service account ${namespaceName}/${accountName}`;
    return { origin, undecided: `it counts together with ${what}, which could not be read: ${why}` };
  }
  if (!isComplete) return undefined;
  if (namespaceLabel !== undefined) {
    if (ofNamespace.get(namespaceLabel.key) !== namespaceLabel.value) return undefined;
    const name = `label ${namespaceLabel.key} of namespace ${namespaceName}`;
    return { origin: { name, path: '/metadata/namespace' } };
  }
  if (accountAnnotation === undefined) return undefined;
  const name = `annotation ${accountAnnotation} of service account ${namespaceName}/${accountName}`;
  return { origin: { name, path: '/spec/serviceAccountName' } };
}

/** Why an annotation that the account seems not to have may be there; undefined if it is not. */
function whyNotKnown(account: Lookup<unknown>): string | undefined {
  if (account.state === 'found') return account.stale;
  return account.state === 'unknown' ? account.why : undefined;
}
