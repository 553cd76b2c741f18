/** What each check and each mutation costs, on ordinary objects and on the worst that a search finds. */

import { CHECKS } from '../src/checks/registry.ts';
import { prepareExample, prepareMutationExample } from '../src/engine/example-subject.ts';
import { MUTATIONS } from '../src/mutations/registry.ts';
import { createDraft } from '../src/objects/draft.ts';
import type { JsonObject } from '../src/objects/json.ts';
import type { Reads } from '../src/objects/rule-context.ts';
import { defineBenchmark, type Row } from './define-benchmark.ts';
import { fitLine, ratioOfFastest, timeEach, toSample } from './measure.ts';
import { kindFor, type Mixture, type ObjectKind, scaleTo } from './rule-objects.ts';
import { describeInput, findWorst, type Input, OLD_OBJECTS } from './worst-input.ts';

/** The most that etcd stores of one object by default (`--max-request-bytes`). */
const LARGEST = 1.5 * 1_048_576;
/** Small enough to try many, large enough that what grows shows. */
const SEARCHED = LARGEST / 32;
const SIZES = [LARGEST / 8, LARGEST / 4, LARGEST / 2, LARGEST];
const STEPS = 16;
/** Of the exponent beside that of JSON.parse: something quadratic would have 2. */
const MOST_GROWTH = 1.4;

type MeasuredRule = {
  readonly id: string;
  readonly kind: ObjectKind;
  readonly readsUpdates: boolean;
  /** Prepares all but the evaluation itself. */
  readonly prepare: (object: JsonObject, oldObject: JsonObject | undefined) => () => unknown;
};

function resourceOf({ resource, subresource }: Reads): string {
  return subresource === 'token' ? `${resource}/token` : resource;
}

const RULES: readonly MeasuredRule[] = [
  ...CHECKS.map((check): MeasuredRule => {
    const [reads = { group: '', resource: '', operations: [] }] = check.reads;
    const { subresource } = reads;
    return {
      id: check.id,
      kind: kindFor(check.id, resourceOf(reads)),
      readsUpdates: reads.operations.includes('UPDATE'),
      prepare: (object, oldObject) => {
        const operation = oldObject === undefined ? 'CREATE' : 'UPDATE';
        const { subject, context, settings } = prepareExample(check, {
          title: '',
          level: 'restricted',
          subject: {
            object,
            operation,
            ...(oldObject === undefined ? {} : { oldObject }),
            ...(subresource === undefined || subresource === 'token' ? {} : { subresource }),
          },
          expect: 'allowed',
        });
        const evaluated = { ...context, level: 'restricted' } as const;
        return () => check.evaluate(subject, settings, evaluated);
      },
    };
  }),
  ...MUTATIONS.map((mutation): MeasuredRule => {
    const [reads = { group: '', resource: '', operations: [] }] = mutation.reads;
    return {
      id: mutation.id,
      kind: kindFor(mutation.id, resourceOf(reads)),
      readsUpdates: false,
      prepare: (object) => {
        const example = { title: '', subject: { object }, expect: 'unchanged' } as const;
        const { subject, settings } = prepareMutationExample(mutation, example);
        return () => mutation.mutate(subject, createDraft(subject.object), settings);
      },
    };
  }),
];

