/** Pods that hold a token from before Curfew, in the order in which to restart their owners: the worst token first. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import { formatDuration } from '../objects/duration.ts';
import { nameForCommand } from '../objects/text.ts';
import type { HeldToken, PodsFromBefore } from './live-pods.ts';
import { toTrueSeconds } from './mounted-tokens.ts';
import type { NamedOwner, OwnerBook } from './owners.ts';
import { closed, count, OwnerSchema, text } from './schema-parts.ts';
import type { TokenLimits } from './token-limits.ts';
import { YEAR_SECONDS } from './token-limits.ts';

export const RestartStepSchema = closed({
  order: Type.Integer({ minimum: 1 }),
  namespace: text(),
  owner: OwnerSchema,
  pods: count('Pods of it that hold such a token.'),
  why: text('One sentence.'),
  command: text('For a shell.'),
});

export type RestartStep = Static<typeof RestartStepSchema>;

export type RestartFacts = {
  readonly owners: OwnerBook;
  readonly limits: TokenLimits;
  /** True if something is bound to the account. */
  readonly hasRights: (namespace: string, account: string) => boolean;
  /** `KIND NAMESPACE/NAME` of workloads whose controllers wait until somebody deletes their pods (OnDelete). */
  readonly onDelete: ReadonlySet<string>;
};

type Step = Omit<RestartStep, 'order' | 'command' | 'why'> & {
  readonly names: readonly string[];
  /** The worst of the tokens. */
  readonly token: HeldToken;
  readonly seconds: number;
  readonly hasRights: boolean;
};

/** Kinds that `kubectl rollout restart` knows. */
const RESTARTABLE: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);
/** Their pods end by themselves, and are not to be started twice. */
const ENDING: ReadonlySet<string> = new Set(['Job', 'CronJob', 'JobSet']);

export function listRestarts(before: Iterable<PodsFromBefore>, facts: RestartFacts): readonly RestartStep[] {
  const steps = new Map<string, Step>();
  for (const pods of before) {
    const step = toStep(pods, facts);
    const key = JSON.stringify([step.namespace, step.owner]);
    const known = steps.get(key);
    steps.set(key, known === undefined ? step : mergeSteps(known, step));
  }
  return [...steps.values()].toSorted(compareSteps).map((step, index) => ({
    order: index + 1,
    namespace: step.namespace,
    owner: step.owner,
    pods: step.pods,
    why: toReason(step),
    command: toCommand(step, facts.onDelete),
  }));
}

function toStep(pods: PodsFromBefore, { owners, limits, hasRights }: RestartFacts): Step {
  const { namespace, maker, account, names } = pods;
  const [worst] = [...pods.tokens].toSorted((a, b) => rank(b, limits) - rank(a, limits));
  if (worst === undefined) throw new Error('a pod from before holds a token');
  return {
    namespace,
    owner: owners.findTop(maker),
    pods: pods.pods,
    names,
    token: worst,
    seconds: toTrueSeconds(worst, limits) ?? 0,
    hasRights: hasRights(namespace, account),
  };
}

/** A token for the API before one for another service, the longest-lived first. */
function rank(token: HeldToken, limits: TokenLimits): number {
  return (toTrueSeconds(token, limits) ?? 0) + (token.reachesApi ? YEAR_SECONDS : 0);
}

function mergeSteps(a: Step, b: Step): Step {
  const worse = compareSteps(a, b) <= 0 ? a : b;
  return {
    ...worse,
    pods: a.pods + b.pods,
    names: [...a.names, ...b.names],
    hasRights: a.hasRights || b.hasRights,
  };
}

function compareSteps(a: Step, b: Step): number {
  return (
    Number(b.token.reachesApi) - Number(a.token.reachesApi) ||
    b.seconds - a.seconds ||
    Number(b.hasRights) - Number(a.hasRights) ||
    b.pods - a.pods ||
    (toPlace(a) < toPlace(b) ? -1 : 1)
  );
}

function toPlace({ namespace, owner }: Step): string {
  return `${namespace}/${owner.kind}/${owner.name}`;
}

function toReason({ token, seconds, hasRights }: Step): string {
  const what = token.reachesApi ? 'API token' : `token for ${token.audience}`;
  const lives = seconds === YEAR_SECONDS ? 'a year' : formatDuration(seconds);
  const next =
    token.becomes === 'gone'
      ? 'a new pod gets none'
      : `that of a new pod lives ${formatDuration(Number(token.becomes))}`;
  const rights = hasRights && token.reachesApi ? ' of an account with rights' : '';
  const once = token.isApplied ? '' : ' once mutations are applied (mutateMode: apply)';
  return `The ${what}${rights} lives ${lives}; ${next}${once}.`;
}

function toCommand({ namespace, owner, names }: Step, onDelete: ReadonlySet<string>): string {
  const within = `--namespace ${nameForCommand(namespace, 'NAMESPACE')}`;
  const name = nameForCommand(owner.name, 'NAME');
  const pods = [...new Set(names)].map((pod) => nameForCommand(pod, 'POD'));
  const waits = onDelete.has(nameWorkload(namespace, owner));
  if (RESTARTABLE.has(owner.kind) && !waits) {
    return `kubectl rollout restart ${owner.kind.toLowerCase()}/${name} ${within}`;
  }
  if (owner.kind === 'Pod') {
    return `kubectl get pod ${name} ${within} --output yaml | kubectl replace --force --filename -`;
  }
  if (ENDING.has(owner.kind)) {
    const each = pods.map((pod) => `pod/${pod}`).join(' ');
    return `kubectl wait ${each} ${within} --for=jsonpath='{.status.phase}'=Succeeded --timeout=24h`;
  }
  return `kubectl delete pod ${pods.join(' ')} ${within}`;
}

/** As `onDelete` has it. */
export function nameWorkload(namespace: string, { kind, name }: NamedOwner): string {
  return `${kind} ${namespace}/${name}`;
}
