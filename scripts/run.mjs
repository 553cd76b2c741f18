// Starts a TypeScript script of this repository: `node scripts/run.mjs scripts/test.ts …`. Plain JavaScript, so that an
// older Node says what it lacks instead of ERR_UNKNOWN_FILE_EXTENSION.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const floor = Number(engines.node.replace('>=', ''));
if (Number(process.versions.node.split('.')[0]) < floor) {
  process.stderr.write(`curfew needs Node.js ${floor} or newer; this is v${process.versions.node}.\n`);
  process.exit(1);
}
const script = resolve(process.argv[2]);
process.argv.splice(1, 2, script);
await import(pathToFileURL(script).href);
