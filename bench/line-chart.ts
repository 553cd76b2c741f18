/** Lines over time as SVG, for pages of `docs/`: one panel a unit, one above the other, with the same time below. */

export type Line = { readonly name: string; readonly values: readonly number[]; readonly colour: string };

export type Panel = {
  /** What is measured, and its unit. */
  readonly title: string;
  readonly lines: readonly Line[];
};

const WIDTH = 760;
const PANEL = 200;
const LEFT = 60;
const RIGHT = 20;
const ABOVE = 34;
const BELOW = 30;
const STEPS = 4;

/**
 * @param title - for those who do not see it
 * @param across - what the values are one after the other of, such as `minute`
 */
export function renderChart({
  title,
  across,
  panels,
}: {
  readonly title: string;
  readonly across: string;
  readonly panels: readonly Panel[];
}): string {
  const height = panels.length * PANEL;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...panels.flatMap((panel, index) => renderPanel(panel, { top: index * PANEL, across })),
    '</svg>',
    '',
  ].join('\n');
}

function renderPanel(
  { title, lines }: Panel,
  { top, across }: { readonly top: number; readonly across: string },
): readonly string[] {
  const most = ceilingOf(Math.max(...lines.flatMap(({ values }) => values)));
  const count = Math.max(...lines.map(({ values }) => values.length));
  const floor = top + PANEL - BELOW;
  const toX = (index: number) => LEFT + (index * (WIDTH - LEFT - RIGHT)) / Math.max(1, count - 1);
  const toY = (value: number) => floor - (value / most) * (PANEL - ABOVE - BELOW);
  const grid = Array.from({ length: STEPS + 1 }, (_, step) => {
    const value = (most * step) / STEPS;
    const y = round(toY(value));
    return [
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#d0d0d0"/>`,
      `<text x="${LEFT - 8}" y="${y + 4}" text-anchor="end" fill="#404040">${round(value)}</text>`,
    ];
  });
  const legend = lines.map(
    ({ name, colour }, index) =>
      `<text x="${WIDTH - RIGHT - 110 * (lines.length - 1 - index)}" y="${top + 20}" text-anchor="end" fill="${colour}" font-weight="bold">${escapeXml(name)}</text>`,
  );
  const drawn = lines.map(({ values, colour }) => {
    const points = values.map((value, index) => `${round(toX(index))},${round(toY(value))}`);
    return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.join(' ')}"/>`;
  });
  return [
    `<text x="${LEFT}" y="${top + 20}" fill="#202020" font-weight="bold">${escapeXml(title)}</text>`,
    ...grid.flat(),
    ...legend,
    ...drawn,
    `<text x="${LEFT}" y="${floor + 18}" fill="#404040">${escapeXml(across)} 1</text>`,
    `<text x="${WIDTH - RIGHT}" y="${floor + 18}" text-anchor="end" fill="#404040">${escapeXml(across)} ${count}</text>`,
  ];
}

/** The next of 1, 2, 4, 5, 8 or 10 times a power of ten, so that the steps of the axis are round. */
function ceilingOf(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return power * ([1, 2, 4, 5, 8, 10].find((factor) => value <= factor * power) ?? 10);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
