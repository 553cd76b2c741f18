import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { IS_LONG } from './test/long.ts';

/** The long sizes of the property tests (CURFEW_LONG=1) take minutes. */
const UNIT_MS = IS_LONG ? 1_800_000 : 30_000;

/** Left out, one less than there are processors; but tests wait for programs and for the network as much as they work. */
const WORKERS = availableParallelism() + 1;

/** What is waited for comes at once on a quiet machine; where other work is going on too, it comes late and is no fault. */
const PATIENT = { hookTimeout: 60_000, expect: { poll: { timeout: 20_000 } } } as const;

/**
 * Per cent of branches that the unit tests take, at least, of each folder that imports nothing from Node: what it decides is
 * decided by its arguments alone, so all of it can be asked. 98 is wanted; a lower floor is what there was when it was
 * written, and is raised with the tests. Of audit, access and reports much is asked by the servers' tests and in a browser.
 */
const BRANCHES = {
  checks: 98,
  engine: 98,
  objects: 98,
  policy: 98,
  review: 98,
  mutations: 98,
  presets: 98,
  injection: 98,
  manifests: 98,
  cleanup: 98,
  audit: 83,
  access: 90,
  'audit-log': 98,
  native: 98,
  reports: 80,
};

/** One project a tier, so that each can be run alone: `npm run test:unit`. */
export default defineConfig({
  test: {
    maxWorkers: WORKERS,
    // npm run coverage, and npm test.
    coverage: {
      provider: 'v8',
      include: Object.keys(BRANCHES).map((folder) => `src/${folder}/**`),
      // It runs in a page, where V8 is another one: test/browser asks it there.
      exclude: ['src/reports/html/browser/**'],
      reporter: ['text', 'json'],
      thresholds: Object.fromEntries(
        Object.entries(BRANCHES).map(([folder, branches]) => [`src/${folder}/**`, { branches }]),
      ),
    },
    projects: [
      // Most of a file's time went into loading what the files before it had loaded too, and nothing of it keeps a state.
      {
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: UNIT_MS, isolate: false, ...PATIENT },
      },
      { test: { name: 'server', include: ['test/server/**/*.test.ts'], testTimeout: 90_000, ...PATIENT } },
      { test: { name: 'chart', include: ['test/chart/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 600_000 } },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 240_000, ...PATIENT } },
      {
        test: { name: 'browser', include: ['test/browser/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 60_000 },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/*.test.ts'],
          testTimeout: 120_000,
          // A cold machine builds the control plane first.
          hookTimeout: 1_800_000,
          sequence: { groupOrder: 1 },
        },
      },
      // Inside a cluster with a node: npm run test:cluster.
      {
        test: {
          name: 'cluster',
          include: ['e2e/cluster/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
