/**
 * The baseline of `audit-scale.ts`, a process of its own: plain paged GETs of the same lists, each page parsed and dropped.
 *
 *     node bench/list-pages.ts URL < lists.json
 */

import { text } from 'node:stream/consumers';
import type { AskedList } from './counting-proxy.ts';

const [, , base = ''] = process.argv;
const lists = JSON.parse(await text(process.stdin)) as readonly AskedList[];
let items = 0;
for (const { path, accept } of lists) {
  let next: string | undefined = '';
  while (next !== undefined) {
    const url = new URL(path, base);
    if (next !== '') url.searchParams.set('continue', next);
    // One after the other, as the audit asks.
    const response: Response = await fetch(url, { headers: { accept, 'accept-encoding': 'identity' } });
    // Of a kind that is not installed there are none.
    if (response.status === 404) break;
    const page = (await response.json()) as { items?: readonly unknown[]; metadata?: { continue?: string } };
    items += page.items?.length ?? 0;
    next = page.metadata?.continue || undefined;
  }
}
console.log(`${items} objects`);
