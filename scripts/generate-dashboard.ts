/** `files/dashboard.json` of the chart: Curfew's metrics for Grafana, whatever the data source is called there. */

import { ROWS } from './dashboard-panels.ts';
import type { Panel } from './dashboard-queries.ts';

/** Grafana's grid is 24 wide. */
const WIDTH = 24;
const HEIGHTS = { stat: 4, timeseries: 8 } as const;
const COLUMNS = { stat: 4, timeseries: 2 } as const;

/** In cells of that grid. */
type Placed = { readonly x: number; readonly y: number; readonly w: number; readonly h: number };

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

export function renderDashboard(): string {
  const panels: object[] = [];
  let y = 0;
  for (const row of ROWS) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
    });
    y += 1;
    const { height, boxes } = arrange(row.panels, y);
    for (const [index, panel] of row.panels.entries()) {
      panels.push({ id: panels.length + 1, ...toPanel(panel), gridPos: boxes[index] });
    }
    y += height;
  }
  const dashboard = {
    uid: 'curfew',
    title: 'Curfew',
    tags: ['generated'],
    schemaVersion: 39,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' }] },
    panels,
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

/** The boxes of a row's panels, which are all of one type. */
function arrange(
  panels: readonly Panel[],
  top: number,
): { readonly height: number; readonly boxes: readonly Placed[] } {
  const type = panels[0]?.type ?? 'timeseries';
  const [columns, height] = [COLUMNS[type], HEIGHTS[type]];
  const width = WIDTH / columns;
  const boxes = panels.map((_panel, index) => ({
    x: (index % columns) * width,
    y: top + Math.floor(index / columns) * height,
    w: width,
    h: height,
  }));
  return { height: Math.ceil(panels.length / columns) * height, boxes };
}

function toPanel({ type, title, description, unit, queries }: Panel): object {
  const isTime = unit === 'dtdurations';
  return {
    type,
    title,
    description,
    datasource: DATASOURCE,
    // What has ended is below zero, and is to be seen.
    fieldConfig: { defaults: { unit, ...(isTime ? {} : { min: 0 }) }, overrides: [] },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
    })),
  };
}
