// Starts a TypeScript script of this repository: `node scripts/run.mjs scripts/test.ts …`. Plain JavaScript, so that an
// older Node says what it lacks instead of ERR_UNKNOWN_FILE_EXTENSION.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const floor = Number(JSON.parse(readFileSync(new URL('../package.json', import.meta.url))).engines.node.slice(2));
if (Number(process.versions.node.split('.')[0]) < floor) {
  process.stderr.write(`curfew needs Node.js ${floor} or newer; this is v${process.versions.node}.\n`);
  process.exitCode = 1;
} else if (process.argv[2] === undefined) {
  process.stderr.write('usage: node scripts/run.mjs SCRIPT [ARGUMENT…]\n');
  process.exitCode = 2;
} else {
  const script = resolve(process.argv[2]);
  // The script sees itself as argv[1], as if Node had been given it.
  process.argv.splice(1, 2, script);
  // A rejection ends the process as it would without this launcher: with the stack, and exit code 1.
  void import(pathToFileURL(script).href);
}
