/**
 * Publishes rules and CA bundle into our webhook configurations, and keeps them there.
 *
 * The chart renders the entries without rules, which match nothing; a replica that can answer publishes both together,
 * so an image that never starts denies nothing. By JSON Patch, guarded by the entry's name, because with server-side
 * apply the applied `caBundle` keeps a stub of an entry alive that the chart has dropped, and Helm 4 then fails.
 *
 * Only entries whose names are ours are touched, and of them only `rules` and `clientConfig.caBundle`. Where the chart has
 * written both, nothing is: they are compared, so that a server that nobody can call says so.
 */

import type { KubeClient, KubeRequest, KubeResponse } from '../kube/api.ts';
import { type Clock, computeBackoff, runWithDeadline } from '../kube/clock.ts';
import type { KubeLog } from '../kube/log.ts';
import { describeError, describeResponse } from '../kube/sentences.ts';
import { asArray, asString, type JsonValue, member, valueAt } from '../objects/json.ts';
import { isLivingAuthority, mergeBundle, splitBundle } from './authorities.ts';
import { decode, encode } from './base64.ts';
import { createRepeater } from './repeat.ts';

const API = '/apis/admissionregistration.k8s.io/v1';
const DEFAULT_INTERVAL_MS = 10_000;
const REQUEST_DEADLINE_MS = 10_000;
/** Patches of one round, when others change the configuration in between. */
const MAX_ATTEMPTS = 5;
const BACKOFF = { firstMs: 100, longestMs: 2000 };

/** One rule of a webhook entry, as in `admissionregistration.k8s.io/v1`. */
export type WebhookRule = {
  readonly operations: readonly string[];
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly resources: readonly string[];
  /** `*` by default. */
  readonly scope?: string;
};

/** A webhook configuration of ours and the rules its entries should have. */
export type WantedConfiguration = {
  readonly kind: 'ValidatingWebhookConfiguration' | 'MutatingWebhookConfiguration';
  readonly name: string;
  /** By the name of the entry; asked at every look, since an entry may come and go with the configuration. */
  readonly rules: () => ReadonlyMap<string, readonly WebhookRule[]>;
};

/** Where the API server has the configuration of this name. */
export function toConfigurationPath(kind: WantedConfiguration['kind'], name: string): string {
  return `${API}/${kind.toLowerCase()}s/${encodeURIComponent(name)}`;
}

export type PublisherOptions = {
  readonly client: KubeClient;
  readonly configurations: readonly WantedConfiguration[];
  /** The CA bundle in force, PEM; undefined if somebody else writes it (cert-manager's injector). */
  caBundle(): string | undefined;
  /** What was known at this time, in ms since the epoch, is in `caBundle`: what another replica added since is not. */
  bundleAsOf(): number;
  /** Only compares: somebody else writes both, and there is no right to. */
  readonly isReadOnly?: boolean;
  /** How often the configurations are looked at, in ms. */
  readonly intervalMs?: number;
  /** Hears after each look whether every entry has its rules and bundle. */
  readonly onLook?: (isPublished: boolean) => void;
  readonly clock: Clock;
  readonly log: KubeLog;
};

export type Publisher = {
  /** Publishes at once, then looks again and again. */
  start(): void;
  stop(): Promise<void>;
  /** Publishes as soon as possible: the CA has changed. */
  poke(): void;
  /**
   * At the last look every entry had its rules and bundle. For the status only: readiness must not depend on it, or
   * whoever deletes an entry takes every replica out of service and with them the entries that fail closed.
   */
  isPublished(): boolean;
  /** Every entry of ours that there is has had this CA bundle since the time `since`, in ms since the epoch, or longer. */
  isBundleHeld(bundle: string, since: number): boolean;
  /** Whether that was so once, with any bundle: from then on the API server can call this replica. */
  wasBundleHeld(): boolean;
  /** One sentence a configuration, for people. */
  status(): readonly string[];
};

/** What a look at one configuration found, or made of it. */
type Outcome = {
  readonly isPublished: boolean;
  readonly sentence: string;
  /** Whether its entries have the bundle: as they were found, since a patch, not, or nobody knows. */
  readonly bundle: 'found' | 'patched' | 'missing' | 'unknown';
};

