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
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    ...(isLast ? { connection: 'close' } : {}),
    ...headers,
  });
  response.end(text);
}
