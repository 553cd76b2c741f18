/** The two scrapes of a real run in `recorded-series.txt`, as series that go on as they began. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Recorded = {
  readonly name: string;
  /** As it is exposed: `{entry="/validate/pods"}`, or empty. */
  readonly labels: string;
  readonly first: number;
  readonly second: number;
};

/** In the notation of promtool: `0+1x60`. */
export type Series = { readonly series: string; readonly values: string };

/** Replicas of Curfew; there was one when it was recorded. */
const REPLICAS = ['10.0.0.1:8080', '10.0.0.2:8080'];

/** Seconds since the epoch. For promtool time begins at 0, so these are told as from the recording. */
const POINTS_IN_TIME = /(_not_before|_not_after|_expires)_seconds$/;
const COUNTERS = /_(total|count|sum|bucket)$/;

export function readRecorded(): readonly Recorded[] {
  const lines = readFileSync(join(import.meta.dirname, 'recorded-series.txt'), 'utf8')
    .trimEnd()
    .split('\n');
  const at = Number(/recorded at (\d+)/.exec(lines[1] ?? '')?.[1]);
  return lines
    .filter((line) => !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', first = '', second = ''] = /^(\w+)(\{.*\})? (\S+) (\S+)$/.exec(line) ?? [];
      const offset = POINTS_IN_TIME.test(name) ? at : 0;
      return {
        name,
        labels,
        first: first === '_' ? Number(second) : Number(first) - offset,
        second: Number(second) - offset,
      };
    });
}

/** `count` more samples of the same value. */
export function hold(value: number, count: number): string {
  return `${value}+0x${count}`;
}

/** `count` more samples, each `step` more. */
export function grow(value: number, step: number, count: number): string {
  return `${value}${step < 0 ? '-' : '+'}${Math.abs(step)}x${count}`;
}

/** What was recorded, for `count` samples more: counters grow as they did from one scrape to the next, gauges stay. */
export function goOn({ name, first, second }: Recorded, count: number): string {
  return COUNTERS.test(name) ? grow(first, second - first, count) : hold(second, count);
}

/** Curfew's own series once for each of `replicas`, the API server's as they are. */
export function toSeries({ name, labels }: Recorded, values: string, replicas: number): readonly Series[] {
  if (!/^(curfew|process|nodejs)_/.test(name)) return [{ series: `${name}${labels}`, values }];
  return REPLICAS.slice(0, replicas).map((instance) => ({
    series: `${name}{${[`instance="${instance}"`, labels.slice(1, -1)].filter((part) => part !== '').join(',')}}`,
    values,
  }));
}
