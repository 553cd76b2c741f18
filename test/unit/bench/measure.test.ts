import { describe, expect, it } from 'vitest';
import { fitLine, provenSlope } from '../../../bench/measure.ts';

const points = (values: readonly number[]) => values.map((y, x) => [x, y] as const);

describe('fitLine', () => {
  it('gives slope and interval of a known regression', () => {
    // Anscombe's first set: slope 0.5001, standard error 0.1179, 9 degrees of freedom (t = 2.262).
    const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
    const y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
    const { slope, margin } = fitLine(x.map((value, index) => [value, y[index] ?? Number.NaN] as const));
    expect(slope).toBeCloseTo(0.5001, 4);
    expect(margin).toBeCloseTo(2.262 * 0.1179, 3);
  });

  it('knows the quantile beyond its table', () => {
    // 22 points that lie 1 above and below a line in turn: 20 degrees of freedom, t = 2.086.
    const values = Array.from({ length: 22 }, (_, x) => (x % 2 === 0 ? 1 : -1));
    const { slope, margin } = fitLine(points(values));
    const under = values.reduce((sum, _, x) => sum + (x - 10.5) ** 2, 0);
    const rest = values.reduce((sum, y, x) => sum + (y - slope * (x - 10.5)) ** 2, 0);
    expect(margin / Math.sqrt(rest / 20 / under)).toBeCloseTo(2.086, 3);
  });

  it('counts points for fewer where each is like the one before', () => {
    // Forty readings of something that took one step: they say as much as two.
    const step = Array.from({ length: 40 }, (_, x) => (x < 20 ? 0 : 1));
    expect(provenSlope(fitLine(points(step)))).toBe(0);
    // What grows in small steps all the time is still found growing.
    const stairs = Array.from({ length: 40 }, (_, x) => Math.floor(x / 4));
    expect(provenSlope(fitLine(points(stairs)))).toBeCloseTo(0.25, 1);
  });

  it('claims nothing of two points', () => {
    expect(fitLine(points([1, 5]))).toEqual({ slope: 4, margin: Infinity });
    expect(provenSlope(fitLine(points([1, 5])))).toBe(0);
  });
});

describe('provenSlope', () => {
  const saw = [0, 3, 1, 4, 2, 0, 3, 1, 4, 2, 0, 3];
  it('is nothing where swings alone are seen', () => {
    expect(provenSlope(fitLine(points(saw)))).toBe(0);
  });

  it('is what is left of a growth, or of a shrinking, beyond the swings', () => {
    const growing = fitLine(points(saw.map((y, x) => y + 2 * x)));
    expect(provenSlope(growing)).toBeGreaterThan(1.5);
    expect(provenSlope(growing)).toBeLessThan(growing.slope);
    const shrinking = fitLine(points(saw.map((y, x) => y - 2 * x)));
    expect(provenSlope(shrinking)).toBeLessThan(-1.5);
    expect(provenSlope(shrinking)).toBeGreaterThan(shrinking.slope);
  });

  it('takes a line without any deviation as it is', () => {
    expect(provenSlope(fitLine(points([1, 2, 3, 4])))).toBeCloseTo(1);
  });
});
