/**
 * Runs the unit tests for Stryker in its own process, in the place of vitest: each mutant gets the project's modules anew,
 * which takes a tenth of a second, where a run of vitest takes three to four. So a mutant of what is
 * evaluated when a module is loaded costs no more than any other, and nothing that one mutant left behind is seen by the next.
 */

import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { INSTRUMENTER_CONSTANTS } from '@stryker-mutator/api/core';
import { declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { DryRunStatus, determineHitLimitReached, TestStatus, toMutantRunResult } from '@stryker-mutator/api/test-runner';
import { createLoader } from './load-modules.mjs';
import { collectTests, runTest, standIn } from './stand-in-vitest.mjs';

const SEED = 20_261_126;
/** Processor time; a test that takes more, as properties with hundreds of runs do, kills no mutants: there are thousands. */
const MOST_TEST_MS = 150;
/** Where the mutated code looks for which mutant it is. */
const stryker = (globalThis[INSTRUMENTER_CONSTANTS.NAMESPACE] ??= {});

function createRunner() {
  // Not before: plugins are loaded outside of the copy that Stryker makes and mutates.
  const root = process.cwd();
  const costsFile = join(root, 'costs-of-tests.json');
  const files = globSync(process.env.CURFEW_MUTATION_TESTS.split(' '), { cwd: root }).toSorted();
  let newModules;
  /** Milliseconds by id of test, from the first run; in a file, since a mutant that never ends takes this process with it. */
  const costs = new Map(existsSync(costsFile) ? JSON.parse(readFileSync(costsFile, 'utf8')) : []);
  const fileOf = (id) => id.slice(0, id.indexOf(' > '));

  function collect(load, file) {
    const path = join(root, file);
    return collectTests(path, file, () => load(path));
  }

  async function run(test) {
    stryker.currentTestId = test.id;
    const started = process.cpuUsage();
    const error = await runTest(test);
    stryker.currentTestId = undefined;
    const { user, system } = process.cpuUsage(started);
    const result = { id: test.id, name: test.id, timeSpentMs: (user + system) / 1_000 };
    if (error === undefined) return { ...result, status: TestStatus.Success };
    return { ...result, status: TestStatus.Failed, failureMessage: String(error.message ?? error).slice(0, 2_000) };
  }

  return {
    capabilities: () => ({ reloadEnvironment: true }),

    async init() {
      newModules = createLoader(root, { vitest: standIn, ajv: await shareValidators(root) });
      // Another seed each time would kill a mutant today and let it live tomorrow.
      const { default: fc } = await import(join(root, 'node_modules/fast-check/lib/fast-check.js'));
      fc.configureGlobal({ seed: SEED });
    },

    async dryRun() {
      const tests = [];
      costs.clear();
      for (const file of files) {
        // Each file anew, so that no test is thought to be blind to what another file's test had computed already.
        const load = newModules();
        for (const test of collect(load, file)) {
          const result = await run(test);
          if (result.timeSpentMs > MOST_TEST_MS && result.status === TestStatus.Success) {
            delete stryker.mutantCoverage?.perTest[test.id];
            continue;
          }
          costs.set(test.id, result.timeSpentMs);
          tests.push(result);
        }
      }
      writeFileSync(costsFile, JSON.stringify([...costs]));
      if (stryker.mutantCoverage === undefined) throw new Error(`no mutant was seen in ${root}`);
      return { status: DryRunStatus.Complete, tests, mutantCoverage: stryker.mutantCoverage };
    },

    async mutantRun({ activeMutant, testFilter, hitLimit, disableBail }) {
      Object.assign(stryker, { activeMutant: activeMutant.id, hitCount: 0, hitLimit });
      const tests = [];
      try {
        for await (const result of runAll(testFilter === undefined ? undefined : new Set(testFilter))) {
          tests.push(result);
          if (result.status === TestStatus.Failed && !disableBail) break;
        }
      } catch (error) {
        // A module that cannot be loaded any more: no test passes.
        const id = 'loading the modules';
        tests.push({ id, name: id, timeSpentMs: 0, status: TestStatus.Failed, failureMessage: String(error) });
      } finally {
        stryker.activeMutant = undefined;
      }
      const isEndless = determineHitLimitReached(stryker.hitCount, hitLimit);
      return toMutantRunResult(isEndless ?? { status: DryRunStatus.Complete, tests });
    },
  };

  /** The cheap first: most mutants are killed by any test that sees them. */
  async function* runAll(wanted) {
    const load = newModules();
    const isWanted = ({ id }) => (wanted === undefined ? costs.has(id) : wanted.has(id));
    const costOf = ({ id }) => costs.get(id) ?? 0;
    for (const file of byCost(wanted)) {
      const chosen = collect(load, file).filter(isWanted);
      for (const test of chosen.toSorted((a, b) => costOf(a) - costOf(b))) yield await run(test);
    }
  }

  function byCost(wanted) {
    const sums = new Map(wanted === undefined ? files.map((file) => [file, 0]) : []);
    for (const id of wanted ?? costs.keys()) sums.set(fileOf(id), (sums.get(fileOf(id)) ?? 0) + (costs.get(id) ?? 0));
    return [...sums].toSorted(([, a], [, b]) => a - b).map(([file]) => file);
  }
}

/** A validator takes a tenth of a second to compile, and most mutants leave the schema as it was. */
async function shareValidators(root) {
  const { Ajv } = await import(join(root, 'node_modules/ajv/dist/ajv.js'));
  const compiled = new Map();
  class SharedAjv extends Ajv {
    constructor(options) {
      super(options);
      this.given = options;
    }

    compile(schema, ...more) {
      const key = JSON.stringify([schema, this.given]);
      const known = compiled.get(key) ?? super.compile(schema, ...more);
      compiled.set(key, known);
      return known;
    }
  }
  return { Ajv: SharedAjv };
}

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'in-process', createRunner)];
