import { describe, expect, it } from 'vitest';
import { createCover } from '../../../../src/objects/rbac/cover.ts';
import type { GrantProduct } from '../../../../src/objects/rbac/products.ts';

const product = (verbs: string, resources: string, names?: string): GrantProduct => ({
  verbs: verbs.split(' '),
  groups: [''],
  resources: resources.split(' '),
  ...(names === undefined ? {} : { names: names.split(' ') }),
});

describe('The cover of a product', () => {
  const nothing = { verbs: ['create', '*'], groups: [''], names: [''] };
  const older = [
    product('get', 'secrets', 'a'),
    product('get list', 'pods'),
    product('get', 'secrets', 'b c'),
    { ...nothing, verbs: ['create'], resources: ['pods', 'pods/exec'] },
    { ...nothing, resources: ['configmaps'] },
  ];

  it.each<[string, GrantProduct, number | undefined]>([
    ['one that is in there', product('get', 'secrets', 'a'), 0],
    ['a part of one', product('list', 'pods', 'x'), 1],
    ['parts of two', product('get', 'secrets', 'a b'), 0],
    ['parts of three', product('get', 'pods secrets', 'c a b'), 0],
    ['parts of the last two', product('get', 'pods secrets', 'c'), 0],
    ['what has no name, by the empty name', product('create', 'pods'), 3],
    ['what has no name, for some names, by the empty name', product('create', 'pods', 'x y'), 3],
    ['the same and what has a name', product('create get', 'pods', 'x'), 3],
    ['the same and what has a name of others', product('create get', 'pods configmaps', 'x'), undefined],
    ['what has a name, not by the empty name', product('create', 'pods/exec'), undefined],
    ['every verb, not by the empty name', product('*', 'configmaps'), undefined],
    ['more names', product('get', 'secrets', 'a b d'), undefined],
    ['every name', product('get', 'secrets'), undefined],
    ['more verbs', product('get list', 'pods secrets', 'a'), undefined],
    ['every verb', product('*', 'pods'), undefined],
  ])('of %s', (_what, asked, wanted) => {
    expect(createCover(older).find([asked])).toBe(wanted);
  });

  it('of several products is that of each', () => {
    const { find } = createCover(older);
    expect(find([product('list', 'pods'), product('get', 'secrets', 'a')])).toBe(1);
    expect(find([product('list', 'pods'), product('list', 'secrets', 'a')])).toBeUndefined();
  });

  it('is given up after so many steps', () => {
    const asked = [product('get', 'pods secrets', 'a b')];
    expect(createCover(older, 3).find(asked)).toBeUndefined();
    expect(createCover(older, 100).find(asked)).toBe(0);
  });

  it('is given up where nobody could work it out', () => {
    // Each old one leaves out one value of each part, so that what is left falls into ever more pieces.
    const all = Array.from({ length: 120 }, (_, index) => `v${index}`);
    const without = (index: number) => all.filter((_value, other) => other !== index);
    const hard = all.map((_value, index) => ({
      verbs: without(index),
      groups: without((index * 7) % 120),
      resources: without((index * 11) % 120),
      names: without((index * 13) % 120).slice(0, 2),
    }));
    const whole = { verbs: all, groups: all, resources: all, names: all };
    expect(createCover(hard).find([whole])).toBeUndefined();
  });
});
