/** `curfew audit` as SARIF: live objects are no files, and have logical locations alone. */

import { nameReported } from '../manifests/report-object.ts';
import type { JsonObject } from '../objects/json.ts';
import { nameForCommand } from '../objects/text.ts';
import type { AuditView } from './audit-view.ts';
import { describeFinding, renderSarif, toLogicalLocations } from './sarif.ts';

/** @param version - of Curfew */
export function renderAuditSarif(report: AuditView, version: string): string {
  const { cluster, faults, findings, undecided } = report;
  const judged = new Set(findings.map(({ check, object }) => JSON.stringify([check, nameReported(object)])));
  return renderSarif({
    version,
    notifications: faults.map(({ message }) => ({ level: 'error', message: { text: message } })),
    entries: [
      ...findings.map((finding) => ({
        check: finding.check,
        toResult: (rule: JsonObject): JsonObject => {
          const { level, message, partialFingerprints } = describeFinding(finding);
          const locations = [toLogicalLocations(nameReported(finding.object))];
          return { ...rule, level, message, locations, partialFingerprints };
        },
      })),
      // A Secret that is exempted or in a namespace that is left alone is good for ever all the same.
      ...listSecrets(report)
        .filter(({ name }) => !judged.has(JSON.stringify([SECRET_CHECK, name])))
        .map(toSecretEntry),
      ...undecided.map(({ check, detail, object }) => ({
        check,
        toResult: (rule: JsonObject): JsonObject => ({
          ...rule,
          kind: 'review',
          level: 'none',
          message: { text: `Not judged: ${detail}` },
          locations: [toLogicalLocations(nameReported(object))],
        }),
      })),
    ],
    properties: { cluster },
  });
}

const SECRET_CHECK = 'long-lived-token-secret';

type EndlessSecret = { readonly name: string; readonly text: string };

function listSecrets({ longLivedSecrets }: AuditView): readonly EndlessSecret[] {
  return longLivedSecrets
    .filter(({ invalidSince }) => invalidSince === undefined)
    .map(({ namespace, name, account }) => {
      const fix = `kubectl delete secret ${nameForCommand(name, 'NAME')} --namespace ${nameForCommand(namespace, 'NAMESPACE')}`;
      return {
        name: `Secret ${namespace}/${name}`,
        text: `its token of account ${account} never expires. Fix: ${fix}`,
      };
    });
}

function toSecretEntry({ name, text }: EndlessSecret) {
  return {
    check: SECRET_CHECK,
    toResult: (rule: JsonObject): JsonObject => ({
      ...rule,
      level: 'note',
      message: { text: `${name}: ${text}` },
      locations: [toLogicalLocations(name)],
      partialFingerprints: { 'curfew/v1': JSON.stringify([SECRET_CHECK, name, '', '']) },
    }),
  };
}
