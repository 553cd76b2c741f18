/** `docs/soak.md` and its chart, of the newest long run of `bench/soak.ts`. */

import type { Run, Table } from '../bench/define-benchmark.ts';
import { type Line, renderChart } from '../bench/line-chart.ts';
import { formatMachine, renderMarkdown } from '../bench/render.ts';

export const SOAK_CHART = 'soak.svg';

const COLOURS = ['#1b6ca8', '#b3471d'] as const;

export function renderSoakChart(run: Run): string {
  const table = tableOf(run);
  return renderChart({
    title: `${table.title}: latency and memory, minute by minute`,
    across: 'minute',
    panels: [
      { title: 'Latency of a review, ms', lines: [lineOf(table, 'median', 0), lineOf(table, 'p99', 1)] },
      { title: 'Memory of the process, MiB', lines: [lineOf(table, 'RSS', 0)] },
    ],
  });
}

export function renderSoakPage(run: Run): string {
  const table = tableOf(run);
  return `# Soak

Made by \`npm run generate\` from \`bench/results/soak.json\`, which \`node scripts/run.mjs bench/soak.ts --out
bench/results/soak.json\` writes. Measured ${run.date} at commit ${run.commit} on ${formatMachine(run.machine)}. The caller, the
API server and etcd ran on the same machine.

![${table.title}: latency and memory, minute by minute](${SOAK_CHART})

${renderMarkdown(table)}
`;
}

function tableOf({ results }: Run): Table {
  const table = results[0]?.tables[0];
  if (table === undefined) throw new Error('bench/results/soak.json holds no table');
  return table;
}

function lineOf({ columns, rows }: Table, title: string, colour: 0 | 1): Line {
  const column = columns.findIndex((one) => one.title === title);
  const values = rows.flatMap(({ cells }) => {
    const cell = cells[column];
    return typeof cell === 'number' ? [cell] : [];
  });
  return { name: title, values, colour: COLOURS[colour] };
}
