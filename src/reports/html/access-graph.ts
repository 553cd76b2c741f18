/** The most dangerous ways to somebody else's token, drawn from left to right. */

import type { AccessView, PathView, SubjectView } from '../audit-view.ts';
import { nameSubject, nameTarget } from '../audit-view.ts';
import type { Markup } from './markup.ts';
import { element } from './markup.ts';
import { isWide, nameWay } from './tables/access.ts';

/** A graph of more is a ball of wool; the table has them all. */
const MOST_PATHS = 12;
const MOST_NODES = 24;
const MOST_LAYERS = 5;

const NODE = { width: 196, height: 40 };
const GAP = { x: 170, y: 18 };
const MARGIN = 8;
const LABEL_CHARACTERS = 25;

type Node = {
  readonly key: string;
  readonly kind: string;
  readonly name: string;
  layer: number;
  row: number;
  readonly isGoal: boolean;
};
/** `via` are the gaps that it goes through where it leads past other nodes. */
type Edge = {
  readonly from: Node;
  readonly to: Node;
  readonly ways: Set<string>;
  isStrong: boolean;
  via: readonly Node[];
};
type Graph = { readonly nodes: Map<string, Node>; readonly edges: Map<string, Edge>; paths: number };

/** Undefined if there is no path. */
export function drawAccessGraph({ paths, more }: AccessView): Markup | undefined {
  const graph = layOut(paths);
  if (graph.paths === 0) return undefined;
  const nodes = [...graph.nodes.values()];
  const layers = Math.max(...nodes.map(({ layer }) => layer)) + 1;
  const rows = Math.max(...nodes.map(({ row }) => row)) + 1;
  const width = 2 * MARGIN + layers * NODE.width + (layers - 1) * GAP.x;
  const height = 2 * MARGIN + rows * (NODE.height + GAP.y) - GAP.y;
  const total = paths.length + more;
  const what = `${graph.paths === total ? 'All' : `The ${graph.paths} most dangerous of ${total}`} ways to a token of another account, from left to right. The table below has each of them in words.`;
  return element(
    'figure',
    { class: 'panel graph', tabindex: 0, role: 'group', 'aria-label': 'Graph of the ways to a token' },
    element(
      'svg',
      { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': what },
      element(
        'defs',
        {},
        element(
          'marker',
          {
            id: 'arrow',
            viewBox: '0 0 8 8',
            refX: 7,
            refY: 4,
            markerUnits: 'userSpaceOnUse',
            markerWidth: 9,
            markerHeight: 9,
            orient: 'auto-start-reverse',
          },
          element('path', { d: 'M0 0 8 4 0 8z', class: 'arrow' }),
        ),
      ),
      ...[...graph.edges.values()].map(drawEdge),
      ...nodes.map(drawNode),
      ...[...graph.edges.values()].map((edge, _, edges) => drawEdgeLabel(edge, edges)),
    ),
  );
}

function layOut(paths: readonly PathView[]): Graph {
  const graph: Graph = { nodes: new Map(), edges: new Map(), paths: 0 };
  for (const path of paths) {
    if (graph.paths >= MOST_PATHS || graph.nodes.size >= MOST_NODES) break;
    addPath(graph, path);
    graph.paths += 1;
  }
  pushRight(graph);
  // What a path ends at stands on the right, however short the path is.
  const last = Math.max(0, ...[...graph.nodes.values()].map(({ layer }) => layer));
  for (const node of graph.nodes.values()) if (node.isGoal) node.layer = Math.max(last, 1);
  for (const edge of graph.edges.values()) edge.via = listGaps(edge);
  placeRows(graph);
  return graph;
}

/** So that arrows lead to the right. Where they go in a circle one of them cannot, and the number of layers ends it. */
function pushRight({ edges }: Graph): void {
  for (let round = 0; round < MOST_LAYERS; round += 1) {
    for (const { from, to } of edges.values()) {
      if (to.layer <= from.layer && from.layer < MOST_LAYERS - 1) to.layer = from.layer + 1;
    }
  }
}

function addPath(graph: Graph, path: PathView): void {
  let from = addNode(graph, toNode(path.from, false), 0);
  for (const [index, step] of path.steps.entries()) {
    const isLast = index === path.steps.length - 1;
    const goal = isLast && typeof path.to === 'string' ? { kind: 'the end', name: nameTarget(path.to) } : undefined;
    const to = addNode(graph, goal === undefined ? toNode(step.to, false) : { ...goal, isGoal: true }, from.layer + 1);
    addEdge(graph, { from, to, way: nameWay(step.how), isStrong: isWide(path) });
    from = to;
  }
}

function toNode(subject: SubjectView | string, isGoal: boolean): Pick<Node, 'kind' | 'name' | 'isGoal'> {
  if (typeof subject === 'string') return { kind: '', name: subject, isGoal };
  const kind = subject.kind === 'ServiceAccount' ? 'account' : subject.kind.toLowerCase();
  return { kind, name: nameSubject(subject).slice(subject.kind.length + 1), isGoal };
}

function addNode(
  { nodes }: Graph,
  { kind, name, isGoal }: Pick<Node, 'kind' | 'name' | 'isGoal'>,
  layer: number,
): Node {
  const key = `${kind} ${name}`;
  const node = nodes.get(key) ?? { key, kind, name, isGoal, layer, row: 0 };
  nodes.set(key, node);
  return node;
}

function addEdge(
  { edges }: Graph,
  { from, to, way, isStrong }: Pick<Edge, 'from' | 'to' | 'isStrong'> & { readonly way: string },
): void {
  if (from === to) return;
  const key = JSON.stringify([from.key, to.key]);
  const edge = edges.get(key) ?? { from, to, ways: new Set<string>(), isStrong, via: [] };
  edge.ways.add(way);
  edge.isStrong ||= isStrong;
  edges.set(key, edge);
}

/** One for each layer that it leads past, so that a row is kept free for it. */
function listGaps({ from, to }: Edge): readonly Node[] {
  return Array.from({ length: Math.max(0, to.layer - from.layer - 1) }, (_, index) => {
    return { key: '', kind: '', name: '', isGoal: false, layer: from.layer + 1 + index, row: 0 };
  });
}

/** Each layer by where its arrows come from, so that few of them cross; the shorter layers in the middle. */
function placeRows({ nodes, edges }: Graph): void {
  const places = [...nodes.values(), ...[...edges.values()].flatMap(({ via }) => via)];
  const hops = [...edges.values()].flatMap(listHops);
  const layers = [...Map.groupBy(places, ({ layer }) => layer)].toSorted(([a], [b]) => a - b);
  const most = Math.max(0, ...layers.map(([, members]) => members.length));
  for (const [, members] of layers) {
    const origin = new Map(members.map((node) => [node, meanRow(node, hops)]));
    const ordered = members.toSorted((a, b) => (origin.get(a) ?? 0) - (origin.get(b) ?? 0));
    const offset = (most - ordered.length) / 2;
    for (const [index, node] of ordered.entries()) node.row = index + offset;
  }
}

type Hop = readonly [from: Node, to: Node];

function listHops({ from, to, via }: Edge): readonly Hop[] {
  const stops = [from, ...via, to];
  return stops.slice(1).map((stop, index) => [stops[index] ?? from, stop]);
}

function meanRow(node: Node, hops: readonly Hop[]): number {
  const rows = hops.filter(([from, to]) => to === node && from.layer < node.layer).map(([from]) => from.row);
  return rows.length === 0 ? node.row : rows.reduce((sum, row) => sum + row, 0) / rows.length;
}

const leftOf = ({ layer }: Node) => MARGIN + layer * (NODE.width + GAP.x);
const topOf = ({ row }: Node) => MARGIN + row * (NODE.height + GAP.y);
const middleOf = (node: Node) => topOf(node) + NODE.height / 2;

type Curve = {
  readonly start: { readonly x: number; readonly y: number };
  readonly end: { readonly x: number; readonly y: number };
  readonly first: number;
  readonly second: number;
};

/** One hop of an arrow. What goes back, or stays in its layer, bends around on the right. */
function toCurve([from, to]: Hop): Curve {
  const isForward = to.layer > from.layer;
  const start = { x: leftOf(from) + NODE.width, y: middleOf(from) };
  const end = { x: isForward ? leftOf(to) - 1 : leftOf(to) + NODE.width + 1, y: middleOf(to) };
  const pull = isForward ? Math.max(40, (end.x - start.x) / 2) : 60;
  return { start, end, first: start.x + pull, second: isForward ? end.x - pull : end.x + pull };
}

function drawEdge(edge: Edge): Markup {
  const curves = listHops(edge).map(toCurve);
  const steps = curves.map(
    ({ start, end, first, second }) =>
      `L${start.x} ${start.y} C${first} ${start.y} ${second} ${end.y} ${end.x} ${end.y}`,
  );
  const d = steps.join(' ').replace('L', 'M');
  return element(
    'g',
    { class: edge.isStrong ? 'edge strong' : 'edge' },
    element('path', { d, 'marker-end': 'url(#arrow)' }),
  );
}

/** Near that end of the arrow at which fewer arrows meet: there they are apart. */
function drawEdgeLabel(edge: Edge, edges: readonly Edge[]): Markup {
  const leaving = edges.filter(({ from }) => from === edge.from).length;
  const coming = edges.filter(({ to }) => to === edge.to).length;
  const t = leaving > coming ? 0.66 : leaving < coming ? 0.34 : 0.5;
  const hops = listHops(edge);
  const hop = leaving > coming ? hops[0] : hops.at(-1);
  const { start, end, first, second } = toCurve(hop ?? [edge.from, edge.to]);
  // A point of a cubic Bezier curve, whose ends are as high as their control points.
  const weights = [(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t ** 2, t ** 3];
  const mix = (values: readonly number[]) =>
    values.reduce((sum, value, index) => sum + value * (weights[index] ?? 0), 0);
  const x = mix([start.x, first, second, end.x]).toFixed(1);
  const y = (mix([start.y, start.y, end.y, end.y]) + 3.5).toFixed(1);
  const text = shorten([...edge.ways].join(', '));
  return element('g', { class: 'edge' }, element('text', { x, y, 'text-anchor': 'middle' }, text));
}

function drawNode(node: Node): Markup {
  const { kind, name, isGoal } = node;
  const [x, y] = [leftOf(node), topOf(node)];
  return element(
    'g',
    { class: isGoal ? 'node goal' : 'node' },
    element('title', {}, `${kind} ${name}`.trim()),
    element('rect', { x, y, width: NODE.width, height: NODE.height, rx: 7 }),
    ...(kind === '' || isGoal ? [] : [element('text', { x: x + 10, y: y + 15, class: 'kind' }, kind)]),
    element('text', { x: x + 10, y: y + (kind === '' || isGoal ? 24 : 30) }, shorten(name)),
  );
}

function shorten(text: string): string {
  return text.length > LABEL_CHARACTERS ? `${text.slice(0, LABEL_CHARACTERS).toWellFormed()}…` : text;
}
