import { describe, expect, it } from 'vitest';
import { createLineBatch } from '../../../src/log/standard-output.ts';
import { createAfterTurn } from '../../../src/server/after-turn.ts';

/** What is done in which order, and turns that end when a test says so. */
function start() {
  const scheduled: (() => void)[] = [];
  const done: string[] = [];
  const { run: afterTurn, runLast } = createAfterTurn((run) => scheduled.push(run));
  const batch = createLineBatch({ write: (lines) => done.push(lines) }, runLast);
  return {
    done,
    afterTurn,
    batch,
    endTurn() {
      for (const run of scheduled.splice(0)) run();
    },
  };
}

describe('The lines of the log', () => {
  it('of one turn are written together, in order, after what is sent by the same turn', () => {
    const { done, afterTurn, batch, endTurn } = start();
    batch.write('first\n');
    afterTurn(() => done.push('answer to the first'));
    batch.write('second\n');
    afterTurn(() => done.push('answer to the second'));
    expect(done).toEqual([]);
    endTurn();
    expect(done).toEqual(['answer to the first', 'answer to the second', 'first\nsecond\n']);
  });

  it('of the next turn are a write of their own, and a turn without any is none', () => {
    const { done, batch, endTurn } = start();
    batch.write('first\n');
    endTurn();
    endTurn();
    batch.write('second\n');
    endTurn();
    expect(done).toEqual(['first\n', 'second\n']);
  });

  it('are written at once when asked for, as at the end of the process, and not once more', () => {
    const { done, batch, endTurn } = start();
    batch.write('last\n');
    batch.flush();
    batch.flush();
    endTurn();
    expect(done).toEqual(['last\n']);
  });

  it('are more than one write where there are many, each with whole lines', () => {
    const { done, batch, endTurn } = start();
    const line = `${'x'.repeat(999)}\n`;
    for (let count = 0; count < 100; count += 1) batch.write(line);
    endTurn();
    expect(done.map((lines) => lines.length)).toEqual([...Array.from({ length: 6 }, () => 16_000), 4_000]);
  });

  it('are a write each where they are longer than what is written together', () => {
    const { done, batch, endTurn } = start();
    const long = `${'x'.repeat(20_000)}\n`;
    for (const line of ['short\n', long, 'after\n']) batch.write(line);
    endTurn();
    expect(done).toEqual(['short\n', long, 'after\n']);
  });
});
