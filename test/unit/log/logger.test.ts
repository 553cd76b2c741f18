import { describe, expect, it } from 'vitest';
import { createLogger, createTimestamp } from '../../../src/log/logger.ts';

describe('the time of a line', () => {
  it('is that of the clock to the ms, as Date writes it', () => {
    const moments = [0, 7, 99, 999, 1_000, 1_764_000_000_000, 1_764_000_000_042, 1_764_000_000_900, 1_764_000_001_000];
    // Wall clocks are set back, too.
    const seen = [...moments, ...moments.toReversed()];
    const clock = seen.values();
    const timestamp = createTimestamp(() => clock.next().value ?? Number.NaN);
    expect(seen.map(() => timestamp())).toEqual(seen.map((ms) => `,"time":"${new Date(ms).toISOString()}"`));
  });

  it('stands in each line, which is JSON', () => {
    const lines: string[] = [];
    const from = Date.now();
    createLogger('info', { write: (line) => lines.push(line) }).info({ entry: 'pods' }, 'decision');
    const line = JSON.parse(lines.join('')) as { readonly time: string };
    expect(line).toEqual({ level: 'info', time: line.time, entry: 'pods', msg: 'decision' });
    expect(Date.parse(line.time)).toBeGreaterThanOrEqual(from);
    expect(Date.parse(line.time)).toBeLessThanOrEqual(Date.now());
  });
});
