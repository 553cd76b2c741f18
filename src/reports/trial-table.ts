/** `curfew config test` for people: what becomes of what, namespace by namespace. */

import type { FindingChange } from '../audit/compare-findings.ts';
import { countOf, joinSome, toOneLine } from '../objects/text.ts';
import { formatRows } from './text-table.ts';

export type ConfigurationTrial = {
  readonly cluster: string;
  readonly changes: readonly FindingChange[];
  readonly faults: readonly { readonly message: string }[];
  readonly summary: {
    readonly judged: number;
    readonly deniedBefore: number;
    readonly deniedAfter: number;
    readonly undecidedBefore: number;
    readonly undecidedAfter: number;
  };
};

export function renderConfigurationTrial({ cluster, changes, faults, summary }: ConfigurationTrial): string {
  const namespaces = Map.groupBy(changes, ({ namespace }) => namespace);
  const { judged, deniedBefore, deniedAfter, undecidedBefore, undecidedAfter } = summary;
  const unknown =
    undecidedBefore === undecidedAfter ? '' : `, could not be judged ${undecidedBefore} → ${undecidedAfter}`;
  return [
    ...faults.map(({ message }) => `Cannot be read: ${toOneLine(message)}\n`),
    ...[...namespaces].map(([namespace, all]) => formatNamespace(namespace, all)),
    `${cluster}: ${countOf(judged, 'object')}: ${countOf(changes.length, 'finding')} would change; refused ${deniedBefore} → ${deniedAfter}${unknown}\n`,
  ].join('\n');
}

/** One row for each check and change; the objects in it. */
function formatNamespace(namespace: string, changes: readonly FindingChange[]): string {
  const groups = Map.groupBy(changes, ({ check, before, after }) => JSON.stringify([check, before, after]));
  const rows = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const objects = [...new Set(group.map(({ object }) => object))];
    return [[`${first.before} → ${first.after}`, first.check, joinSome(objects)]];
  });
  return `${namespace === '' ? 'In no namespace' : `Namespace ${namespace}`}:\n${formatRows(rows)}`;
}
