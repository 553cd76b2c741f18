import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { isObject } from '../../../src/objects/json.ts';
import { BUILT_IN_PRESETS } from '../../../src/presets/registry.ts';
import { inject } from '../mutations/injecting.ts';
import { listDifferences, listOriginalCases, normalise, type OriginalCase, toPod } from './originals.ts';

const CASES = listOriginalCases();

/** What ours makes of the pod, and of what it made. */
function run({ preset, asked, parameters, account = {}, namespace = {}, pod }: OriginalCase) {
  const configuration = {
    mutations: {
      'inject-token': {
        triggers: asked === undefined ? [preset] : [],
        ...(parameters === undefined ? {} : { presetParameters: { [preset]: parameters } }),
      },
    },
  };
  const onAccount = { ...account, ...(asked === undefined ? {} : { [`tokens.curfew.dev/${preset}`]: asked }) };
  const world = { configuration, onAccount, namespaceLabels: namespace };
  const first = inject(toPod(pod), world);
  return { ...first, again: inject(first.object, world) };
}

function whole(pod: JsonObject | 'unchanged', input: JsonObject) {
  return normalise(toPod(pod === 'unchanged' ? input : pod));
}

describe.each(CASES)('$file: $title', (one) => {
  const { differs = [], original, pod, preset } = one;
  const result = run(one);

  it('has the pod of the original, but for what is told', () => {
    if ((one.ours ?? original) === 'refused') {
      expect(result.denial).toContain(one.denial ?? 'a case that is refused says by which words');
      expect(differs).toEqual([]);
      return;
    }
    expect(result.denial).toBe('');
    const wanted = isObject(one.ours) ? one.ours : original;
    if (wanted === 'refused') throw new Error('answered above');
    const seen = listDifferences(whole(wanted, pod), normalise(result.object));
    expect(seen).toEqual(Object.fromEntries(differs.map(({ at, ours }) => [at, ours ?? null])));
    expect(result.again).toMatchObject({ denial: '', patch: [] });
  });

  it('names for each difference one sentence of the preset’s page', () => {
    const sentences = BUILT_IN_PRESETS.get(preset)?.differences ?? [];
    const reasons = [...differs.map(({ because }) => because), ...(one.because === undefined ? [] : [one.because])];
    expect(reasons.length > 0).toBe(differs.length > 0 || one.ours !== undefined);
    for (const reason of reasons) {
      const found = sentences.filter((sentence) => sentence.startsWith(reason)).length;
      expect({ reason, found }).toEqual({ reason, found: 1 });
    }
  });
});

describe('The cases', () => {
  it('name where they come from', () => {
    expect(CASES.filter(({ source }) => !/^(\S+\/\S+ \S+|documentation of .+)/.test(source))).toEqual([]);
  });

  it('are there for every preset but the parts of others', () => {
    const covered = new Set(CASES.map(({ preset }) => preset));
    expect([...BUILT_IN_PRESETS.keys()].filter((name) => !covered.has(name))).toEqual([]);
  });
});

describe('The comparison', () => {
  it('sees a value, an entry that is missing and one too many', () => {
    const one = { spec: { volumes: [{ name: 'a', x: 1 }, { name: 'b' }], list: [1] } };
    const other = { spec: { volumes: [{ name: 'c' }, { name: 'a', x: 2 }], list: [1, 2] } };
    expect(listDifferences(normalise(one), normalise(other))).toEqual({
      '/spec/volumes/a/x': 2,
      '/spec/volumes/b': null,
      '/spec/volumes/c': { name: 'c' },
      '/spec/list': [1, 2],
    });
  });
});
