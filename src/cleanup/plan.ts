/**
 * What may be done next with each token Secret, decided from facts alone: nothing is asked or written here. A guard that
 * holds a Secret back names what it saw, so that a person can go there.
 */

import { LAST_USED_LABEL } from '../objects/legacy-token.ts';
import { TOKEN_SECRET_TYPE } from '../objects/views.ts';
import type { Exemption } from '../policy/exemption.ts';
import { findExemption, formatEnd } from '../policy/exemption.ts';
import { toDay } from './mark.ts';
import type { TokenSecret } from './token-secret.ts';
import { idOf } from './token-secret.ts';

/** What names a Secret: a pod or its template, another account, or the account whose token it is. */
export type SecretUse = {
  readonly by: 'pod' | 'account' | 'own account';
  /** `Deployment shop/web`. */
  readonly who: string;
};

export type CleanupFacts = {
  readonly secrets: readonly TokenSecret[];
  /** By `namespace/name`. */
  readonly uses: ReadonlyMap<string, readonly SecretUse[]>;
  /** The day since when the API server notes uses; undefined if that cannot be read. */
  readonly trackedSince: string | undefined;
};

export type PlanOptions = {
  /** In ms since the epoch. */
  readonly now: number;
  /** A token that was used within this time is left alone, in ms; 0 to heed no use. */
  readonly unusedForMs: number;
  /** So long a token must have been invalid before it is deleted, in ms. */
  readonly invalidForMs: number;
  /** True to clean those too that nothing names but the `secrets` of their own account. */
  readonly includeListed: boolean;
  readonly exemptions: readonly Exemption[];
  /** True of a namespace that is not Curfew's to touch. */
  readonly isPlatform: (namespace: string) => boolean;
};

/** `others`: by the cluster's own cleaner, or by hand. `changed`: by Curfew, but it is not as Curfew left it. */
export type TokenState = 'valid' | 'invalidated' | 'invalidated by others' | 'changed';

export const GUARDS = [
  'used',
  'mounted',
  'referenced',
  'listed',
  'exempted',
  'platform',
  'leaving',
  'waiting',
] as const;

export type Guard = (typeof GUARDS)[number];

export type Hold = { readonly guard: Guard; readonly detail: string };

export type PlannedSecret = {
  readonly secret: TokenSecret;
  readonly state: TokenState;
  /** Empty for one whose next step may be taken. */
  readonly holds: readonly Hold[];
  readonly next: 'invalidate' | 'delete' | undefined;
};

const CHECK = 'long-lived-token-secret';
const DAY_MS = 86_400_000;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** In the order of the facts. */
export function planCleanup(facts: CleanupFacts, options: PlanOptions): readonly PlannedSecret[] {
  return facts.secrets.map((secret) => {
    const state = stateOf(secret);
    const holds = [...listHolds(secret, facts, options), ...listTimeHolds(secret, { state, facts, options })];
    return { secret, state, holds, next: holds.length === 0 ? NEXT[state] : undefined };
  });
}

const NEXT: Readonly<Record<TokenState, PlannedSecret['next']>> = {
  valid: 'invalidate',
  invalidated: 'delete',
  'invalidated by others': undefined,
  changed: undefined,
};

function stateOf({ mark, invalidSince }: TokenSecret): TokenState {
  if (mark === undefined) return invalidSince === undefined ? 'valid' : 'invalidated by others';
  return mark !== 'unreadable' && invalidSince === toDay(mark.at) ? 'invalidated' : 'changed';
}

