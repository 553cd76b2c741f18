/** Lines of large files and of standard input, unpacked where they are gzip, with a bounded amount of them in memory. */

import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { STANDARD_INPUT } from './input-files.ts';

/** An API server cuts nothing of an event; the largest object in one has 3 MiB. */
const MOST_LINE_CHARACTERS = 16 * 1024 * 1024;

const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** `undefined` stands for a line that is too long, which is not kept. */
export type Line = string | undefined;

/**
 * The lines of `file` (- for standard input); the last one needs no end.
 *
 * @throws Error with the code of the system if it cannot be read, and a sentence if it is broken gzip
 */
export async function* readLines(file: string, input: AsyncIterable<Uint8Array>): AsyncIterable<Line> {
  const source = file === STANDARD_INPUT ? input : createReadStream(file);
  const decoder = new TextDecoder();
  let rest = '';
  let isTooLong = false;
  for await (const chunk of await unpack(source)) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
    rest += first;
    for (const next of others) {
      yield isTooLong || rest.length > MOST_LINE_CHARACTERS ? undefined : rest;
      rest = next;
      isTooLong = false;
    }
    if (rest.length > MOST_LINE_CHARACTERS) {
      rest = '';
      isTooLong = true;
    }
  }
  if (isTooLong) yield undefined;
  else if (rest !== '') yield rest;
}

/** A rotated log is gzip whatever its name is: told by its first bytes (RFC 1952, 2.3.1). */
async function unpack(source: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = source[Symbol.asyncIterator]();
  const head = await iterator.next();
  if (head.done === true) return Readable.from([]);
  const isGzip = GZIP_MAGIC.every((byte, index) => head.value[index] === byte);
  const whole = Readable.from(resume(head.value, iterator), { objectMode: false });
  if (!isGzip) return whole;
  const gunzip = createGunzip();
  // Errors of both reach whoever reads what comes out.
  pipeline(whole, gunzip, () => undefined);
  return gunzip;
}

async function* resume(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
