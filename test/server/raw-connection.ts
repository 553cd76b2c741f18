/** Bytes to a TLS port as they are, for what no HTTP client would send. */

import { connect, type TLSSocket } from 'node:tls';

/** An open connection. The certificate is not looked at: these tests are about what follows. */
export async function openConnection(port: number): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => resolve(socket));
  socket.on('error', reject);
  return await promise;
}

/** Everything the server says to `bytes` until it ends the connection. */
export async function exchange(port: number, bytes: string): Promise<string> {
  const socket = await openConnection(port);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(bytes);
  await closed;
  return text;
}
