/** `curfew check` as SARIF. */

import type { Checked } from '../manifests/check-manifests.ts';
import { nameReported } from '../manifests/report-object.ts';
import type { JsonObject } from '../objects/json.ts';
import { describeFinding, renderSarif, toLogicalLocations } from './sarif.ts';

type Place = { readonly file: string; readonly line: number; readonly column: number };

/** @param version - of Curfew */
export function renderCheckSarif({ report }: Checked, version: string): string {
  return renderSarif({
    version,
    notifications: report.faults.map(({ message, ...place }) => ({
      level: 'error',
      message: { text: message },
      locations: [toLocation(place)],
    })),
    entries: [
      ...report.findings.map((finding) => ({
        check: finding.check,
        toResult: (rule: JsonObject): JsonObject => {
          const { level, message, partialFingerprints } = describeFinding(finding);
          const locations = [toLocation(finding, nameReported(finding.object))];
          return { ...rule, level, message, locations, partialFingerprints };
        },
      })),
      ...report.undecided.map((one) => ({
        check: one.check,
        toResult: (rule: JsonObject): JsonObject => ({
          ...rule,
          kind: 'review',
          level: 'none',
          message: { text: `Not judged: ${one.detail}` },
          locations: [toLocation(one)],
        }),
      })),
    ],
  });
}

function toLocation({ file, line, column }: Place, name?: string): JsonObject {
  return {
    physicalLocation: {
      artifactLocation: { uri: file === '-' ? 'stdin' : toUri(file) },
      region: { startLine: line, startColumn: column },
    },
    ...(name === undefined ? {} : toLogicalLocations(name)),
  };
}

/** A relative reference (RFC 3986): a colon in its first step would make a scheme of it. */
function toUri(file: string): string {
  return file.split(/[/\\]/).map(encodeURIComponent).join('/');
}
