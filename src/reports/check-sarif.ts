/** `curfew check` as SARIF 2.1.0 (OASIS), as code scanning reads it. */

import { CHECKS } from '../checks/registry.ts';
import type { Checked } from '../manifests/check-manifests.ts';
import type { ReportedFinding, ReportedUndecided } from '../manifests/check-report.ts';
import { nameReported } from '../manifests/report-object.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import type { JsonObject } from '../objects/json.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
const HOME = 'https://github.com/curfew-dev/curfew';

/** @param version - of Curfew */
export function renderCheckSarif({ report }: Checked, version: string): string {
  const used = new Set([...report.findings, ...report.undecided].map(({ check }) => check));
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
            executionSuccessful: report.faults.length === 0,
            toolExecutionNotifications: report.faults.map(({ message, ...place }) => ({
              level: 'error',
              message: { text: message },
              locations: [toLocation(place)],
            })),
          },
        ],
        results: [
          ...report.findings.map((finding) => toResult(finding, indexes)),
          ...report.undecided.map((one) => toReview(one, indexes)),
        ],
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

type Rule = { readonly id: string; readonly what: string; readonly why: string; readonly page: string };

function listRules(): readonly Rule[] {
  return [
    ...CHECKS.map(({ id, title, why }) => ({ id, what: `Refuses ${title}.`, why, page: `checks/${id}.md` })),
    ...MUTATIONS.map(({ id, title, why }) => ({ id, what: `Changes: ${title}.`, why, page: `mutations/${id}.md` })),
  ];
}

function toRule({ id, what, why, page }: Rule): JsonObject {
  return {
    id,
    shortDescription: { text: what },
    fullDescription: { text: why },
    helpUri: `${HOME}/blob/main/docs/reference/${page}`,
  };
}

function toResult(finding: ReportedFinding, indexes: ReadonlyMap<string, number>): JsonObject {
  const { check, mode, denied, object, path, container, detail, fix } = finding;
  const name = nameReported(object);
  const warning = mode === 'audit' ? 'note' : 'warning';
  return {
    ...toRuleReference(check, indexes),
    level: denied ? 'error' : warning,
    message: { text: `${name}: ${detail} Fix: ${fix}` },
    locations: [toLocation(finding, name)],
    // What stays the same when lines are added above: code scanning tells old results from new ones by it.
    partialFingerprints: { 'curfew/v1': JSON.stringify([check, name, path, container ?? '']) },
  };
}

function toReview(one: ReportedUndecided, indexes: ReadonlyMap<string, number>): JsonObject {
  return {
    ...toRuleReference(one.check, indexes),
    kind: 'review',
    level: 'none',
    message: { text: `Not judged: ${one.detail}` },
    locations: [toLocation(one)],
  };
}

/** The guards of namespace labels are no rules of the catalogue, and have no index. */
function toRuleReference(check: string, indexes: ReadonlyMap<string, number>): JsonObject {
  const ruleIndex = indexes.get(check);
  return { ruleId: check, ...(ruleIndex === undefined ? {} : { ruleIndex }) };
}

function toLocation(
  { file, line, column }: { readonly file: string; readonly line: number; readonly column: number },
  name?: string,
): JsonObject {
  return {
    physicalLocation: {
      artifactLocation: { uri: file === '-' ? 'stdin' : toUri(file) },
      region: { startLine: line, startColumn: column },
    },
    ...(name === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: name, kind: 'object' }] }),
  };
}

/** A relative reference (RFC 3986): a colon in its first step would make a scheme of it. */
function toUri(file: string): string {
  return file.split(/[/\\]/).map(encodeURIComponent).join('/');
}
