/**
 * Writes so many lines of the log in one turn, and ends within it; then it says on standard error how many were given up.
 *
 *     node log-writer.ts 1000 exit|throw
 */

import { createLogger } from '../../src/log/logger.ts';
import { openStandardOutput } from '../../src/log/standard-output.ts';
import { createAfterTurn } from '../../src/server/after-turn.ts';

let lost = 0;
const output = openStandardOutput((lines) => {
  lost += lines;
}, createAfterTurn().runLast);
process.on('exit', () => process.stderr.write(`\n${JSON.stringify({ lost })}\n`));
const log = createLogger('info', output);
const count = Number(process.argv[2]);
for (let line = 0; line < count; line += 1) log.info({ line: String(line).padStart(6, '0') }, 'a line\nof the log');
if (process.argv[3] === 'throw') throw new Error('nobody catches this');
process.exit(0);
