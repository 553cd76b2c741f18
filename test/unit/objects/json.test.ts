import { describe, expect, it } from 'vitest';
import { member } from '../../../src/objects/json.ts';

const INHERITED = Object.getOwnPropertyNames(Object.prototype);

describe('member', () => {
  it.each(INHERITED)('finds nothing under %s, which every object inherits', (key) => {
    expect(member(JSON.parse('{"name": "web"}'), key)).toBeUndefined();
  });

  it.each(INHERITED)('finds what stands under %s in the object itself', (key) => {
    const values = [null, false, 0, '', [], {}, { name: 'web' }];
    for (const value of values) {
      expect(member(JSON.parse(`{${JSON.stringify(key)}: ${JSON.stringify(value)}}`), key)).toEqual(value);
    }
  });

  it('finds nothing in what is no object', () => {
    for (const value of [undefined, null, true, 1, 'web', ['web']]) expect(member(value, 'length')).toBeUndefined();
  });
});