export default defineBenchmark({
  name: 'rule-cost',
  title: 'What each check and mutation costs',
  timeoutSeconds: 400,
  run: async () => {
    const ordinary = RULES.map(measureOrdinary);
    const worst = RULES.map(measureWorst);
    return [
      {
        title: 'Ordinary objects',
        about: `At restricted, one evaluation. Small: one of each part. Typical: a pod of five containers, a Secret of six
values, a role of twelve rules. Largest: the same proportions in 1.5 MiB, the most that etcd stores of one object. The
ratio is that of the typical object to \`JSON.parse\` of it.`,
        columns: [
          { title: 'small', unit: 'µs' },
          { title: 'typical', unit: 'µs' },
          { title: '`JSON.parse` of typical', unit: 'µs' },
          { title: 'largest', unit: 'ms' },
        ],
        ratio: 'ratio',
        isCompared: true,
        rows: ordinary,
      },
      {
        title: 'The worst input of 1.5 MiB',
        about: `Found by a search over what objects are made of and in which proportions, with the old object of an update where
the rule reads updates. The ratio is that to \`JSON.parse\` of all of it.`,
        columns: [{ title: 'made of' }, { title: 'evaluation', unit: 'ms' }, { title: '`JSON.parse`', unit: 'ms' }],
        ratio: 'ratio',
        isCompared: true,
        rows: worst.map(({ cost }) => cost),
      },
      {
        title: 'Growth of the worst input',
        about: `The same at four sizes. The exponent is that of the curve through them, measured against \`JSON.parse\` of the same, which
caches of the processor and the collection of garbage make superlinear too: 1 where twice the size takes twice as much of
it, 2 where it takes four times.`,
        columns: SIZES.map((bytes) => ({ title: `${Math.round(bytes / 1024)} KiB`, unit: 'ms' })),
        ratio: 'exponent',
        rows: worst.map(({ growth }) => growth),
      },
    ];
  },
});

function measureOrdinary({ id, kind, prepare }: MeasuredRule): Row {
  const small: Mixture = Object.fromEntries(Object.keys(kind.typical).map((piece) => [piece, 1]));
  const typical = kind.build(kind.typical);
  const body = JSON.stringify(typical);
  const quick = timeEach(
    {
      small: prepare(kind.build(small), undefined),
      typical: prepare(typical, undefined),
      parse: () => JSON.parse(body),
    },
    { rounds: 21, batchMs: 1 },
  );
  const { large } = timeEach(
    { large: prepare(kind.build(scaleTo(kind, kind.typical, LARGEST)), undefined) },
    { rounds: 5, batchMs: 1, budgetMs: 200 },
  );
  return {
    name: id,
    cells: [toSample(quick.small, 1000), toSample(quick.typical, 1000), toSample(quick.parse, 1000), toSample(large)],
    ratio: { value: ratioOfFastest(quick.typical, quick.parse) },
  };
}

function measureWorst(rule: MeasuredRule): { readonly cost: Row; readonly growth: Row } {
  const found = findWorst(rule.kind, {
    bytes: SEARCHED,
    steps: STEPS,
    olds: rule.readsUpdates ? OLD_OBJECTS : ['none'],
    costOf: (input) => leastOf(toRun(rule, input).run),
  });
  const measured = SIZES.map((bytes) => {
    const input = { ...found, mixture: scaleTo(rule.kind, found.mixture, bytes) };
    const { run, body } = toRun(rule, input);
    const times = timeEach({ judge: run, parse: () => JSON.parse(body) }, { rounds: 7, batchMs: 1, budgetMs: 300 });
    return { ...times, input, ratio: ratioOfFastest(times.judge, times.parse), bytes };
  });
  const largest = measured.at(-1);
  if (largest === undefined) throw new Error('no size');
  const points = measured.map(({ bytes, ratio }) => [Math.log(bytes), Math.log(ratio)] as const);
  return {
    cost: {
      name: rule.id,
      cells: [describeInput(largest.input), toSample(largest.judge), toSample(largest.parse)],
      ratio: { value: largest.ratio },
    },
    growth: {
      name: rule.id,
      cells: measured.map(({ judge }) => toSample(judge)),
      ratio: { value: 1 + fitLine(points).slope, most: MOST_GROWTH },
    },
  };
}

/** Twice for the compiler, then the least of three, in ms: enough to tell the worst from the rest. */
function leastOf(run: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let call = -2; call < 3; call += 1) {
    const start = performance.now();
    run();
    if (call >= 0) least = Math.min(least, performance.now() - start);
  }
  return least;
}

function toRun(
  { kind, prepare }: MeasuredRule,
  { mixture, old }: Input,
): { readonly run: () => unknown; readonly body: string } {
  const object = kind.build(mixture);
  const oldObject = old === 'none' ? undefined : kind.build(mixture, old === 'the same' ? '' : 'o');
  return { run: prepare(object, oldObject), body: JSON.stringify([object, oldObject ?? null]) };
}
