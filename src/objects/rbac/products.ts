/**
 * Grants as products of lists, which is how rules write them: some verbs × some resources of some groups × some names. A
 * product may be larger than memory, so it is written out only where it is known to be short.
 */

/** One thing granted, as far as it goes: each part may be `*`. */
export type Grant = {
  readonly verb: string;
  readonly group: string;
  /** With its subresource. */
  readonly resource: string;
  /** Undefined: whatever the name. */
  readonly name?: string;
};

/** What is granted: each verb on each resource of each group. Each part may be `*`. */
export type GrantProduct = {
  readonly verbs: readonly string[];
  readonly groups: readonly string[];
  /** With their subresources. */
  readonly resources: readonly string[];
  /** Undefined: whatever the name. */
  readonly names?: readonly string[];
};

/** How many single grants it is. */
export function countGrants({ verbs, groups, resources, names }: GrantProduct): number {
  return verbs.length * groups.length * resources.length * (names?.length ?? 1);
}

/** All of them, one by one. */
export function* expandProduct({ verbs, groups, resources, names }: GrantProduct): Iterable<Grant> {
  for (const verb of verbs) {
    for (const group of groups) {
      for (const resource of resources) yield* nameEach({ verb, group, resource }, names);
    }
  }
}

function* nameEach(grant: Grant, names: readonly string[] | undefined): Iterable<Grant> {
  if (names === undefined) yield grant;
  else for (const name of names) yield { ...grant, name };
}

/** The product that is this grant alone. */
export function toProduct({ verb, group, resource, name }: Grant): GrantProduct {
  const product = { verbs: [verb], groups: [group], resources: [resource] };
  return name === undefined ? product : { ...product, names: [name] };
}
