/**
 * `curfew usage` on an audit log of a gigabyte, through a pipe and as gzip: the most memory that it has had at once, and the time
 * beside that of throwing the same log away. No log is kept: one process writes it, another reads it.
 */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { defineBenchmark, type Row } from './define-benchmark.ts';
import { buildPackage, watchMemory } from './published.ts';

const MEGABYTES = 1_000;
/** What a usual log may take, and what any log may, whoever wrote it. */
const MOST = { usual: 200, endless: 400 } as const;
const WRITER = join(import.meta.dirname, 'audit-log.ts');

type Shape = keyof typeof MOST;

export default defineBenchmark({
  name: 'usage-scale',
  title: 'Audit logs of a gigabyte',
  timeoutSeconds: 900,
  isLong: true,
  run: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'curfew-usage-'));
    try {
      const main = buildPackage(folder);
      const rows: Row[] = [];
      for (const shape of ['usual', 'endless'] as const) {
        const dropped = await read(['--eval', 'process.stdin.resume()'], shape, false);
        rows.push({ name: `${shape}, thrown away`, cells: [dropped.seconds, dropped.megabytes] });
        for (const isPacked of [false, true]) {
          const { seconds, megabytes } = await read([main, 'usage', '--audit-log', '-'], shape, isPacked);
          const ratio = { value: megabytes / MOST[shape], most: 1 };
          rows.push({ name: `${shape}, ${isPacked ? 'gzip' : 'a pipe'}`, cells: [seconds, megabytes], ratio });
        }
      }
      return [
        {
          title: `curfew usage on ${MEGABYTES} MB`,
          about:
            'usual: 2,000 accounts that do what controllers do. endless: accounts, pods, URLs, verbs, kinds, audiences and user agents that are new in each line.',
          columns: [
            { title: 'time', unit: 's' },
            { title: 'most memory', unit: 'MB' },
          ],
          ratio: 'of the memory that it may have',
          rows,
        },
      ];
    } finally {
      await rm(folder, { recursive: true });
    }
  },
});

/** Runs Node with `args` and this log on its standard input. */
async function read(args: readonly string[], shape: Shape, isPacked: boolean) {
  const start = performance.now();
  const writer = spawn(process.execPath, [WRITER, shape, String(MEGABYTES)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const reader = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => reader.once('close', resolve));
  const memory = watchMemory(reader.pid);
  if (isPacked) await pipeline(writer.stdout, createGzip({ level: 1 }), reader.stdin);
  else await pipeline(writer.stdout, reader.stdin);
  const code = await ended;
  const megabytes = await memory.stop();
  if (code !== 0) throw new Error(`what read the log ended with ${code}`);
  return { seconds: (performance.now() - start) / 1_000, megabytes };
}
