/** Writes an answer: a head and a body whose length is known, in one go. */

import type { ServerResponse } from 'node:http';

export type Answer = {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** Of the head, beside those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>;
};

export const JSON_TYPE = 'application/json; charset=utf-8';
export const TEXT_TYPE = 'text/plain; charset=utf-8';

/**
 * Nothing happens where the client is gone. Of an answer to HEAD Node leaves out the body.
 *
 * @param isLast - nothing more is answered on this connection
 */
export function sendAnswer(response: ServerResponse, { status, type, text, headers }: Answer, isLast: boolean): void {
  if (response.destroyed) return;
  const bytes = Buffer.byteLength(text);
  response.writeHead(status, {
    'content-type': type,
    'content-length': bytes,
    ...(isLast ? { connection: 'close' } : {}),
    ...headers,
  });
  // Nearly every text is ASCII, which is written as it lies in memory.
  response.end(text, bytes === text.length ? 'latin1' : 'utf8');
}
