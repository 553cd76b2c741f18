import { type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { member } from '../../src/objects/json.ts';

const WRITER = join(import.meta.dirname, 'log-writer.ts');
const LINES = 1000;
const MOST_UNWRITTEN_BYTES = 65_536;
const MOST_TOGETHER = 16_384;

/** A process that logs {@link LINES} lines and ends in the same turn: what arrived, and how many it counted as lost. */
async function writeLines(stdout: 'pipe' | number, end: 'exit' | 'throw' = 'exit') {
  const stdio: SpawnOptions['stdio'] = ['ignore', stdout, 'pipe'];
  const { stdout: out, stderr } = spawn(process.execPath, [WRITER, String(LINES), end], { stdio });
  const [written, said] = await Promise.all([out === null ? '' : text(out), stderr === null ? '' : text(stderr)]);
  const told = said.split('\n').find((line) => line.startsWith('{"lost"')) ?? '{}';
  return { written, lost: Number(member(JSON.parse(told), 'lost')) };
}

it.each([
  ['exits', 'exit'],
  ['throws what nobody catches', 'throw'],
] as const)('Every line of a process that %s is written, in order, if somebody reads', async (_what, end) => {
  const { written, lost } = await writeLines('pipe', end);
  const lines = written.split('\n').filter((line) => line !== '');
  const numbers = lines.map((line) => member(JSON.parse(line), 'line'));
  expect(numbers).toEqual(Array.from({ length: LINES }, (_, line) => String(line).padStart(6, '0')));
  expect(lost).toBe(0);
});

it('Each line that is given up is counted, and what is kept of them is bounded', async () => {
  const { written } = await writeLines('pipe');
  const full = openSync('/dev/full', 'w');
  const { lost } = await writeLines(full);
  closeSync(full);
  const kept = (LINES - lost) * (written.length / LINES);
  expect(kept).toBeGreaterThan(MOST_UNWRITTEN_BYTES - MOST_TOGETHER);
  expect(kept).toBeLessThanOrEqual(MOST_UNWRITTEN_BYTES);
});
