import { describe, expect, it } from 'vitest';
import { parseSeconds } from '../../../src/objects/duration.ts';

describe('A duration', () => {
  it.each([
    ['600', 600],
    [600, 600],
    ['10m', 600],
    ['1h', 3_600],
    ['1h30m', 5_400],
    ['24h', 86_400],
    ['1h0m5s', 3_605],
    ['90s', 90],
    ['0', 0],
  ])('%j is %d s', (value, seconds) => {
    expect(parseSeconds(value)).toBe(seconds);
  });

  it.each([
    '',
    ' 600',
    '10 m',
    '-1h',
    '1d',
    '30m1h',
    '1.5h',
    'h',
    '1e3',
    '0x10',
    600.5,
    -1,
    Number.NaN,
    null,
    {},
    '9'.repeat(40),
  ])('%j is none', (value) => {
    expect(parseSeconds(value)).toBeUndefined();
  });
});
