/** From a pod to the tokens it gets. The mutation that injects them goes this way, and those that run before it ask here. */

import { listContainers } from '../objects/containers.ts';
import type { Draft } from '../objects/draft.ts';
import { createDraft } from '../objects/draft.ts';
import { INJECTED_ANNOTATION } from '../objects/injection-keys.ts';
import type { JsonObject } from '../objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../objects/json.ts';
import { mayHoldAnnotations } from '../objects/metadata.ts';
import { serviceAccountOf, specOf } from '../objects/pod-spec.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import { findTokenReader } from '../objects/token-readers.ts';
import type { TokenSource } from '../objects/tokens.ts';
import { listTokenSources } from '../objects/tokens.ts';
import type { Lookup } from '../objects/views.ts';
import type { InjectionSettings } from './asks.ts';
import { collectAsks, isAsk, toWorld } from './asks.ts';
import { emit } from './emit.ts';
import type { PlanProblem } from './parameters.ts';
import type { Plan } from './plan.ts';
import { toPlan } from './plan.ts';
import type { Recorded } from './record.ts';
import { readRecord } from './record.ts';
import type { Conflict, EmittedChange } from './sink.ts';
import type { CompetitionNote } from './stand-back.ts';
import { leaveToForeignWebhooks } from './stand-back.ts';
import { listUnread } from './unread.ts';
import { leaveToVirtualCluster } from './virtual-cluster.ts';

/** What is known around one pod, and how tokens are injected there. */
export type InjectionWorld = {
  readonly settings: InjectionSettings;
  readonly context: Pick<RuleContext, 'cluster' | 'serviceAccount' | 'namespace' | 'mutatingWebhooks'>;
  /** Name of the pod's namespace. */
  readonly namespace: string;
};

export type Injection = {
  readonly changes: readonly EmittedChange[];
  /** Why the tokens cannot be injected; then nothing is. */
  readonly refusals: readonly Conflict[];
  /** What the author should know, and what could not be read or was left to a foreign webhook. */
  readonly notes: readonly CompetitionNote[];
};

type Planned = {
  readonly plans: readonly Plan[];
  readonly problems: readonly PlanProblem[];
  /** What is said of places of which less is known than there may be. */
  readonly unread: readonly string[];
  /** What is said of foreign webhooks that inject the same. */
  readonly competition: readonly CompetitionNote[];
};

const NO_PLANS: Planned = { plans: [], problems: [], unread: [], competition: [] };

const NOTHING: Injection = { changes: [], refusals: [], notes: [] };

const MOST_CONTAINERS = 128;

/** Changes the draft, unless something is refused. */
export function inject(draft: Draft, world: InjectionWorld): Injection {
  const pod = draft.current();
  if (!isEligible(pod)) return NOTHING;
  const { plans, problems, unread, competition } = planAll(pod, world);
  const notes = [...competition, ...unread.map((note) => ({ note, isWarning: true }))];
  const refuse = (refusals: readonly Conflict[]): Injection => ({ ...NOTHING, refusals });
  if (problems.length > 0) return refuse(problems.map(toConflict));
  const record = asString(valueAt(pod, ['metadata', 'annotations', INJECTED_ANNOTATION]));
  if (plans.length === 0 && record === undefined) return { ...NOTHING, notes };
  const crowd = plans.length === 0 ? undefined : refuseCrowd(pod);
  if (crowd !== undefined) return refuse([crowd]);

  const facts = { apiAudiences: world.context.cluster.apiAudiences, isComplete: unread.length === 0 };
  // On a draft of its own first: what is refused must not leave half of it in the other one.
  const { conflicts } = emit(createDraft(pod), plans, facts);
  if (conflicts.length > 0) return refuse(conflicts);
  const { changes, notes: said } = emit(draft, plans, facts);
  const warned = [...said, ...listDeprived(pod, draft.current(), world.context.namespace)];
  return { changes, refusals: [], notes: [...warned.map((note) => ({ note, isWarning: true })), ...notes] };
}

/**
 * Whoever reads the API token, and has lost both that one and ours in its place. The API token is not put back: a stored
 * pod that is created again may carry the record too, and nobody documented that it needs the API.
 */
function listDeprived(before: JsonObject, after: JsonObject, namespace: RuleContext['namespace']): readonly string[] {
  const isNew = findTokenReader(before, namespace) === undefined;
  const reader = isNew ? findTokenReader(after, namespace) : undefined;
  if (reader === undefined || listTokenSources(specOf(after)).some(({ isDefault }) => isDefault)) return [];
  const lost = `${reader} reads the API token, which this pod lost, and nobody asks any more for the token that stood in for it`;
  return [`${lost}; create the pod again from its manifest`];
}

