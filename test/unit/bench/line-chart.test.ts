import { expect, it } from 'vitest';
import { renderChart } from '../../../bench/line-chart.ts';

it('A chart begins at 0, ends at a round number, and spreads its values over the width, panel by panel', () => {
  const svg = renderChart({
    title: 'Soak <1>',
    across: 'minute',
    panels: [
      { title: 'Latency, ms', lines: [{ name: 'p99', colour: '#000000', values: [0, 3, 1.5] }] },
      { title: 'Memory, MiB', lines: [{ name: 'RSS', colour: '#000000', values: [90, 90] }] },
    ],
  });
  expect(svg).toContain('<title>Soak &lt;1></title>');
  expect([...svg.matchAll(/points="([^"]*)"/g)].map(([, points]) => points)).toEqual([
    '60,170 400,68 740,119',
    '60,247.6 740,247.6',
  ]);
  expect([...svg.matchAll(/text-anchor="end" fill="#404040">([^<]*)</g)].map(([, text]) => text)).toEqual([
    ...['0', '1', '2', '3', '4', 'minute 3'],
    ...['0', '25', '50', '75', '100', 'minute 2'],
  ]);
});
