/**
 * Counts what a rule does for objects of growing size, without a clock: how often each block of src/ ran, as V8 counts for
 * coverage, and how often something of the object was read, which loops inside of V8 do without running a block. The same on
 * every machine. A process of its own, since V8 counts for whoever asks last. Prints a row of JSON for each rule, or for each of its arguments.
 */

import { Session } from 'node:inspector/promises';
import { kindFor, type Mixture } from '../../../bench/rule-objects.ts';
import { CHECKS } from '../../../src/checks/registry.ts';
import { prepareExample, prepareMutationExample } from '../../../src/engine/example-subject.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import { createDraft } from '../../../src/objects/draft.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Reads } from '../../../src/objects/rule-context.ts';

const CHOSEN = process.argv.slice(2);
const SOURCES = new URL('../../../src/', import.meta.url).href;

/** Of each piece of which an object of the kind is made. */
const SIZES = [16, 32, 64, 128];

export type CountedRule = {
  readonly rule: string;
  readonly change: 'new' | 'unchanged' | 'replaced';
  /** By size, each twice the one before. */
  readonly steps: readonly number[];
};

type Run = (object: JsonObject, oldObject: JsonObject | undefined) => () => unknown;

let reads = 0;
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

for (const check of CHECKS) {
  const [first] = check.reads;
  if (first === undefined) continue;
  const subresource =
    first.subresource === undefined || first.subresource === 'token' ? {} : { subresource: first.subresource };
  const run: Run = (object, oldObject) => {
    const old = oldObject === undefined ? {} : { oldObject };
    const operation = oldObject === undefined ? 'CREATE' : 'UPDATE';
    const subject = { object, operation, ...old, ...subresource } as const;
    const prepared = prepareExample(check, { title: '', level: 'restricted', subject, expect: 'allowed' });
    const context = { ...prepared.context, level: 'restricted' } as const;
    const counted = countReads(prepared.subject);
    return () => check.evaluate(counted, prepared.settings, context);
  };
  await count(check.id, first, run);
}
for (const mutation of MUTATIONS) {
  const [first] = mutation.reads;
  if (first === undefined) continue;
  await count(mutation.id, { ...first, operations: ['CREATE'] }, (object) => {
    const { subject, settings } = prepareMutationExample(mutation, {
      title: '',
      subject: { object },
      expect: 'unchanged',
    });
    const counted = countReads(subject);
    return () => mutation.mutate(counted, createDraft(counted.object), settings);
  });
}

async function count(rule: string, { resource, subresource, operations }: Reads, run: Run): Promise<void> {
  if (CHOSEN.length > 0 && !CHOSEN.includes(rule)) return;
  const kind = kindFor(rule, subresource === 'token' ? `${resource}/token` : resource);
  const changes = operations.includes('UPDATE') ? (['new', 'unchanged', 'replaced'] as const) : (['new'] as const);
  for (const change of changes) {
    const runs = SIZES.map((size) => {
      const mixture: Mixture = Object.fromEntries(kind.pieces.map((piece) => [piece, size]));
      const old = change === 'new' ? undefined : kind.build(mixture, change === 'unchanged' ? '' : 'old-');
      return run(kind.build(mixture), old);
    });
    // What was counted while they were prepared.
    await session.post('Profiler.takePreciseCoverage');
    const steps: number[] = [];
    for (const each of runs) steps.push(await countSteps(each));
    const row: CountedRule = { rule, change, steps };
    process.stdout.write(`${JSON.stringify(row)}\n`);
  }
}

async function countSteps(run: () => unknown): Promise<number> {
  reads = 0;
  run();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const ours = result.filter(({ url }) => url.startsWith(SOURCES));
  const ranges = ours.flatMap(({ functions }) => functions.flatMap((each) => each.ranges));
  return ranges.reduce((sum, range) => sum + range.count, reads);
}

/** The same value, everything in it too; what is asked of the same thing twice is the same thing, as it is of plain JSON. */
function countReads<T extends object>(value: T): T {
  const known = new WeakMap<object, object>();
  const wrap = (each: unknown): unknown => {
    if (typeof each !== 'object' || each === null) return each;
    const before = known.get(each);
    if (before !== undefined) return before;
    const wrapped = new Proxy(each, {
      get(target, key) {
        reads += 1;
        return wrap(Reflect.get(target, key));
      },
      ownKeys(target) {
        const keys = Reflect.ownKeys(target);
        reads += keys.length;
        return keys;
      },
    });
    known.set(each, wrapped);
    return wrapped;
  };
  return wrap(value) as T;
}
