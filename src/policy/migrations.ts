/** From older versions of the configuration's format to the one that is read: a table, one step a row. */

import type { JsonObject } from '../objects/json.ts';
import { asString, isObject, member } from '../objects/json.ts';

export type Migration = {
  readonly from: string;
  readonly to: string;
  /** For people: what it changes, one line each. */
  readonly changes: readonly string[];
  /** The file in the new version, without its apiVersion. Never throws; what it does not know it leaves alone. */
  readonly migrate: (file: JsonObject) => JsonObject;
};

/** Today there is one version. A step stays for a year after its successor (docs/guides/stability.md). */
const MIGRATIONS: readonly Migration[] = [];

export type Migrated = {
  readonly file: unknown;
  /** The steps that were taken, oldest first; empty for a file of the version that is read. */
  readonly steps: readonly Migration[];
};

/** Takes every step that the file's apiVersion asks for. A file of an unknown version stays as it is. */
export function migrateFile(file: unknown, migrations: readonly Migration[] = MIGRATIONS): Migrated {
  let current = file;
  const steps: Migration[] = [];
  // As many rounds as rows: a table that goes in a circle ends all the same.
  for (let round = 0; round < migrations.length && isObject(current); round += 1) {
    const version = asString(member(current, 'apiVersion'));
    const step = migrations.find(({ from }) => from === version);
    if (step === undefined) break;
    const { apiVersion: _old, ...rest } = step.migrate(current);
    current = { apiVersion: step.to, ...rest };
    steps.push(step);
  }
  return { file: current, steps };
}
