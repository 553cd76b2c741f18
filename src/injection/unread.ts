/**
 * What is made of a service account or namespace that could not be read, and so may ask for a token that nobody knows of.
 * A pod that starts without a token it was to have does not heal, so it is refused, and whoever made it tries again; but
 * what was known of the place a moment ago counts: docs/decisions/0013.
 */

import type { Lookup } from '../objects/views.ts';
import type { World, WrongAsk } from './asks.ts';

export type Unread = {
  /** Places of which nothing is known at all: the pod cannot be admitted. */
  readonly refusals: readonly WrongAsk[];
  /** What the author should know: of these places less is known than there may be. */
  readonly notes: readonly string[];
};

type Place = { readonly what: string; readonly path: string; readonly lookup: Lookup<unknown> };

export function listUnread({ account, accountName, namespace, namespaceName }: World): Unread {
  const places: readonly Place[] = [
    {
      what: `service account ${namespaceName}/${accountName}`,
      path: '/spec/serviceAccountName',
      lookup: account,
    },
    { what: `namespace ${namespaceName}`, path: '/metadata/namespace', lookup: namespace },
  ];
  return { refusals: places.flatMap(toRefusal), notes: [...places.flatMap(toFinalNote), ...joinStale(places)] };
}

function toRefusal({ what, path, lookup }: Place): readonly WrongAsk[] {
  const origin = { name: what, path };
  const asks = 'it may ask for a token, without which the pod would start';
  switch (lookup.state) {
    case 'found':
      return [];
    case 'absent':
      // The API server's own plugin saw it a moment before; without it the pod would be forbidden there.
      return [{ origin, problem: `it does not exist any more; ${asks}`, fix: 'try again when it is there' }];
    case 'unknown':
      if (lookup.isFinal === true) return [];
      return [{ origin, problem: `it could not be read: ${lookup.why}; ${asks}`, fix: 'try again' }];
  }
}

function toFinalNote({ what, lookup }: Place): readonly string[] {
  if (lookup.state !== 'unknown' || lookup.isFinal !== true) return [];
  return [`no token that ${what} may ask for was added: it could not be read: ${lookup.why}`];
}

/** In one sentence where both are so for one reason, which is the usual case. */
function joinStale(places: readonly Place[]): readonly string[] {
  const byReason = Map.groupBy(places, ({ lookup }) => (lookup.state === 'found' ? lookup.stale : undefined));
  return [...byReason].flatMap(([why, stale]) => {
    if (why === undefined) return [];
    const names = stale.map(({ what }) => what).join(' and ');
    const [it, said] = stale.length === 1 ? ['it', 'it said'] : ['they', 'they said'];
    return [`of ${names} only what ${said} a moment ago is known: ${it} could not be read: ${why}`];
  });
}