/** The pod with its tokens; undefined if it will be refused. */
export function foreseeInjection(pod: JsonObject, world: InjectionWorld): JsonObject | undefined {
  const draft = createDraft(pod);
  const { refusals } = inject(draft, world);
  return refusals.length > 0 ? undefined : draft.current();
}

/**
 * Tells sources that injection wants as they are: by audience and lifetime, wherever they stand, since the same token of
 * the author's own will do. While somebody who may ask cannot be read, what was injected earlier is wanted too.
 */
export function recogniseInjected(pod: JsonObject, world: InjectionWorld): (source: TokenSource) => boolean {
  if (!isEligible(pod)) return () => false;
  const { plans, unread } = planAll(pod, world);
  const recorded = unread.length === 0 ? [] : [...readRecord(pod).values()];
  return ({ audience, expirationSeconds, volume }) =>
    plans.some((plan) => plan.audience === audience && plan.expirationSeconds === expirationSeconds) ||
    recorded.some(({ volumes }) => volumes.has(volume));
}

/** A pod without a service account (on admission that is a mirror pod) can have no token. */
function isEligible(pod: JsonObject): boolean {
  const account = asString(member(specOf(pod), 'serviceAccountName'));
  return account !== undefined && account !== '' && mayHoldAnnotations(pod);
}

/** True if it is known, as of most pods, that nobody asks for a token and that there is nothing to say of it. */
function asksForNothing(pod: JsonObject, { settings, context }: Omit<InjectionWorld, 'namespace'>): boolean {
  if (settings.tokens.size + settings.triggers.length > 0) return false;
  const places = [context.serviceAccount(serviceAccountOf(specOf(pod))), context.namespace];
  const annotations = valueAt(pod, ['metadata', 'annotations']);
  return places.every(isSilent) && !(isObject(annotations) && Object.keys(annotations).some(isAsk));
}

/** True if what is there now is known, and asks for no token. */
function isSilent(place: Lookup<{ readonly annotations: ReadonlyMap<string, string> }>): boolean {
  if (place.state !== 'found' || place.stale !== undefined) return false;
  for (const key of place.value.annotations.keys()) if (isAsk(key)) return false;
  return true;
}

function planAll(pod: JsonObject, { settings, context, namespace }: InjectionWorld): Planned {
  if (asksForNothing(pod, { settings, context })) return NO_PLANS;
  const world = toWorld(pod, context, namespace);
  const { refusals, notes: unread } = listUnread(world);
  const { asks: all, wrong } = collectAsks(world, settings);
  const injected = listInjected(pod);
  const own = leaveToVirtualCluster(all, pod);
  const { asks, notes } = leaveToForeignWebhooks(own.asks, world, { settings, injected });
  // What an earlier round decided stays decided: the record keeps it while the account cannot be read.
  const open = asks.filter(({ name, undecided }) => undecided === undefined || !injected.has(name));
  // What lacks only because a place could not be read is told once, of the place.
  const results = refusals.length > 0 ? [] : open.map((ask) => toPlan(ask, world, settings));
  return {
    plans: results.flatMap((result) => ('plan' in result ? [result.plan] : [])),
    problems: [...refusals, ...wrong, ...results.flatMap((result) => ('problems' in result ? result.problems : []))],
    unread,
    competition: [...own.notes, ...notes],
  };
}

/** Names of the tokens whose volumes are really there: anybody can write a record of what is not. */
function listInjected(pod: JsonObject): ReadonlySet<string> {
  const record = readRecord(pod);
  if (record.size === 0) return new Set();
  const there = new Set(asArray(valueAt(pod, ['spec', 'volumes'])).map((volume) => member(volume, 'name')));
  const isThere = ({ volumes }: Recorded) => volumes.size > 0 && [...volumes].every((name) => there.has(name));
  return new Set([...record].flatMap(([name, recorded]) => (isThere(recorded) ? [name] : [])));
}

/** Work grows with containers times tokens, and no pod that somebody needs is as large. */
function refuseCrowd(pod: JsonObject): Conflict | undefined {
  const count = listContainers(specOf(pod)).length;
  if (count <= MOST_CONTAINERS) return undefined;
  const detail = `the pod has ${count} containers; allowed: ${MOST_CONTAINERS} where a token is asked for`;
  return { path: '/spec/containers', detail, fix: 'use fewer containers, or mount the token by hand' };
}

function toConflict({ origin, problem, fix }: PlanProblem): Conflict {
  return { path: origin.path, detail: `${origin.name}: ${problem}`, fix };
}