export function createPublisher(options: PublisherOptions): Publisher {
  const { configurations, clock, log, intervalMs = DEFAULT_INTERVAL_MS } = options;
  const outcomes = new Map<WantedConfiguration, Outcome>();
  /** Certificates that stand in a published bundle and not in ours, and when they were first seen there. */
  const others = new Map<string, number>();
  const keeps = (cert: string): boolean => {
    const firstSeen = others.get(cert) ?? clock.now();
    others.set(cert, firstSeen);
    return isLivingAuthority(cert, clock.now()) && firstSeen >= options.bundleAsOf();
  };
  const isPublished = () => configurations.every((wanted) => outcomes.get(wanted)?.isPublished === true);
  let held: Held | undefined;
  let wasHeld = false;
  const look = async (signal: AbortSignal) => {
    const bundle = options.caBundle();
    for (const wanted of configurations) {
      const outcome = await publish(options, { wanted, bundle, keeps }, signal);
      if (signal.aborted) return;
      // On a change only: a configuration that is missing for a week is one line, not sixty thousand.
      if (outcomes.get(wanted)?.sentence !== outcome.sentence) {
        const fields = { kind: wanted.kind, name: wanted.name, published: outcome.isPublished };
        if (outcome.isPublished) log.info(fields, outcome.sentence);
        else log.warn(fields, outcome.sentence);
      }
      outcomes.set(wanted, outcome);
    }
    if (others.size > MOST_OTHERS_SEEN) others.clear();
    held = holdOn(held, { bundle, outcomes: [...outcomes.values()], now: clock.now() });
    wasHeld ||= held !== undefined;
    options.onLook?.(isPublished());
  };
  const repeater = createRepeater(look, { clock, intervalMs, isImmediate: true });
  return {
    ...repeater,
    isPublished,
    isBundleHeld: (bundle, since) => held !== undefined && held.bundle === bundle && held.since <= since,
    wasBundleHeld: () => wasHeld,
    status: () =>
      configurations.map(
        (wanted) => outcomes.get(wanted)?.sentence ?? `${wanted.kind} ${wanted.name} was not looked at yet.`,
      ),
  };
}

/** Forgotten all at once beyond that: they are looked at for a moment longer then. */
const MOST_OTHERS_SEEN = 100;

/** What the entries have been found with, and since when, in ms since the epoch. */
type Held = { readonly bundle: string | undefined; readonly since: number };

type Wanted = {
  readonly wanted: WantedConfiguration;
  readonly bundle: string | undefined;
  /** Whether a certificate that is not in our bundle stays where it is published. */
  readonly keeps: (cert: string) => boolean;
};

type Look = {
  readonly bundle: string | undefined;
  readonly outcomes: readonly Outcome[];
  readonly now: number;
};

function holdOn(held: Held | undefined, { bundle, outcomes, now }: Look): Held | undefined {
  const states = new Set(outcomes.map((outcome) => outcome.bundle));
  if (states.has('missing')) return undefined;
  // That nobody could look takes nothing away from what was seen before.
  if (states.has('unknown')) return held;
  return held === undefined || held.bundle !== bundle || states.has('patched') ? { bundle, since: now } : held;
}

async function publish(
  options: PublisherOptions,
  { wanted, bundle, keeps }: Wanted,
  signal: AbortSignal,
): Promise<Outcome> {
  const { clock } = options;
  const label = `${wanted.kind} ${wanted.name}`;
  const fail = (why: string, state: Outcome['bundle']): Outcome => ({
    isPublished: false,
    sentence: `${label} ${why}.`,
    bundle: state,
  });
  try {
    for (let attempt = 1; ; attempt += 1) {
      const found = await send(options, wanted, { method: 'GET', signal });
      // Where there is no entry, nobody calls, and nothing has to be trusted.
      if (found.status === 404) return fail('does not exist', 'found');
      if (found.status !== 200) return fail(`cannot be read: ${describeResponse(found)}`, 'unknown');
      if (options.isReadOnly === true) return compare(found.body, { wanted, bundle, label });
      const patch = createPatch(found.body, { wanted, bundle, keeps });
      if (patch.length === 0) return { ...describePublished(found.body, wanted, label), bundle: 'found' };
      const request = { method: 'PATCH', contentType: 'application/json-patch+json', body: patch, signal } as const;
      const answer = await send(options, wanted, request);
      if (answer.status === 200) return { ...describePublished(answer.body, wanted, label), bundle: 'patched' };
      // 409 and 422: it changed in between, so that a `test` failed. Anything else will not change in a moment.
      const isWorthRetrying = answer.status === 409 || answer.status === 422;
      if (!isWorthRetrying || attempt === MAX_ATTEMPTS) {
        return fail(`cannot be patched: ${describeResponse(answer)}`, 'missing');
      }
      await clock.sleep(computeBackoff(attempt, BACKOFF, clock), signal);
    }
  } catch (error) {
    return fail(`cannot be reached: ${describeError(error)}`, 'unknown');
  }
}

