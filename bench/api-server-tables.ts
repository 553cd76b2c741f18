/** What `api-server.ts` has measured, namespace by namespace, as tables. */

import type { Row, Table } from './define-benchmark.ts';
import { quantile, toSample } from './measure.ts';
import { WARM_UP_REVIEWS } from './warm-up.ts';

/** In all, of the first two tables. */
export const ROUNDS = 1_200;
/** So often all servers are started anew: two processes of the same program differ by more than what is told apart here. */
export const STARTS = 3;

/** A namespace for each: which of the registrations see its pods is said by its label, and nothing is ever switched. */
export const NAMESPACES = [
  'none',
  'policy',
  'noop-one',
  'noop-both',
  'patch-both',
  'curfew-one',
  'curfew-both',
] as const;
export type Namespace = (typeof NAMESPACES)[number];

export const NAMESPACES_OF_PLAIN = [
  'none',
  'noop-one',
  'curfew-one',
  'noop-both',
  'curfew-both',
] as const satisfies readonly Namespace[];
export const NAMESPACES_OF_ALWAYS = ['none', 'noop-both', 'curfew-both'] as const satisfies readonly Namespace[];

export type Times<Name extends Namespace = Namespace> = Readonly<Record<Name, number[]>>;

/** Of all starts, one after the other. */
export function joinTimes<Name extends Namespace>(names: readonly Name[], starts: readonly Times<Name>[]): Times<Name> {
  const joined = names.map((name) => [name, starts.flatMap((times) => times[name])] as const);
  return Object.fromEntries(joined) as unknown as Times<Name>;
}

/** Median over the rounds of what was added in the same round. */
function addedBy<Name extends Namespace>(times: Times<Name | 'none'>, name: Name): number {
  return quantile(
    times[name].map((ms, round) => ms - (times.none[round] ?? 0)),
    0.5,
  );
}

const COLUMNS = [
  { title: 'create a pod', unit: 'ms' },
  { title: 'added', unit: 'ms' },
  { title: 'p99', unit: 'ms' },
] as const;
const RATIO = 'added, to the no-op webhook';

function toRow<Name extends Namespace>(times: Times<Name | 'none'>, name: Name | 'none', title: string): Row {
  const added = name === 'none' ? '' : addedBy<Name>(times, name);
  return { name: title, cells: [toSample(times[name]), added, quantile(times[name], 0.99)] };
}

function compared<Name extends Namespace>(
  times: Times<Name | 'none'>,
  [name, noop]: readonly [Name, Name],
  limit: { readonly most?: number } = {},
) {
  return { ratio: { value: addedBy<Name>(times, name) / addedBy<Name>(times, noop), ...limit } };
}

function toRowsOfOne(times: Times<'none' | 'noop-one' | 'curfew-one'>): readonly Row[] {
  return [
    toRow(times, 'noop-one', 'no-op webhook, validating'),
    {
      ...toRow(times, 'curfew-one', 'Curfew, validating'),
      ...compared(times, ['curfew-one', 'noop-one'], { most: 1.15 }),
    },
  ];
}

function toRowOfNoopBoth(times: Times<'none' | 'noop-both'>): Row {
  return toRow(times, 'noop-both', 'no-op webhooks, mutating and validating');
}

function toRowOfCurfewBoth(
  times: Times<'none' | 'noop-both' | 'curfew-both'>,
  limit: { readonly most?: number } = {},
): Row {
  return {
    ...toRow(times, 'curfew-both', 'Curfew, mutating and validating'),
    ...compared(times, ['curfew-both', 'noop-both'], limit),
  };
}

function toRowsOfBoth(times: Times): readonly Row[] {
  return [
    toRowOfNoopBoth(times),
    {
      ...toRow(times, 'patch-both', 'the same, but that the mutating one answers with a patch'),
      ...compared(times, ['patch-both', 'noop-both']),
    },
    toRowOfCurfewBoth(times),
    {
      name: 'Curfew, to the webhooks with a patch',
      cells: ['', '', ''],
      ...compared(times, ['curfew-both', 'patch-both'], { most: 1.2 }),
    },
  ];
}

export function toTable(times: Times): Table {
  return {
    title: 'One pod at a time',
    about: `One client, dry runs over one connection, ${ROUNDS.toLocaleString('en-US')} rounds, each registration in a namespace of its own, in each round in another order, Curfew as
the process that the chart describes. All servers are started ${STARTS} times, for a part of the rounds each, since two processes of one program
differ by some hundredths; each has answered ${WARM_UP_REVIEWS.toLocaleString('en-US')} reviews before, until V8 compiles nothing any more. Curfew is compared with the same registrations answered by a server that allows
everything: what that adds is the price of a webhook, what Curfew adds beyond it is ours. The patch is the one that Curfew makes
of this pod: what the API server does with it, applying it and filling in and judging the pod once more, is a price of any mutation, so
the two are compared with webhooks that ask the same of it.`,
    columns: COLUMNS,
    ratio: RATIO,
    rows: [
      toRow(times, 'none', 'no webhook'),
      toRow(times, 'policy', 'one ValidatingAdmissionPolicy'),
      ...toRowsOfOne(times),
      ...toRowsOfBoth(times),
    ],
  };
}

/** Here the API server has the same to do for both servers. */
export function toTableOfPlain(times: Times<(typeof NAMESPACES_OF_PLAIN)[number]>): Table {
  return {
    title: 'A pod that needs nothing',
    about: `With \`automountServiceAccountToken: false\`, so that Curfew too allows it as it is: what is compared is two webhooks, and
nothing that an API server does with a patch.`,
    columns: COLUMNS,
    ratio: RATIO,
    rows: [
      toRow(times, 'none', 'no webhook'),
      ...toRowsOfOne(times),
      toRowOfNoopBoth(times),
      toRowOfCurfewBoth(times, { most: 1.2 }),
    ],
  };
}

export function toTableOfAlways(times: Times<(typeof NAMESPACES_OF_ALWAYS)[number]>): Table {
  return {
    title: 'A pod that needs nothing, with live reads each time',
    about: `With \`mutations.inject-token.liveReads: always\`: its account and its namespace are read anew, two requests to the API server
that the tables above do not have (${(ROUNDS / STARTS).toLocaleString('en-US')} rounds, of one start). It is also what a pod waits for whose account was changed within the last four minutes.`,
    columns: COLUMNS,
    ratio: RATIO,
    rows: [toRow(times, 'none', 'no webhook'), toRowOfNoopBoth(times), toRowOfCurfewBoth(times)],
  };
}
