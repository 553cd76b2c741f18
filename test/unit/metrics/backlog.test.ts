import { describe, expect, it } from 'vitest';
import { bySeries, createBacklog } from '../../../src/metrics/backlog.ts';

describe('A backlog of observations', () => {
  it('hands over the values of a histogram in their order, once, when it is settled', () => {
    const seen: number[] = [];
    const backlog = createBacklog();
    const observe = backlog.histogram((value) => seen.push(value));
    for (const value of [0.3, 0.1, 0.2]) observe(value);
    expect(seen).toEqual([]);
    backlog.settle();
    expect(seen).toEqual([0.3, 0.1, 0.2]);
    backlog.settle();
    observe(0.4);
    backlog.settle();
    expect(seen).toEqual([0.3, 0.1, 0.2, 0.4]);
  });

  it('hands them over by itself when there are 256 of a series, and loses none', () => {
    const seen: number[] = [];
    const others: number[] = [];
    const backlog = createBacklog();
    const observe = backlog.histogram((value) => seen.push(value));
    const observeOther = backlog.histogram((value) => others.push(value));
    observeOther(-1);
    const values = Array.from({ length: 600 }, (_, index) => index);
    for (const value of values.slice(0, 255)) observe(value);
    expect(seen).toEqual([]);
    for (const value of values.slice(255)) observe(value);
    expect(seen).toEqual(values.slice(0, 512));
    backlog.settle();
    expect([seen, others]).toEqual([values, [-1]]);
  });

  it('hands over how often a counter was increased, and nothing where it was not', () => {
    const increases: number[] = [];
    const backlog = createBacklog();
    const increase = backlog.counter((by) => increases.push(by));
    backlog.settle();
    for (let count = 0; count < 1_000; count += 1) increase();
    backlog.settle();
    backlog.settle();
    expect(increases).toEqual([1_000]);
  });
});

describe('What is made by series', () => {
  it('is made once for the same values of the labels, and not shared by others', () => {
    const made: string[] = [];
    const find = bySeries(
      ({ a, b }: { readonly a: string; readonly b: string }) => [a, b],
      (labels) => {
        made.push(JSON.stringify(labels));
        return labels;
      },
    );
    const first = find({ a: 'x', b: 'y' });
    expect(find({ a: 'x', b: 'y' })).toBe(first);
    expect(find({ a: 'y', b: 'x' })).toEqual({ a: 'y', b: 'x' });
    // Together they are the same letters.
    expect(find({ a: 'xy', b: '' })).not.toBe(find({ a: '', b: 'xy' }));
    expect(find({ a: '__proto__', b: 'constructor' })).toEqual({ a: '__proto__', b: 'constructor' });
    expect(made).toHaveLength(5);
  });
});
