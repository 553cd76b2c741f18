/** Looks for the mixture of pieces that costs a rule most, at a given size: hill climbing from every piece by itself. */

import type { Mixture, ObjectKind } from './rule-objects.ts';
import { scaleTo } from './rule-objects.ts';

/** What the old object is compared with the new one, where a rule reads updates. */
export const OLD_OBJECTS = ['none', 'the same', 'another'] as const;
export type OldObject = (typeof OLD_OBJECTS)[number];

export type Input = { readonly mixture: Mixture; readonly old: OldObject };

export type Search = {
  /** Of JSON, the old object left out. */
  readonly bytes: number;
  /** Steps after the first round. */
  readonly steps: number;
  readonly olds: readonly OldObject[];
  /** What an input costs, in ms. */
  readonly costOf: (input: Input) => number;
};

/** The costliest input found, in proportions that can be scaled to any size. The same steps in each run. */
export function findWorst(kind: ObjectKind, { bytes, steps, olds, costOf }: Search): Input {
  const random = createRandom(33);
  const toInput = (weights: Mixture, old: OldObject): Input => ({ mixture: scaleTo(kind, weights, bytes), old });
  const starts = [
    kind.typical,
    ...kind.pieces.map((piece) => ({ [piece]: 1000 })),
    Object.fromEntries(kind.pieces.map((piece) => [piece, 100])),
  ];
  let worst: Input = toInput(kind.typical, 'none');
  let most = Number.NEGATIVE_INFINITY;
  const attempt = (input: Input) => {
    const cost = costOf(input);
    if (cost <= most) return;
    most = cost;
    worst = input;
  };
  for (const start of starts) for (const old of olds) attempt(toInput(start, old));
  for (let step = 0; step < steps; step += 1) {
    const piece = kind.pieces[Math.floor(random() * kind.pieces.length)] ?? '';
    const total = Object.values(worst.mixture).reduce((sum, count) => sum + count, 0);
    const changed = { ...worst.mixture, [piece]: Math.round(random() * total) };
    attempt(toInput(changed, olds[Math.floor(random() * olds.length)] ?? 'none'));
  }
  return worst;
}

/** `1,200 × rule for Secrets, 30 × label, updated from another`. */
export function describeInput({ mixture, old }: Input): string {
  const pieces = Object.entries(mixture)
    .filter(([, count]) => count > 0)
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, 3)
    .map(([piece, count]) => `${count.toLocaleString('en-US')} × ${piece}`);
  return `${pieces.join(', ')}${old === 'none' ? '' : `; an update of ${old}`}`;
}

/** Numbers from 0 to 1 that look random and are the same in each run (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
