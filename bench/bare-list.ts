/**
 * The baseline of `index-scale.ts`, a process of its own: the pages of both lists, each parsed and dropped, as fast as Node can.
 * Prints the time from the first request to the last page, in ms.
 *
 *     node bench/bare-list.ts < asked.json
 */

import { Agent, get } from 'node:https';
import { buffer, text } from 'node:stream/consumers';

/** What it is asked for: the credentials, and a path and an `Accept` a list. */
export type BareLists = {
  readonly server: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly lists: readonly { readonly path: string; readonly accept: string }[];
};

const { server, lists, ...tls } = JSON.parse(await text(process.stdin)) as BareLists;
const agent = new Agent({ ...tls, keepAlive: true });
const start = performance.now();
// Side by side, as an index asks for them.
await Promise.all(lists.map(readAll));
console.log(performance.now() - start);
agent.destroy();

async function readAll({ path, accept }: BareLists['lists'][number]): Promise<void> {
  let next: string | undefined = '';
  while (next !== undefined) {
    const url = new URL(path, server);
    url.searchParams.set('limit', '500');
    if (next !== '') url.searchParams.set('continue', next);
    const page: { readonly metadata: { readonly continue?: string } } = await readJson(url, accept);
    next = page.metadata.continue;
  }
}

async function readJson(url: URL, accept: string): Promise<{ readonly metadata: { readonly continue?: string } }> {
  const answered = Promise.withResolvers<Buffer>();
  get(url, { agent, headers: { accept } }, (answer) => {
    buffer(answer).then(answered.resolve, answered.reject);
  }).on('error', answered.reject);
  return JSON.parse((await answered.promise).toString('utf8'));
}
