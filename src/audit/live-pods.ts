/** What is remembered of live pods while they pass by, page after page: who holds which token, and no pod. */

import type { ForeseenToken } from '../manifests/foresee-tokens.ts';
import { groupMounts } from '../objects/containers.ts';
import type { JsonObject } from '../objects/json.ts';
import { isObject, member } from '../objects/json.ts';
import type { Owner } from '../objects/owner.ts';
import { readController } from '../objects/owner.ts';
import { serviceAccountOf } from '../objects/pod-spec.ts';
import { listSecretReferences } from '../objects/secret-references.ts';
import type { Subject } from '../objects/subject.ts';
import { isApiToken, isExtended } from '../objects/tokens.ts';

/** One token that pods of one controller hold, each of them alike. */
export type HeldToken = {
  readonly namespace: string;
  readonly account: string;
  readonly maker: Owner | { readonly kind: 'Pod'; readonly name: string };
  readonly source: 'default' | 'projected' | 'secret';
  /** Undefined for the default one, whose name is another in each pod. */
  readonly volume: string | undefined;
  readonly secret: string | undefined;
  readonly audience: string;
  readonly reachesApi: boolean;
  /** Undefined for a Secret. */
  readonly askedSeconds: number | undefined;
  /** True if the API server may make a year of it. */
  readonly isExtended: boolean;
  /** What a new pod would have in its place. */
  readonly becomes: ForeseenToken['becomes'];
  /** False if that takes a mutation which is only reported. */
  readonly isApplied: boolean;
  readonly containers: Set<string>;
  pods: number;
};

/** The pods of one controller that hold a token which a new pod would not. */
export type PodsFromBefore = {
  readonly namespace: string;
  readonly maker: HeldToken['maker'];
  readonly account: string;
  readonly tokens: Set<HeldToken>;
  /** Some of their names, for makers that cannot be restarted as a whole. */
  readonly names: string[];
  pods: number;
};

export type LivePods = {
  readonly held: Map<string, HeldToken>;
  readonly before: Map<string, PodsFromBefore>;
  /** How many pods hold an API token of an account, by `NAMESPACE/ACCOUNT`. */
  readonly byAccount: Map<string, number>;
  readonly namespaces: Set<string>;
  /** How many hold an API token of whichever account. */
  withApiToken: number;
  count: number;
};

const MOST_NAMES = 20;

export function createLivePods(): LivePods {
  return {
    held: new Map(),
    before: new Map(),
    byAccount: new Map(),
    namespaces: new Set(),
    withApiToken: 0,
    count: 0,
  };
}

export type LivePodFacts = {
  readonly foreseen: readonly ForeseenToken[];
  readonly apiAudiences: readonly string[];
  /** The account whose token this Secret of the pod's namespace holds; undefined if it holds none. */
  readonly accountOfSecret: (name: string) => string | undefined;
};

/** @param pod - that has not ended */
export function addLivePod(
  pods: LivePods,
  pod: Subject,
  { foreseen, apiAudiences, accountOfSecret }: LivePodFacts,
): void {
  pods.count += 1;
  pods.namespaces.add(pod.namespace);
  const spec = member(pod.object, 'spec');
  if (!isObject(spec)) return;
  const account = serviceAccountOf(spec);
  const maker = readController(pod.object) ?? { kind: 'Pod' as const, name: pod.name };
  const base = { namespace: pod.namespace, maker, volume: undefined, secret: undefined };
  const mounts = groupMounts(spec);
  const projected = foreseen.map(({ source, becomes, isApplied }) => {
    const containers = new Set((mounts.get(source.volume) ?? []).map(({ container }) => container));
    return addHeld(pods, containers, {
      ...base,
      account,
      source: source.isDefault ? 'default' : 'projected',
      ...(source.isDefault ? {} : { volume: source.volume }),
      audience: source.audience,
      reachesApi: isApiToken(source, apiAudiences),
      askedSeconds: source.expirationSeconds,
      isExtended: isExtended(source, apiAudiences),
      becomes,
      isApplied,
    });
  });
  const fromSecrets = listSecretTokens(spec, accountOfSecret).map(({ containers, ...token }) =>
    addHeld(pods, containers, {
      ...base,
      ...token,
      source: 'secret',
      audience: '',
      reachesApi: true,
      askedSeconds: undefined,
      isExtended: false,
      becomes: 'same',
      isApplied: true,
    }),
  );
  const tokens = new Set([...projected, ...fromSecrets]);
  for (const token of tokens) token.pods += 1;
  const accounts = new Set([...tokens].filter(({ reachesApi }) => reachesApi).map((token) => token.account));
  for (const name of accounts) {
    const key = `${pod.namespace}/${name}`;
    pods.byAccount.set(key, (pods.byAccount.get(key) ?? 0) + 1);
  }
  if (accounts.size > 0) pods.withApiToken += 1;
  const before = new Set(projected.filter(({ becomes }) => becomes !== 'same'));
  if (before.size > 0) addBefore(pods, pod, { maker, account, tokens: before });
}

function addHeld(
  { held }: LivePods,
  containers: ReadonlySet<string>,
  token: Omit<HeldToken, 'containers' | 'pods'>,
): HeldToken {
  const { maker, ...rest } = token;
  const key = JSON.stringify([toMakerKey(maker), rest]);
  const known = held.get(key) ?? { ...token, containers: new Set<string>(), pods: 0 };
  held.set(key, known);
  for (const container of containers) known.containers.add(container);
  return known;
}

function addBefore(
  { before }: LivePods,
  { namespace, name }: Subject,
  { maker, account, tokens }: Pick<PodsFromBefore, 'maker' | 'account' | 'tokens'>,
): void {
  const key = JSON.stringify([namespace, toMakerKey(maker), account]);
  const known = before.get(key) ?? { namespace, maker, account, tokens: new Set(), names: [], pods: 0 };
  before.set(key, known);
  known.pods += 1;
  for (const token of tokens) known.tokens.add(token);
  if (known.names.length < MOST_NAMES) known.names.push(name);
}

function toMakerKey(maker: HeldToken['maker']): string {
  return 'uid' in maker ? maker.uid : `${maker.kind}/${maker.name}`;
}

type SecretToken = { readonly secret: string; readonly account: string; readonly volume: string | undefined };

/** Each Secret once, by whatever ways it is read. */
function listSecretTokens(
  spec: JsonObject,
  accountOfSecret: LivePodFacts['accountOfSecret'],
): readonly (SecretToken & { readonly containers: ReadonlySet<string> })[] {
  const found = new Map<string, SecretToken & { readonly containers: Set<string> }>();
  for (const reference of listSecretReferences(spec)) {
    const { secret } = reference;
    const account = accountOfSecret(secret);
    if (account === undefined) continue;
    const volume = reference.by === 'volume' ? reference.volume : undefined;
    const known = found.get(secret) ?? { secret, account, volume, containers: new Set() };
    found.set(secret, known);
    const containers = reference.by === 'volume' ? reference.containers : [reference.container];
    for (const container of containers) known.containers.add(container);
  }
  return [...found.values()];
}
