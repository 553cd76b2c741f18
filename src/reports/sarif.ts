/** SARIF 2.1.0 (OASIS), as code scanning reads it: what the reports of Curfew have in common. */

import type { PlacelessFinding } from '../manifests/check-report.ts';
import { nameReported } from '../manifests/report-object.ts';
import type { JsonObject } from '../objects/json.ts';
import type { Rule } from './rules.ts';
import { HOME, listRules } from './rules.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** A finding, or what could not be judged: `toResult` is given the index of its rule. */
export type SarifEntry = { readonly check: string; readonly toResult: (rule: JsonObject) => JsonObject };

export type SarifParts = {
  /** Of Curfew. */
  readonly version: string;
  /** What could not be read. */
  readonly notifications: readonly JsonObject[];
  readonly entries: readonly SarifEntry[];
  readonly properties?: JsonObject;
};

export function renderSarif({ version, notifications, entries, properties }: SarifParts): string {
  const used = new Set(entries.map(({ check }) => check));
  const rules = listRules().filter(({ id }) => used.has(id));
  const indexes = new Map(rules.map(({ id }, index) => [id, index]));
  const log: JsonObject = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'curfew', version, informationUri: HOME, rules: rules.map(toRule) },
        },
        invocations: [
          {
            executionSuccessful: notifications.length === 0,
            toolExecutionNotifications: notifications,
          },
        ],
        results: entries.map(({ check, toResult }) => toResult(toRuleReference(check, indexes))),
        ...(properties === undefined ? {} : { properties }),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

/** What a finding says, wherever it was found. */
export function describeFinding({ mode, denied, object, path, container, check, detail, fix }: PlacelessFinding) {
  const name = nameReported(object);
  const warning = mode === 'audit' ? 'note' : 'warning';
  return {
    level: denied ? 'error' : warning,
    message: { text: `${name}: ${detail} Fix: ${fix}` },
    // What stays the same when lines are added above: code scanning tells old results from new ones by it.
    partialFingerprints: { 'curfew/v1': JSON.stringify([check, name, path, container ?? '']) },
  } as const;
}

export function toLogicalLocations(name: string): JsonObject {
  return { logicalLocations: [{ fullyQualifiedName: name, kind: 'object' }] };
}

function toRule({ id, what, why, page }: Rule): JsonObject {
  return {
    id,
    shortDescription: { text: what },
    fullDescription: { text: why },
    helpUri: page,
  };
}

/** The guards of namespace labels are no rules of the catalogue, and have no index. */
function toRuleReference(check: string, indexes: ReadonlyMap<string, number>): JsonObject {
  const ruleIndex = indexes.get(check);
  return { ruleId: check, ...(ruleIndex === undefined ? {} : { ruleIndex }) };
}
