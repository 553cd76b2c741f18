/**
 * Whether grants are covered by others, for rules whose products are too large to write out: what is covered is cut off,
 * one older product after the other, until nothing is left.
 */

import type { GrantProduct } from './products.ts';
import { ALL } from './rules.ts';

/** Tells whether grants are covered by older ones. */
export type Cover = {
  /**
   * The number of an older product that has some of it, if all of `products` is covered, by one older product or by
   * several together. Undefined if it is not, or if that could not be found out.
   */
  find(products: Iterable<GrantProduct>): number | undefined;
};

/** About a second. No role that a person wrote needs a hundredth of it. */
const MOST_STEPS = 5_000_000;

/** The parts of a product, short ones first. */
const PARTS = ['verbs', 'groups', 'resources', 'names'] as const;
type Part = (typeof PARTS)[number];

/** The values of each part as a set; undefined: every value. */
type Box = Readonly<Record<Part, ReadonlySet<string> | undefined>>;

/**
 * @param older - what may cover others
 * @param steps - how many values are looked at, all questions together, before the answer is no: whoever wants to can
 * write rules for which the question is NP-complete
 */
export function createCover(older: readonly GrantProduct[], steps: number = MOST_STEPS): Cover {
  const boxes = older.map(toBox);
  let left = steps;

  function find(products: Iterable<GrantProduct>): number | undefined {
    let first: number | undefined;
    for (const product of products) {
      const number = findOne(product);
      if (number === undefined) return undefined;
      first ??= number;
    }
    return first;
  }

  function findOne(product: GrantProduct): number | undefined {
    let first: number | undefined;
    let rest: readonly Box[] = [toBox(product)];
    for (const [number, box] of boxes.entries()) {
      const next = rest.flatMap((piece) => subtract(piece, box) ?? piece);
      if (next.length !== rest.length || next.some((piece, index) => piece !== rest[index])) first ??= number;
      rest = next;
      if (rest.length === 0) return first;
      if (left <= 0) return undefined;
    }
    return undefined;
  }

  /** What of `piece` is not in `box`: up to four pieces that do not overlap; undefined if nothing of it is in there. */
  function subtract(piece: Box, box: Box): readonly Box[] | undefined {
    left -= 1 + (piece.resources?.size ?? 0) + Math.min(piece.names?.size ?? 0, box.names?.size ?? 0);
    if (PARTS.some((part) => areApart(part, piece[part], box[part]))) return undefined;
    const pieces: Box[] = [];
    const common: Record<Part, Box[Part]> = { ...piece };
    for (const part of PARTS) {
      const values = common[part];
      left -= values?.size ?? 0;
      const outside = listOutside(part, values, box[part]);
      if (outside.size === 0) continue;
      pieces.push({ ...common, [part]: outside });
      common[part] = withoutAll(values, outside);
    }
    return pieces;
  }

  return { find };
}

/** True at once for most rules of one role: their verbs, resources or names have nothing in common. */
function areApart(part: Part, values: Box[Part], box: Box[Part]): boolean {
  if (box === undefined) return false;
  if (values === undefined) return true;
  // Of names there may be thousands, in the one or in the other.
  const isBoxSmaller = part === 'names' && box.size < values.size;
  const [few, many] = isBoxSmaller ? [box, values] : [values, box];
  for (const value of few) if (hasValue(part, value, many)) return false;
  return true;
}

/** The values of one part that are not in the box. Every value is in there only where the box has every value. */
function listOutside(part: Part, values: Box[Part], box: Box[Part]): ReadonlySet<string> {
  const outside = new Set<string>();
  if (values === undefined || box === undefined) return outside;
  for (const value of values) if (!hasValue(part, value, box)) outside.add(value);
  return outside;
}

function withoutAll(values: Box[Part], others: ReadonlySet<string>): Box[Part] {
  return values && new Set([...values].filter((value) => !others.has(value)));
}

/** As the authorizer matches: `*` is everything, `*` with a subresource that of every resource. A name is itself. */
function hasValue(part: Part, value: string, box: ReadonlySet<string>): boolean {
  if (box.has(value)) return true;
  if (part !== 'resources') return false;
  const slash = value.indexOf('/');
  return slash !== -1 && box.has(`${ALL}${value.slice(slash)}`);
}

function toBox({ verbs, groups, resources, names }: GrantProduct): Box {
  return {
    names: names === undefined ? undefined : new Set(names),
    resources: toSet(resources),
    groups: toSet(groups),
    verbs: toSet(verbs),
  };
}

function toSet(values: readonly string[]): ReadonlySet<string> | undefined {
  return values.includes(ALL) ? undefined : new Set(values);
}
