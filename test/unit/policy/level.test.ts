import { describe, expect, it } from 'vitest';
import { effectiveLevels } from '../../../src/policy/level.ts';
import { configure, found } from '../judging.ts';

const LEVELS = { enforce: 'baseline', warn: 'restricted', audit: 'restricted', mutate: 'baseline' } as const;

describe('The levels of a namespace', () => {
  it('are those of its labels, else of the file by its name, else of the file', () => {
    const configuration = configure({ namespaces: { shop: { warn: 'off', audit: 'baseline' } } });
    expect(effectiveLevels(configuration, 'shop', found('shop', { 'curfew.dev/audit': 'off' }))).toEqual({
      ...LEVELS,
      warn: 'off',
      audit: 'off',
      mutateByLabel: false,
      notes: [],
    });
    expect(effectiveLevels(configuration, 'ci', found('ci'))).toEqual({ ...LEVELS, mutateByLabel: false, notes: [] });
  });

  it('have the label of mutations count as a wish to apply them', () => {
    const levels = effectiveLevels(configure(), 'shop', found('shop', { 'curfew.dev/mutate': 'restricted' }));
    expect(levels).toEqual({ ...LEVELS, mutate: 'restricted', mutateByLabel: true, notes: [] });
  });

  it.each([
    [{ state: 'absent' } as const, 'it does not exist'],
    [{ state: 'unknown', why: 'no answer' } as const, 'no answer'],
  ])('that is %j are those of the file, and it is said why', (namespace, why) => {
    const configuration = configure({ namespaces: { shop: { enforce: 'restricted' } } });
    expect(effectiveLevels(configuration, 'shop', namespace)).toEqual({
      ...LEVELS,
      enforce: 'restricted',
      mutateByLabel: false,
      notes: [`labels of namespace shop were not read: ${why}`],
    });
  });

  it('are others for what is in no namespace, and nothing mutates that', () => {
    const configuration = configure({ levels: { clusterScoped: { enforce: 'baseline' } } });
    expect(effectiveLevels(configuration, '', { state: 'absent' })).toEqual({
      enforce: 'baseline',
      warn: 'restricted',
      audit: 'restricted',
      mutate: 'off',
      mutateByLabel: false,
      notes: [],
    });
    expect(effectiveLevels(configure(), '', { state: 'absent' })).toMatchObject({ enforce: 'off' });
  });
});
