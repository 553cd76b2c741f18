/** What `api-server.ts` has measured, namespace by namespace, as tables. */

import type { Row, Table } from './define-benchmark.ts';
import { quantile, toSample } from './measure.ts';
import { WARM_UP_REVIEWS } from './warm-up.ts';

export const ROUNDS = 300;

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
export const NAMESPACES_OF_BOTH = [
  'none',
  'noop-both',
  'patch-both',
  'curfew-both',
] as const satisfies readonly Namespace[];

type Times<Name extends Namespace = Namespace> = Readonly<Record<Name, number[]>>;

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

function toRowOfCurfewBoth(times: Times<'none' | 'noop-both' | 'curfew-both'>): Row {
  return {
    ...toRow(times, 'curfew-both', 'Curfew, mutating and validating'),
    ...compared(times, ['curfew-both', 'noop-both'], { most: 1.2 }),
  };
}

type TimesOfBoth = Times<(typeof NAMESPACES_OF_BOTH)[number]>;

/** With which both tables end. */
function toRowsOfBoth(times: TimesOfBoth): readonly Row[] {
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
      ...compared(times, ['curfew-both', 'patch-both']),
    },
  ];
}

export function toTable(times: Times): Table {
  return {
    title: 'One pod at a time',
    about: `One client, dry runs over one connection, ${ROUNDS} rounds, each registration in turn in a namespace of its own, Curfew as
the process that the chart describes; before it each server has answered ${WARM_UP_REVIEWS.toLocaleString('en-US')} reviews,
until V8 compiles nothing any more. Curfew is compared with the same registrations answered by a server that allows
everything: what that adds is the price of a webhook, what Curfew adds beyond it is ours. The patch is the one that Curfew makes
of this pod: what the API server does with it, applying it and filling in and judging the pod once more, is a price of any mutation.`,
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

/** Without the two live reads that a new pod may have to wait for (docs/decisions/0013). */
export function toTableOfHeld(times: TimesOfBoth): Table {
  return {
    title: 'The same with live reads on a miss',
    about: `With \`mutations.inject-token.liveReads: onMiss\` a pod gets the tokens that its account and its namespace ask for by what
memory holds of both. Else both are read anew, since a pod that starts without a token it asked for never gets it: two requests to the
API server, which the table above has and this one has not.`,
    columns: COLUMNS,
    ratio: RATIO,
    rows: [toRow(times, 'none', 'no webhook'), ...toRowsOfBoth(times)],
  };
}

type TimesOfPlain = Times<(typeof NAMESPACES_OF_PLAIN)[number]>;

function toRowsOfPlain(times: TimesOfPlain): readonly Row[] {
  return [toRow(times, 'none', 'no webhook'), ...toRowsOfOne(times), toRowOfNoopBoth(times), toRowOfCurfewBoth(times)];
}

/** Here the API server has the same to do for both servers. */
export function toTableOfPlain(times: TimesOfPlain): Table {
  return {
    title: 'A pod that needs nothing',
    about: `With \`automountServiceAccountToken: false\`, so that Curfew too allows it as it is, after having read its account and its
namespace anew: what is compared is two webhooks, and nothing that an API server does with a patch.`,
    columns: COLUMNS,
    ratio: RATIO,
    rows: toRowsOfPlain(times),
  };
}

export function toTableOfPlainHeld(times: TimesOfPlain): Table {
  return {
    title: 'A pod that needs nothing, with live reads on a miss',
    about: 'The same with `mutations.inject-token.liveReads: onMiss`: nobody is waited for.',
    columns: COLUMNS,
    ratio: RATIO,
    rows: toRowsOfPlain(times),
  };
}
