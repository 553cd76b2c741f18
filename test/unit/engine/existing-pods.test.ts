import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../src/checks/registry.ts';
import { NO_JUDGEMENT } from '../../../src/engine/evaluate.ts';
import {
  addPod,
  createPodTally,
  formatPodTally,
  type Shortfall,
  toPodSubject,
} from '../../../src/engine/existing-pods.ts';
import type { JsonObject } from '../../../src/objects/json.ts';

const [check] = CHECKS;
if (check === undefined) throw new Error('there is no check');
const { id } = check;
const FINDING = { path: '', key: 'a', reason: 'a', detail: 'a' };

function pod(
  name: string,
  owner?: { readonly kind: string; readonly name: string },
  labels: JsonObject = {},
): JsonObject {
  const owners = owner === undefined ? {} : { ownerReferences: [{ ...owner, controller: true }] };
  return { metadata: { name, labels, ...owners }, spec: {} };
}

function tell(
  refused: readonly JsonObject[],
  { undecided = [], shortfall }: { readonly undecided?: readonly JsonObject[]; readonly shortfall?: Shortfall } = {},
): readonly string[] {
  const tally = createPodTally();
  if (check === undefined) return [];
  const results = [{ check, effect: 'deny' as const, findings: [FINDING] }];
  for (const object of refused) addPod(tally, toPodSubject('shop', object), { ...NO_JUDGEMENT, results });
  const outcome = { undecided: true, needs: 'serviceAccount', detail: 'a' } as const;
  for (const object of undecided) {
    addPod(tally, toPodSubject('shop', object), { ...NO_JUDGEMENT, undecided: [{ check, outcome, isWarned: true }] });
  }
  return formatPodTally(tally, shortfall);
}

describe('Pods that are there', () => {
  const replicaSet = { kind: 'ReplicaSet', name: 'web-5d8c9' };
  const hash = { 'pod-template-hash': '5d8c9' };

  it.each<[string, readonly JsonObject[], string]>([
    ['one', [pod('a')], '1 existing pod would be refused: a'],
    ['some', [pod('a'), pod('b')], '2 existing pods would be refused: a, b'],
    [
      'those of one controller together, the most first',
      [pod('a'), pod('db-0', { kind: 'StatefulSet', name: 'db' }), pod('db-1', { kind: 'StatefulSet', name: 'db' })],
      '3 existing pods would be refused: StatefulSet db (2 pods), a',
    ],
    [
      'those of a Deployment by its name, over its ReplicaSets',
      [
        pod('a', replicaSet, hash),
        pod('b', replicaSet, hash),
        pod('c', { kind: 'ReplicaSet', name: 'web-7f' }, { 'pod-template-hash': '7f' }),
      ],
      '3 existing pods would be refused: Deployment web (3 pods)',
    ],
    [
      'a lone ReplicaSet',
      [pod('a', replicaSet), pod('b', replicaSet)],
      '2 existing pods would be refused: ReplicaSet web-5d8c9 (2 pods)',
    ],
    [
      'the only pod of a controller by its own name',
      [pod('a', replicaSet, hash)],
      '1 existing pod would be refused: a',
    ],
    ['pods without a name', [{}, { metadata: null }], '2 existing pods would be refused: '],
  ])('are told: %s', (_what, refused, words) => {
    expect(tell(refused)).toEqual([`curfew ${id}: ${words}`]);
  });

  it('are named as far as the line goes, and the rest is counted', () => {
    const [line = ''] = tell(Array.from({ length: 40 }, (_, index) => pod(`some-long-name-${index}`)));
    expect(line).toMatch(/: 40 existing pods would be refused: some-long-name-0, .+ \(and \d+ more\)$/);
    expect(line.length).toBeLessThanOrEqual(120);
    const [, rest = ''] = /and (\d+) more/.exec(line) ?? [];
    expect(line.match(/some-long-name/g)?.length).toBe(40 - Number(rest));
  });

  it('are named at least once, however long the name is, and on one line', () => {
    expect(tell([pod(`a\n${'x'.repeat(300)}`), pod('b')])).toEqual([
      `curfew ${id}: 2 existing pods would be refused: a ${'x'.repeat(300)} (and 1 more)`,
    ]);
  });

  it('that would be refused but for a dry run are told as if they were, and what is only warned about is not', () => {
    const tally = createPodTally();
    if (check === undefined) return;
    const as = (effect: 'would_deny' | 'warn') => ({
      ...NO_JUDGEMENT,
      results: [{ check, effect, findings: [FINDING] }],
    });
    addPod(tally, toPodSubject('shop', pod('a')), as('would_deny'));
    addPod(tally, toPodSubject('shop', pod('b')), as('warn'));
    expect(formatPodTally(tally, undefined)).toEqual([`curfew ${id}: 1 existing pod would be refused: a`]);
  });

  it('that would be refused anyway are not told as undecided by the same check', () => {
    const tally = createPodTally();
    if (check === undefined) return;
    const outcome = { undecided: true, needs: 'serviceAccount', detail: 'a' } as const;
    const results = [{ check, effect: 'deny' as const, findings: [FINDING] }];
    const judgement = { ...NO_JUDGEMENT, results, undecided: [{ check, outcome, isWarned: true }] };
    addPod(tally, toPodSubject('shop', pod('a')), judgement);
    expect(formatPodTally(tally, undefined)).toEqual([`curfew ${id}: 1 existing pod would be refused: a`]);
  });

  it('were not judged at all where there was no time for one', () => {
    expect(tell([], { shortfall: { reason: 'time' } })).toEqual([
      'curfew: no existing pod was judged: there was no time for more',
    ]);
  });

  it('that could not be judged are told too', () => {
    expect(tell([], { undecided: [pod('a')] })).toEqual([`curfew ${id}: 1 existing pod could not be judged: a`]);
  });

  it.each<[Shortfall, string]>([
    [{ reason: 'time' }, 'curfew: only 2 existing pods judged: there was no time for more'],
    [{ reason: 'number' }, 'curfew: only 2 existing pods judged: there are more'],
    [{ reason: 'error', why: 'HTTP 403\nForbidden' }, 'curfew: only 2 existing pods judged: "HTTP 403 Forbidden"'],
  ])('are not all judged because of %j, and that is said', (shortfall, words) => {
    expect(tell([pod('a'), pod('b')], { shortfall })[1]).toBe(words);
  });
});
