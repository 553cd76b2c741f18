/**
 * Whether grants are covered by others, for rules whose products are too large to write out: what is covered is cut off,
 * one older product after the other, until nothing is left.
 */

import type { GrantProduct } from './products.ts';
import { countGrants } from './products.ts';
import { ALL, everyParent, splitNameless } from './rules.ts';

/** Tells whether grants are covered by older ones. */
export type Cover = {
  /**
   * If all of `products` is covered, by one older product or by several together: the number of one of those, or of one
   * that is alike but for a part. Undefined if it is not, or if that could not be found out.
   */
  find(products: Iterable<GrantProduct>): number | undefined;
};

/**
 * Some hundredths of a second, for each check that asks: judging is synchronous, and all requests wait for it. What a
 * person wrote is merged into so few boxes that it needs a hundredth of it.
 */
const MOST_STEPS = 300_000;

/** What a question costs before anything is compared. */
const SETTING_UP = 20;

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
  const boxes = mergeBoxes(older);
  let left = steps;

  function find(products: Iterable<GrantProduct>): number | undefined {
    let first: number | undefined;
    for (const product of products) {
      for (const request of toRequests(product)) {
        const number = findOne(request);
        if (number === undefined) return undefined;
        first ??= number;
      }
    }
    return first;
  }

  function findOne({ product, orNameless }: Request): number | undefined {
    if (left <= 0) return undefined;
    left -= SETTING_UP;
    const named = cutOff([toBox(product)]);
    if (named.rest.length === 0) return named.first;
    if (!orNameless) return undefined;
    // What no older one grants for these names, one may grant for the empty name, which is that of the request.
    const nameless = cutOff(named.rest.map((piece) => ({ ...piece, names: NO_NAME })));
    return nameless.rest.length === 0 ? (named.first ?? nameless.first) : undefined;
  }

  /** What no older product has of `pieces`, and the first that has some of them. As they are, once the steps are used up. */
  function cutOff(pieces: readonly Box[]): { readonly rest: readonly Box[]; readonly first: number | undefined } {
    let first: number | undefined;
    let rest = pieces;
    for (const { number, box } of boxes) {
      if (rest.length === 0 || left <= 0) break;
      const next = rest.flatMap((piece) => subtract(piece, box) ?? piece);
      if (next.length !== rest.length || next.some((piece, index) => piece !== rest[index])) first ??= number;
      rest = next;
    }
    return { rest, first };
  }

  /** What of `piece` is not in `box`: up to four pieces that do not overlap; undefined if nothing of it is in there. */
  function subtract(piece: Box, box: Box): readonly Box[] | undefined {
    left -= 1 + sumSizes(piece);
    if (PARTS.some((part) => areApart(part, piece[part], box[part]))) return undefined;
    const pieces: Box[] = [];
    const common: Record<Part, Box[Part]> = { ...piece };
    for (const part of PARTS) {
      const values = common[part];
      const outside = listOutside(part, values, box[part]);
      if (outside.size === 0) continue;
      pieces.push({ ...common, [part]: outside });
      common[part] = withoutAll(values, outside);
    }
    return pieces;
  }

  return { find };
}

type Request = {
  readonly product: GrantProduct;
  /** True if the empty name grants it as well as the names it is limited to, since it is asked for without a name. */
  readonly orNameless: boolean;
};

const NO_NAME: ReadonlySet<string> = new Set(['']);

/** What is asked for without a name apart from the rest. */
function toRequests(product: GrantProduct): readonly Request[] {
  const { names } = product;
  const { nameless, named } = splitNameless(product.verbs, product.resources);
  const requests = [
    { product: { ...product, ...nameless, names: names ?? [''] }, orNameless: names !== undefined },
    ...named.map((part) => ({ product: { ...product, ...part }, orNameless: false })),
  ];
  return requests.filter((request) => countGrants(request.product) > 0);
}

type NumberedBox = { readonly number: number; readonly box: Box };

/**
 * Rules of one role are often alike but for one part: a rule for each name, or for each resource. Together they are one
 * box, with the number of the first.
 */
function mergeBoxes(products: readonly GrantProduct[]): readonly NumberedBox[] {
  let boxes = mergeNames(products);
  for (const part of ['resources', 'groups', 'verbs'] as const) boxes = mergeBy(part, boxes);
  return boxes;
}

/** Names first, and before there are sets: of products that are alike but for the names there may be many thousands. */
function mergeNames(products: readonly GrantProduct[]): readonly NumberedBox[] {
  const alike = new Map<
    string,
    { readonly number: number; readonly product: GrantProduct; names: Set<string> | undefined }
  >();
  for (const [number, product] of products.entries()) {
    const key = JSON.stringify([product.verbs, product.groups, product.resources]);
    const known = alike.get(key);
    if (known === undefined) alike.set(key, { number, product, names: product.names && new Set(product.names) });
    else if (product.names === undefined) known.names = undefined;
    else for (const name of product.names) known.names?.add(name);
  }
  return Array.from(alike.values(), ({ number, product, names }) => ({ number, box: { ...toBox(product), names } }));
}

function mergeBy(part: Part, boxes: readonly NumberedBox[]): readonly NumberedBox[] {
  const others = PARTS.filter((other) => other !== part);
  const alike = Map.groupBy(boxes, ({ number, box }) =>
    JSON.stringify(others.map((other) => keyOf(box[other], number))),
  );
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined || group.length === 1) return group;
    const isEvery = group.some(({ box }) => box[part] === undefined);
    const values = isEvery ? undefined : new Set(group.flatMap(({ box }) => [...(box[part] ?? [])]));
    return { number: first.number, box: { ...first.box, [part]: values } };
  });
}

/** The same for the same values; what would take long to compare is taken to be like nothing else. */
function keyOf(values: Box[Part], number: number): readonly string[] | number | null {
  if (values === undefined) return null;
  return values.size > MOST_COMPARED ? number : [...values].toSorted();
}

const MOST_COMPARED = 64;

function sumSizes(box: Box): number {
  return PARTS.reduce((sum, part) => sum + (box[part]?.size ?? 0), 0);
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
  const pattern = part === 'resources' ? everyParent(value) : undefined;
  return pattern !== undefined && box.has(pattern);
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
