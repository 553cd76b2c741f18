/** How long tokens live, for people and for the chart. */

import type { AuditView, SecretView, TokenView } from '../audit-view.ts';
import type { Cell, Tone } from './table.ts';

const [MINUTE, HOUR, DAY] = [60, 3_600, 86_400];
/** The year of the API server's extension is 365 days. */
const YEAR = 365 * DAY;

const UNITS = [
  [YEAR, 'year'],
  [DAY, 'day'],
  [HOUR, 'hour'],
  [MINUTE, 'minute'],
] as const;

export type LifetimeClass = { readonly name: string; readonly tone: Tone; readonly most: number };

export const NEVER: LifetimeClass = { name: 'never expires', tone: 'bad', most: Number.POSITIVE_INFINITY };
export const UNKNOWN: LifetimeClass = { name: 'not known', tone: 'quiet', most: Number.NaN };

/** The lifetimes that are told apart; `most` in seconds. 3607 s count as an hour. */
export const LIFETIMES: readonly LifetimeClass[] = [
  { name: 'up to an hour', tone: 'good', most: HOUR + 7 },
  { name: 'up to a day', tone: 'good', most: DAY },
  { name: 'up to 30 days', tone: 'warn', most: 30 * DAY },
  { name: 'up to a year and more', tone: 'bad', most: Number.MAX_SAFE_INTEGER },
  NEVER,
  UNKNOWN,
];

export function classifyLifetime({ never, trueSeconds }: Pick<TokenView, 'never' | 'trueSeconds'>): LifetimeClass {
  if (never) return NEVER;
  if (trueSeconds === undefined) return UNKNOWN;
  return LIFETIMES.find(({ most }) => trueSeconds <= most) ?? UNKNOWN;
}

/** `1 year`, `12 hours`, `610 seconds`: the largest unit that needs at most one decimal. */
export function formatSpan(seconds: number): string {
  for (const [size, unit] of UNITS) {
    const count = seconds / size;
    if (count >= 1 && Number.isInteger(count * 10)) return `${count} ${unit}${count === 1 ? '' : 's'}`;
  }
  return `${seconds} second${seconds === 1 ? '' : 's'}`;
}

/** The cell of a token's true lifetime. */
export function toLifetimeCell(token: Pick<TokenView, 'never' | 'trueSeconds'>): Cell {
  const { name, tone, most } = classifyLifetime(token);
  if (most === NEVER.most) return [name, Number.MAX_SAFE_INTEGER, tone];
  return token.trueSeconds === undefined ? [name, -1, tone] : [formatSpan(token.trueSeconds), token.trueSeconds, tone];
}

/** Tokens that are good today, by lifetime: one for each pod that holds it, and one for each long-lived Secret. */
export function countLifetimes({ tokens = [], longLivedSecrets }: Pick<AuditView, 'tokens' | 'longLivedSecrets'>) {
  const counts = new Map(LIFETIMES.map((one) => [one, 0]));
  const add = (one: LifetimeClass, count: number) => counts.set(one, (counts.get(one) ?? 0) + count);
  for (const token of tokens) if (token.source !== 'secret') add(classifyLifetime(token), token.pods);
  add(NEVER, longLivedSecrets.filter(isGood).length);
  return counts;
}

/** False of a token that the API server already refuses. */
export function isGood({ invalidSince }: Pick<SecretView, 'invalidSince'>): boolean {
  return invalidSince === undefined;
}
