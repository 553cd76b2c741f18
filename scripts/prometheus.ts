/** Finds Prometheus and its promtool, by which alerts and dashboard are tested. They are not built: Debian has them. */

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export type PrometheusPrograms = { readonly prometheus: string; readonly promtool: string };

/** Where it cannot be found: what to say. */
export const NO_PROMETHEUS =
  'The alerts and the dashboard are tested with prometheus and promtool, which are not in PATH. Debian has them: apt-get install --no-install-recommends prometheus';

/** Absolute paths of both; undefined if one is missing. */
export async function findPrometheus(path = process.env['PATH'] ?? ''): Promise<PrometheusPrograms | undefined> {
  const [prometheus, promtool] = await Promise.all(['prometheus', 'promtool'].map((name) => find(name, path)));
  return prometheus === undefined || promtool === undefined ? undefined : { prometheus, promtool };
}

async function find(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((one) => one !== '')) {
    const file = join(folder, name);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}
