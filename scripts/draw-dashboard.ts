/** The dashboard's panels with the results of their queries, as a page: what Grafana would show, drawn by hand. */

import type { Line, Range } from '../e2e/prometheus.ts';
import type { Panel, Row, Unit } from './dashboard-queries.ts';

export type Drawn = { readonly legend: string; readonly line: Line };

/** The results of each panel, by its title. */
export type Results = ReadonlyMap<string, readonly Drawn[]>;

const COLOURS = ['#3274d9', '#d9453a', '#2f9e44', '#e8890c', '#8f3bb8', '#0aa0a0', '#a67c00', '#c2417c', '#5c6770'];
const [WIDTH, HEIGHT] = [560, 150];
const MARGIN = { left: 58, right: 10, top: 8, bottom: 18 };
const MOST_LEGENDS = 8;

export type Picture = { readonly results: Results; readonly range: Range; readonly caption: string };

export function drawDashboard(rows: readonly Row[], { results, range, caption }: Picture): string {
  const body = rows.map(
    ({ title, panels }) =>
      `<h2>${escape(title)}</h2><div class="${panels[0]?.type ?? ''}">${panels
        .map((panel) => drawPanel(panel, results.get(panel.title) ?? [], range))
        .join('')}</div>`,
  );
  return `<!doctype html><meta charset="utf-8"><title>Curfew</title><style>${STYLE}</style><p>${escape(caption)}</p>${body.join('')}`;
}

function drawPanel(panel: Panel, drawn: readonly Drawn[], range: Range): string {
  const inside = panel.type === 'stat' ? drawStat(panel, drawn) : drawGraph(panel, drawn, range);
  return `<section><h3>${escape(panel.title)}</h3>${inside}</section>`;
}

function drawStat({ unit }: Panel, drawn: readonly Drawn[]): string {
  const last = drawn[0]?.line.points.at(-1)?.[1];
  return `<b>${last === undefined ? 'no data' : format(last, unit)}</b>`;
}

function drawGraph({ unit }: Panel, drawn: readonly Drawn[], { start: from, end: to }: Range): string {
  const values = drawn.flatMap(({ line }) => line.points.map(([, value]) => value)).filter(Number.isFinite);
  if (values.length === 0) return '<b>no data</b>';
  const [low, high] = [Math.min(0, ...values), Math.max(...values, Number.MIN_VALUE)];
  const x = (time: number) =>
    MARGIN.left + ((time - from) / Math.max(1, to - from)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number) =>
    HEIGHT - MARGIN.bottom - ((value - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const grid = [0, 0.5, 1].map((part) => {
    const value = low + (high - low) * part;
    const at = y(value).toFixed(1);
    return `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}"/><text x="${MARGIN.left - 5}" y="${Number(at) + 4}" text-anchor="end">${format(value, unit)}</text>`;
  });
  const clock = [from, (from + to) / 2, to].map((time, index) => {
    const anchor = ['start', 'middle', 'end'][index] ?? 'middle';
    return `<text x="${x(time).toFixed(1)}" y="${HEIGHT - 4}" text-anchor="${anchor}">${new Date(time * 1000).toISOString().slice(11, 19)}</text>`;
  });
  const lines = drawn.map(({ line }, index) => {
    const path = line.points
      .filter(([, value]) => Number.isFinite(value))
      .map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`);
    return `<polyline points="${path.join(' ')}" stroke="${colourOf(index)}"/>`;
  });
  const legends = drawn
    .slice(0, MOST_LEGENDS)
    .map(({ legend }, index) => `<span><i style="background:${colourOf(index)}"></i>${escape(legend)}</span>`);
  const more = drawn.length > MOST_LEGENDS ? `<span>and ${drawn.length - MOST_LEGENDS} more</span>` : '';
  return `<svg width="${WIDTH}" height="${HEIGHT}">${[...grid, ...clock, ...lines].join('')}</svg><div class="legend">${legends.join('')}${more}</div>`;
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? '#000';
}

/** As Grafana writes these units, roughly. */
function format(value: number, unit: Unit): string {
  const short = (number: number) => String(Number(number.toPrecision(3)));
  switch (unit) {
    case 'reqps':
      return `${short(value)}/s`;
    case 's':
      return Math.abs(value) < 1 ? `${short(value * 1000)} ms` : `${short(value)} s`;
    case 'dtdurations':
      return `${short(value / 86_400)} days`;
    case 'bytes':
      return `${short(value / 1_048_576)} MiB`;
    case 'percentunit':
      return `${short(value * 100)} %`;
    case 'bool_yes_no':
      return value === 0 ? 'No' : 'Yes';
    case 'short':
      return short(value);
  }
}

/** `{{check}} {{resource}}` with the labels of a series. */
export function toLegend(pattern: string, labels: Line['labels']): string {
  return pattern.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => labels[name] ?? '');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

const STYLE = `
body { font: 12px sans-serif; margin: 12px; width: 1160px; background: #fff; color: #222 }
p { margin: 0 0 6px; color: #555 } h2 { font-size: 14px; margin: 12px 0 4px } h3 { font-size: 12px; margin: 0 0 4px }
.stat, .timeseries { display: grid; gap: 8px } .stat { grid-template-columns: repeat(4, 1fr) }
.timeseries { grid-template-columns: repeat(2, 1fr) } section { border: 1px solid #ddd; padding: 6px }
section b { font-size: 22px } svg line { stroke: #e4e4e4 } svg text { font-size: 10px; fill: #666 }
svg polyline { fill: none; stroke-width: 1.5 } .legend { display: flex; flex-wrap: wrap; gap: 2px 12px; font-size: 11px }
.legend i { display: inline-block; width: 10px; height: 3px; margin-right: 4px; vertical-align: middle }`;
