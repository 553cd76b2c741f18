/** Where the gauges of a job go: a file that node-exporter reads, or a Pushgateway. */

import { describeError } from '../kube/sentences.ts';
import { replaceFile } from './replace-file.ts';

const PUSH_MS = 10_000;

/**
 * @param target - a URL, to which the text is PUT: it replaces what the last run said; or a file, which is there whole or not
 * @throws Error with a sentence
 */
export async function publishMetrics(target: string, text: string, signal: AbortSignal): Promise<void> {
  try {
    if (/^https?:\/\//.test(target)) await push(target, text, signal);
    else await replaceFile(target, text);
  } catch (error) {
    throw new Error(`the metrics could not be written: ${describeError(error)}`, { cause: error });
  }
}

/** fetch quotes a URL that it does not take, and one may hold a password: so it gets none with a name in it, or that is none. */
async function push(target: string, text: string, signal: AbortSignal): Promise<void> {
  const url = URL.parse(target);
  if (url === null) throw new Error('what they are to be sent to is no URL');
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const credentials = Buffer.from([username, password].map(decodeURIComponent).join(':')).toString('base64');
  const response = await fetch(url, {
    method: 'PUT',
    headers: {
      'content-type': 'text/plain; version=0.0.4',
      ...(username === '' && password === '' ? {} : { authorization: `Basic ${credentials}` }),
    },
    body: text,
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(PUSH_MS)]),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the Pushgateway answered ${response.status}`);
}
