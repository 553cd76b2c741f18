#!/usr/bin/env node
// The published command, beside which lies the package.json that says the floor. Plain JavaScript that any Node can
// parse, so that an older one gets a sentence.
import { readFileSync } from 'node:fs';

const floor = Number(JSON.parse(readFileSync(new URL('../package.json', import.meta.url))).engines.node.slice(2));
if (Number(process.versions.node.split('.')[0]) < floor) {
  process.stderr.write(`curfew needs Node.js ${floor} or newer; this is v${process.versions.node}.\n`);
  process.exitCode = 1;
} else {
  import('../curfew.mjs').catch((error) => {
    process.stderr.write(`curfew: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 1;
  });
}
