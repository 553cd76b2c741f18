/**
 * As much of vitest as the unit tests use, in this process: what they register is collected, and `expect` is Jest's, which
 * vitest's follows. A matcher that is missing here fails the first run, in which every test must pass.
 */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect as jestExpect } from 'expect';

/** The file whose tests are being registered or run; golden files are looked for beside it. */
let currentFile = '';
let currentSuite = newSuite('');

jestExpect.extend({
  toMatchFileSnapshot(seen, path) {
    const pass = seen === readFileSync(join(dirname(currentFile), path), 'utf8');
    return { pass, message: () => `is not what ${path} has` };
  },
  toBeTypeOf(seen, type) {
    return { pass: typeof seen === type, message: () => `is a ${typeof seen} and no ${type}` };
  },
});

/** vitest's takes a message for people as well. */
const expect = Object.assign((seen, _message) => jestExpect(seen), jestExpect);

function newSuite(name, outer) {
  return { name, outer, tests: [], beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] };
}

/** `(name, body)`, `(name, options, body)` and `(name, body, timeout)`. */
function bodyOf(parts) {
  return parts.find((part) => typeof part === 'function');
}

/** Rows of `each` need a name of their own and no more: the row is in it, and what is no JSON is counted. */
function nameRow(name, index) {
  return `${name} [${index}]`;
}

function withEach(register) {
  return Object.assign(register, {
    each:
      (rows) =>
      (name, ...parts) => {
        const body = bodyOf(parts);
        rows.forEach((row, index) => {
          const values = Array.isArray(row) ? row : [row];
          register(nameRow(name, index), () => body(...values));
        });
      },
  });
}

const describe = withEach((name, ...parts) => {
  const outer = currentSuite;
  currentSuite = newSuite(outer.name === '' ? name : `${outer.name} > ${name}`, outer);
  currentSuite.tests = outer.tests;
  bodyOf(parts)();
  currentSuite = outer;
});

const it = withEach((name, ...parts) => {
  const title = currentSuite.name === '' ? name : `${currentSuite.name} > ${name}`;
  currentSuite.tests.push({ title, body: bodyOf(parts), suite: currentSuite, file: currentFile });
});

export const standIn = {
  describe,
  it,
  test: it,
  expect,
  ...Object.fromEntries(
    ['beforeAll', 'beforeEach', 'afterEach', 'afterAll'].map((hook) => [hook, (run) => currentSuite[hook].push(run)]),
  ),
};

/** Runs what registers the tests of one file; gives them with an id that two runs share. */
export function collectTests(file, id, load) {
  currentFile = file;
  currentSuite = newSuite('');
  const { tests } = currentSuite;
  load();
  const seen = new Map();
  return tests.map((test) => {
    const before = seen.get(test.title) ?? 0;
    seen.set(test.title, before + 1);
    return { ...test, id: `${id} > ${test.title}${before === 0 ? '' : ` (${before})`}` };
  });
}

/** Resolves to what the test threw, or undefined. */
export async function runTest({ body, suite, file }) {
  currentFile = file;
  const suites = [];
  for (let each = suite; each !== undefined; each = each.outer) suites.unshift(each);
  try {
    for (const hook of suites.flatMap(({ beforeEach }) => beforeEach)) await hook();
    await body();
    return undefined;
  } catch (error) {
    return error ?? new Error('threw nothing');
  } finally {
    for (const hook of suites.flatMap(({ afterEach }) => afterEach)) await hook();
  }
}