function describePublished(
  configuration: unknown,
  wanted: WantedConfiguration,
  label: string,
): Omit<Outcome, 'bundle'> {
  const names = new Set(asArray(member(configuration, 'webhooks')).map((webhook) => member(webhook, 'name')));
  const missing = [...wanted.rules().keys()].filter((name) => !names.has(name));
  return missing.length === 0
    ? { isPublished: true, sentence: `${label} has its rules and CA bundle.` }
    : { isPublished: false, sentence: `${label} lacks the entries ${missing.join(', ')}.` };
}

/** What an entry needs that somebody else has written. */
function compare(
  configuration: unknown,
  { wanted, bundle, label }: Pick<Wanted, 'wanted' | 'bundle'> & { readonly label: string },
): Outcome {
  const webhooks = asArray(member(configuration, 'webhooks'));
  const differing = (isOther: (webhook: unknown, rules: readonly WebhookRule[]) => boolean) =>
    [...wanted.rules()].flatMap(([name, rules]) => {
      const webhook = webhooks.find((candidate) => member(candidate, 'name') === name);
      return webhook !== undefined && isOther(webhook, rules) ? [name] : [];
    });
  const untrusting = differing((webhook) => bundle !== undefined && !holdsBundle(webhook, bundle));
  const otherwise = differing((webhook, rules) => normalise(member(webhook, 'rules')) !== normalise(rules));
  const state = untrusting.length === 0 ? 'found' : 'missing';
  const problems = [
    ...(untrusting.length === 0 ? [] : [`does not trust this server's certificate in ${untrusting.join(', ')}`]),
    ...(otherwise.length === 0 ? [] : [`has other rules than this version in ${otherwise.join(', ')}`]),
  ];
  if (problems.length === 0) return { ...describePublished(configuration, wanted, label), bundle: state };
  return { isPublished: false, sentence: `${label} ${problems.join(', and ')}.`, bundle: state };
}

function holdsBundle(webhook: unknown, bundle: string): boolean {
  const there = splitBundle(decode(asString(valueAt(webhook, ['clientConfig', 'caBundle'])) ?? ''));
  return splitBundle(bundle).every((cert) => there.includes(cert));
}

type Operation = { readonly op: 'test' | 'add'; readonly path: string; readonly value: JsonValue };

/** The operations that make our entries in `configuration` as wanted; none if they are. */
function createPatch(configuration: unknown, { wanted, bundle, keeps }: Wanted): readonly Operation[] {
  const wantedRules = wanted.rules();
  return asArray(member(configuration, 'webhooks')).flatMap((webhook, index): readonly Operation[] => {
    const name = asString(member(webhook, 'name'));
    const rules = name === undefined ? undefined : wantedRules.get(name);
    if (name === undefined || rules === undefined) return [];
    const stored = asString(valueAt(webhook, ['clientConfig', 'caBundle'])) ?? '';
    const merged = bundle === undefined ? undefined : mergeBundle(decode(stored), bundle, keeps);
    if (merged === undefined && normalise(member(webhook, 'rules')) === normalise(rules)) return [];
    const at = `/webhooks/${index}`;
    const caBundle = merged === undefined ? stored : encode(merged);
    return [
      { op: 'test', path: `${at}/name`, value: name },
      { op: 'add', path: `${at}/rules`, value: rules },
      ...(bundle === undefined ? [] : [{ op: 'add', path: `${at}/clientConfig/caBundle`, value: caBundle } as const]),
    ];
  });
}

/** A text that is the same for rules that mean the same: order does not matter, and `scope` is `*` by default. */
function normalise(rules: unknown): string {
  const texts = asArray(rules).map((rule) =>
    JSON.stringify([
      ...['operations', 'apiGroups', 'apiVersions', 'resources'].map((key) =>
        asArray(member(rule, key)).map(String).toSorted(),
      ),
      member(rule, 'scope') ?? '*',
    ]),
  );
  return JSON.stringify(texts.toSorted());
}

type PublishRequest = Omit<KubeRequest, 'path'>;

function send(
  { client, clock }: PublisherOptions,
  { kind, name }: WantedConfiguration,
  request: PublishRequest,
): Promise<KubeResponse> {
  const path = toConfigurationPath(kind, name);
  return runWithDeadline((signal) => client.request({ ...request, path, signal }), {
    clock,
    ms: REQUEST_DEADLINE_MS,
    signal: request.signal,
  });
}
