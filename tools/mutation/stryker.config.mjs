/** Stryker's settings; scripts/mutation.ts says by the environment what is mutated, and which tests are asked. */

import { join } from 'node:path';

const HERE = import.meta.dirname;
const { CURFEW_MUTATION_NAME: name, CURFEW_MUTATION_BREAK: least, CURFEW_MUTATION_CALLED: called } = process.env;
const cache = `node_modules/.cache/mutation/${name}`;

export default {
  testRunner: 'in-process',
  plugins: [join(HERE, 'run-in-process.mjs'), join(HERE, 'ignore-words.mjs')],
  ignorers: ['words'],
  // Stryker rewrites this file by an interface that TypeScript 7 no longer has; a name of no file keeps it from doing so.
  tsconfigFile: 'none.json',
  coverageAnalysis: 'perTest',
  ignoreStatic: called === 'true',
  // The machine has other work.
  concurrency: 1,
  // Not incremental: mutants of what is evaluated when a module is loaded would keep their old verdict beside new tests.
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: `${cache}.json` },
  tempDirName: `${cache}.tmp`,
  ignorePatterns: ['dist', 'charts', 'tools', 'coverage'],
  timeoutMS: 10_000,
  thresholds: { high: 95, low: 85, break: Number(least) },
  warnings: { slow: false },
};
