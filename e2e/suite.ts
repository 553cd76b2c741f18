/** What every test file of the suite is set up with: a cluster, Curfew in it, and the servers' last words on a failure. */

import { afterAll, afterEach, beforeAll } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { type InstalledCurfew, installCurfew } from './installed-curfew.ts';
import { startTestCluster, type TestCluster, type TestClusterOptions } from './test-cluster.ts';

const LINES_OF_A_FAILURE = 15;
/** The API server writes whole objects into a line. */
const LONG_LINE = /^(.{400}).+$/gm;

export type Suite = { readonly cluster: TestCluster; readonly curfew: InstalledCurfew };

/**
 * Registers the hooks of a test file: Curfew with `config` before its tests, everything gone after them.
 *
 * @param beforeInstall - what happens in the cluster before Curfew comes
 */
export function setUpSuite(
  config: JsonObject,
  beforeInstall?: (cluster: TestCluster) => Promise<void>,
  options: TestClusterOptions = {},
): Suite {
  let cluster: TestCluster | undefined;
  let curfew: InstalledCurfew | undefined;

  beforeAll(async () => {
    cluster = await startTestCluster(options);
    await beforeInstall?.(cluster);
    curfew = await installCurfew(cluster, config);
  });
  afterAll(async () => {
    await curfew?.uninstall();
    await cluster?.controlPlane.stop();
  });
  afterEach(({ task }) => {
    if (task.result?.state !== 'fail') return;
    const words = [
      `--- last lines of Curfew (${task.name})`,
      curfew?.lastLines(LINES_OF_A_FAILURE) ?? 'not started',
      cluster?.controlPlane.lastLines(LINES_OF_A_FAILURE) ?? 'no control plane',
    ];
    console.error(words.join('\n').replaceAll(LONG_LINE, '$1…'));
  });

  return {
    get cluster() {
      if (cluster === undefined) throw new Error('the cluster is there only while tests run');
      return cluster;
    },
    get curfew() {
      if (curfew === undefined) throw new Error('Curfew is there only while tests run');
      return curfew;
    },
  };
}
