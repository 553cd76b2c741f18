/** The alerts of the chart, as they are written. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { asArray, asString, member, valueAt } from '../../src/objects/json.ts';

const FILES = join(import.meta.dirname, '..', '..', 'charts', 'curfew', 'files');

export const ALERT_PATHS: readonly string[] = ['alerts.yaml', 'token-use-alerts.yaml'].map((name) => join(FILES, name));

export type Alert = {
  readonly alert: string;
  readonly expr: string;
  readonly severity: string;
  readonly annotations: Readonly<Record<string, string>>;
};

export function listAlerts(): readonly Alert[] {
  return ALERT_PATHS.flatMap((path) => asArray(valueAt(parse(readFileSync(path, 'utf8')), ['groups', 0, 'rules']))).map(
    (rule) => ({
      alert: asString(member(rule, 'alert')) ?? '',
      expr: asString(member(rule, 'expr')) ?? '',
      severity: asString(valueAt(rule, ['labels', 'severity'])) ?? '',
      annotations: (member(rule, 'annotations') ?? {}) as Readonly<Record<string, string>>,
    }),
  );
}
