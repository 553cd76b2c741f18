/**
 * A caller that costs as little as possible: one kept connection over TLS, requests made beforehand, and of an answer only
 * its status, its length and, where asked for, its text are read. Node's own client takes more time than the servers do.
 */

import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

export type Answer = { readonly status: number; readonly ms: number; readonly body: Buffer };

export type Connection = {
  /** One after the other: the next only once the answer is there. */
  send(request: Buffer): Promise<Answer>;
  close(): void;
};

export type Target = {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  readonly port: number;
  readonly tls: ConnectionOptions;
};

const HEAD_END = Buffer.from('\r\n\r\n');

/** Opened anew where the server has closed it between two requests, as the API server does; what was under way is lost. */
export async function openConnection(target: Target): Promise<Connection> {
  let current = await openOnce(target);
  let isClosed = false;
  return {
    async send(request) {
      if (isClosed) throw new Error('the connection was closed');
      if (current.isGone()) current = await openOnce(target);
      return await current.send(request);
    },
    close() {
      isClosed = true;
      current.close();
    },
  };
}

/** So many at once. */
export async function openConnections(target: Target, count: number): Promise<readonly Connection[]> {
  return await Promise.all(Array.from({ length: count }, () => openConnection(target)));
}

async function openOnce({ host = '127.0.0.1', port, tls }: Target): Promise<Connection & { isGone(): boolean }> {
  const socket: TLSSocket = connect({ host, port, ...tls });
  socket.setNoDelay(true);
  await once(socket, 'secureConnect');
  let pending:
    | {
        readonly start: number;
        readonly resolve: (answer: Answer) => void;
        readonly reject: (error: Error) => void;
      }
    | undefined;
  let received: Buffer = Buffer.alloc(0);
  let isAnnounced = false;

  function fail(error: Error): void {
    pending?.reject(error);
    pending = undefined;
  }

  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const answer = readAnswer(received);
    if (answer === undefined || pending === undefined) return;
    received = Buffer.alloc(0);
    const { start, resolve } = pending;
    pending = undefined;
    isAnnounced = answer.isLast;
    resolve({ status: answer.status, body: answer.body, ms: performance.now() - start });
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server ended the connection')));

  return {
    isGone: () => socket.destroyed || isAnnounced,
    send: (request) => {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      pending = { start: performance.now(), resolve, reject };
      socket.write(request);
      return promise;
    },
    close: () => void socket.destroy(),
  };
}

/** A whole answer, with its length or in chunks; undefined as long as some of it is missing. */
function readAnswer(bytes: Buffer): (Omit<Answer, 'ms'> & { readonly isLast: boolean }) | undefined {
  const end = bytes.indexOf(HEAD_END);
  if (end === -1) return undefined;
  const head = bytes.toString('latin1', 0, end).toLowerCase();
  const status = Number(head.slice(9, 12));
  const isLast = head.includes('\r\nconnection: close');
  const body = bytes.subarray(end + HEAD_END.length);
  const length = /\r\ncontent-length: ([0-9]+)/.exec(head)?.[1];
  if (length !== undefined) return body.length < Number(length) ? undefined : { status, body, isLast };
  return body.subarray(-5).toString('latin1') === '0\r\n\r\n' ? { status, body, isLast } : undefined;
}

/** A POST of JSON, as bytes. */
export function toRequest(path: string, body: string, host = 'localhost'): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${host}`,
    'content-type: application/json',
    'accept: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