/** What holds a Secret back at every step. */
function listHolds(secret: TokenSecret, { uses }: CleanupFacts, options: PlanOptions): readonly Hold[] {
  const exemption = findExemptionOf(secret, options);
  const named = uses.get(idOf(secret)) ?? [];
  const namedBy = (by: SecretUse['by'], guard: Guard, verb: string): readonly Hold[] =>
    named.filter((use) => use.by === by).map(({ who }) => ({ guard, detail: `${who} ${verb}` }));
  return [
    ...(secret.isLeaving ? [{ guard: 'leaving' as const, detail: 'it is being deleted' }] : []),
    ...(options.isPlatform(secret.namespace)
      ? [
          {
            guard: 'platform' as const,
            detail: `namespace ${secret.namespace} is touched only where --namespace names it`,
          },
        ]
      : []),
    ...(exemption === undefined
      ? []
      : [
          {
            guard: 'exempted' as const,
            detail: `exemption ${exemption.name} of ${exemption.owner}, ${formatEnd(exemption)}`,
          },
        ]),
    ...namedBy('pod', 'mounted', 'uses it'),
    ...namedBy('account', 'referenced', 'names it'),
    ...(options.includeListed ? [] : namedBy('own account', 'listed', 'lists it (--include-listed goes on)')),
  ];
}

/**
 * Who wrote the Secret is not known any more: an exemption for some users holds everything else that it fits. One that is
 * for pods or bindings fits no Secret.
 */
function findExemptionOf(secret: TokenSecret, { exemptions, now }: PlanOptions): Exemption | undefined {
  const forAnybody = exemptions.map((exemption) => {
    const { users: _users, groups: _groups, ...match } = exemption.match;
    return { ...exemption, match };
  });
  const { namespace, name, metadata } = secret;
  return findExemption(
    forAnybody,
    {
      operation: 'CREATE',
      resource: { group: '', name: 'secrets', subresource: '' },
      kind: 'Secret',
      namespace,
      name,
      object: { apiVersion: 'v1', kind: 'Secret', metadata, type: TOKEN_SECRET_TYPE },
    },
    { check: CHECK, now },
  );
}

type Moment = { readonly state: TokenState; readonly facts: CleanupFacts; readonly options: PlanOptions };

function listTimeHolds(secret: TokenSecret, { state, facts, options }: Moment): readonly Hold[] {
  switch (state) {
    case 'valid': {
      const detail = describeUse(secret, facts, options);
      return detail === undefined ? [] : [{ guard: 'used', detail }];
    }
    case 'invalidated':
      return listPauseHolds(secret, options);
    case 'invalidated by others':
    case 'changed':
      return [];
  }
}

/** Why the token may be in use; undefined if it was not used for long enough. */
function describeUse(
  { lastUsed, createdAt }: TokenSecret,
  { trackedSince }: CleanupFacts,
  { now, unusedForMs }: PlanOptions,
): string | undefined {
  if (unusedForMs === 0) return undefined;
  const days = `${Math.ceil(unusedForMs / DAY_MS)} d`;
  const first = toDay(now - unusedForMs);
  if (lastUsed !== undefined) {
    if (!DAY.test(lastUsed)) return `label ${LAST_USED_LABEL} is no day`;
    return lastUsed >= first ? `used on ${lastUsed}, within ${days}` : undefined;
  }
  const made = Date.parse(createdAt);
  if (Number.isNaN(made)) return 'it is not known when it was made';
  if (toDay(made) >= first) return `made on ${toDay(made)}, within ${days}`;
  if (trackedSince === undefined || !DAY.test(trackedSince))
    return 'it is not known since when the API server notes uses';
  return trackedSince >= first ? `uses are noted since ${trackedSince} only, within ${days}` : undefined;
}

function listPauseHolds({ mark, lastUsed }: TokenSecret, { now, invalidForMs }: PlanOptions): readonly Hold[] {
  if (mark === undefined || mark === 'unreadable') return [];
  const end = mark.at + invalidForMs;
  return [
    ...(lastUsed === mark.lastUsed
      ? []
      : [
          {
            guard: 'used' as const,
            detail: `somebody tried it since it was made invalid (${lastUsed ?? 'label removed'})`,
          },
        ]),
    ...(now >= end ? [] : [{ guard: 'waiting' as const, detail: `to be deleted from ${formatMinute(end)} on` }]),
  ];
}

/** `2026-12-03 07:00 UTC`. */
function formatMinute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
