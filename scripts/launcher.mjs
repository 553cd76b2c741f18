#!/usr/bin/env node
// The published command. Plain JavaScript that any Node can parse, so that an older one gets a sentence.
const floor = 24;
if (Number(process.versions.node.split('.')[0]) < floor) {
  process.stderr.write(`curfew needs Node.js ${floor} or newer; this is v${process.versions.node}.\n`);
  process.exit(1);
}
import('../curfew.mjs').catch((error) => {
  process.stderr.write(`curfew: ${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
});
