/** `files/dashboard.json` of the chart: Curfew's metrics for Grafana, whatever the data source is called there. */

import { METRICS } from '../src/metrics/metrics.ts';

type Panel = {
  readonly title: string;
  /** PromQL; the legend is made of the labels it keeps. */
  readonly query: string;
  readonly legend: string;
  readonly unit: 'reqps' | 's' | 'short' | 'dtdurations';
};

const { reviews, evaluations, mutations, faults, exemptions, exemptionEnds, indexAge, liveReads } = METRICS;
const RATE = '[$__rate_interval]';

const PANELS: readonly Panel[] = [
  {
    title: 'Reviews',
    query: `sum by (entry, outcome) (rate(${reviews.name}_count${RATE}))`,
    legend: '{{entry}} {{outcome}}',
    unit: 'reqps',
  },
  {
    title: 'Time to an answer, 99th percentile',
    query: `histogram_quantile(0.99, sum by (entry, le) (rate(${reviews.name}_bucket${RATE})))`,
    legend: '{{entry}}',
    unit: 's',
  },
  {
    title: 'What checks found',
    query: `sum by (check, decision) (increase(${evaluations.name}${RATE}))`,
    legend: '{{check}} {{decision}}',
    unit: 'short',
  },
  {
    title: 'Mutations',
    query: `sum by (mutation, decision) (increase(${mutations.name}${RATE}))`,
    legend: '{{mutation}} {{decision}}',
    unit: 'short',
  },
  {
    title: 'Requests that could not be judged',
    query: `sum by (entry, code) (increase(${faults.name}${RATE}))`,
    legend: '{{entry}} {{code}}',
    unit: 'short',
  },
  {
    title: 'Age of the index',
    query: `max by (resource) (${indexAge.name})`,
    legend: '{{resource}}',
    unit: 's',
  },
  {
    title: 'Live reads',
    query: `sum by (outcome) (rate(${liveReads.name}${RATE}))`,
    legend: '{{outcome}}',
    unit: 'reqps',
  },
  {
    title: 'Uses of exemptions',
    query: `sum by (exemption, check) (increase(${exemptions.name}${RATE}))`,
    legend: '{{exemption}} {{check}}',
    unit: 'short',
  },
  {
    title: 'Time until an exemption ends',
    query: `max by (exemption) (${exemptionEnds.name}) - time()`,
    legend: '{{exemption}}',
    unit: 'dtdurations',
  },
  {
    title: 'Time until the serving certificate ends',
    query: `min(${METRICS.certificateNotAfter.name}) - time()`,
    legend: 'certificate',
    unit: 'dtdurations',
  },
];

const [WIDTH, HEIGHT, COLUMNS] = [12, 8, 2];

export function renderDashboard(): string {
  const datasource = { type: 'prometheus', uid: '${datasource}' };
  const dashboard = {
    uid: 'curfew',
    title: 'Curfew',
    tags: ['generated'],
    schemaVersion: 39,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' }] },
    panels: PANELS.map(({ title, query, legend, unit }, index) => ({
      id: index + 1,
      type: 'timeseries',
      title,
      datasource,
      gridPos: {
        x: (index % COLUMNS) * WIDTH,
        y: Math.floor(index / COLUMNS) * HEIGHT,
        w: WIDTH,
        h: HEIGHT,
      },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      targets: [{ refId: 'A', datasource, expr: query, legendFormat: legend }],
    })),
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}
