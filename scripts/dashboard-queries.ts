/** What panels of the dashboard are made of, and the queries that several of them ask. */

import { METRICS } from '../src/metrics/metrics.ts';

export type Unit = 'reqps' | 's' | 'short' | 'dtdurations' | 'bytes' | 'percentunit' | 'bool_yes_no';

export type Query = {
  /** PromQL. */
  readonly expr: string;
  /** Made of the labels that the query keeps. */
  readonly legend: string;
};

export type Panel = {
  readonly title: string;
  readonly type: 'timeseries' | 'stat';
  readonly unit: Unit;
  readonly description: string;
  readonly queries: readonly Query[];
};

export type Row = { readonly title: string; readonly panels: readonly Panel[] };

/** Grafana's: wide enough for four scrapes. */
export const RANGE = '$__rate_interval';
/** Whatever every process of Node.js has, of Curfew's alone. */
export const OURS = `and on (job, instance) ${METRICS.buildInfo.name}`;

/**
 * How often it happened, by these labels. A series that begins within the range begins with its first event, as 1, which
 * `increase` does not see, and of a refused token Secret there may be one a month: so what it began with is added.
 */
export function count(series: string, by: string): string {
  const increase = `increase(${series}[${RANGE}])`;
  const begun = `min_over_time(${series}[${RANGE}]) unless ${series} offset ${RANGE}`;
  return `sum by (${by}) (((${begun}) + ${increase}) or ${increase})`;
}

export function rate(series: string, by: string): string {
  return `sum by (${by}) (rate(${series}[${RANGE}]))`;
}

/** Of entries that were asked at all: the quantile of nothing is no number. */
export function quantile(q: number): Query {
  const buckets = `sum by (entry, le) (rate(${METRICS.reviews.name}_bucket[${RANGE}]))`;
  return { expr: `histogram_quantile(${q}, ${buckets}) > 0`, legend: `{{entry}} p${q * 100}` };
}

type Shown = Pick<Panel, 'title' | 'unit' | 'description'>;

export const stat = (shown: Shown, expr: string): Panel => ({
  ...shown,
  type: 'stat',
  queries: [{ expr, legend: shown.title }],
});

export const series = (shown: Shown, queries: readonly Query[]): Panel => ({ ...shown, type: 'timeseries', queries });
