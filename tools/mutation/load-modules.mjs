/**
 * Loads the TypeScript of the project anew as often as it is asked to, each time without anything left from before: the
 * modules of packages are shared, for nothing of them is mutated. A file is compiled once, and evaluated in milliseconds.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

/** A statement at the top level that waits, which CommonJS cannot. */
const WAITS = /^(?:if \(.*\) |const .* = )?await /m;

/** @param root - where the project's copy is; @param given - modules that stand in for packages, by name */
export function createLoader(root, given) {
  const require = createRequire(join(root, 'package.json'));
  const { transformSync } = require('esbuild');
  const scripts = new Map();

  function compile(file) {
    const known = scripts.get(file);
    if (known !== undefined) return known;
    const text = readFileSync(file, 'utf8');
    // What waits while it is loaded starts programs; tests that import something beside it get nothing of it.
    if (WAITS.test(text)) return () => {};
    const { code } = transformSync(text, {
      loader: 'ts',
      sourcefile: file,
      format: 'cjs',
      target: 'node24',
      supported: { 'dynamic-import': false },
      define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename', 'import.meta.url': '__url' },
    });
    const parameters = 'exports, require, module, __filename, __dirname, __url';
    const script = new Script(`(function (${parameters}) {${code}\n})`, { filename: file });
    const run = script.runInThisContext();
    scripts.set(file, run);
    return run;
  }

  /** A world of modules of its own. */
  return function newModules() {
    const modules = new Map();
    return function load(file) {
      const known = modules.get(file);
      if (known !== undefined) return known.exports;
      const module = { exports: {} };
      modules.set(file, module);
      if (file.endsWith('.json')) {
        module.exports = JSON.parse(readFileSync(file, 'utf8'));
        return module.exports;
      }
      const requireFrom = (name) => {
        if (name in given) return given[name];
        return name.startsWith('.') ? load(join(dirname(file), name)) : require(name);
      };
      compile(file)(module.exports, requireFrom, module, file, dirname(file), `file://${file}`);
      return module.exports;
    };
  };
}
