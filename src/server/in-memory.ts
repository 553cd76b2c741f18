/** Requests to a server that does not listen: over a pair of streams, by Node's parser and all that comes behind it. */

import { type Server, request as sendRequest } from 'node:http';
import { duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';

/** @param server - of HTTP: there is no TLS between the two */
export async function postInMemory(
  server: Server,
  path: string,
  body: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const [ours, theirs] = duplexPair();
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly status: number; readonly text: string }>();
  const sent = sendRequest({
    createConnection: () => ours,
    method: 'POST',
    path,
    headers: { host: 'in-memory', 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  });
  sent.on('error', reject);
  sent.on('response', (response) => {
    text(response).then((answer) => resolve({ status: response.statusCode ?? 0, text: answer }), reject);
  });
  server.emit('connection', theirs);
  sent.end(body);
  return await promise;
}
