/** docs/reference/http-answers.md, of the table that a test compares with what the server answers. */

import { toPage, toTable } from './generate-markdown.ts';
import type { HttpCase } from './http-table.ts';
import { HTTP_CASES } from './http-table.ts';

export function renderHttpAnswers(): string {
  const groups = Map.groupBy(Object.values<HttpCase>(HTTP_CASES), ({ group }) => group);
  return (
    toPage('What the port of the webhook answers', [
      'An API server sends proper reviews over TLS. Whoever else reaches the port may send anything; here is what it gets. Each',
      'row is sent and compared by `test/server/http-answers.test.ts`, and the server judges the next review as ever.',
      '',
      '`closed`: the connection is closed. Where it is not, it is kept, and the next request on it is answered for itself. A status',
      'without a [code of ours](errors.md) is that of the HTTP parser: nothing was read of the request.',
      '',
      ...[...groups].flatMap(([group, cases]) => [
        `## ${group}`,
        '',
        toTable(
          ['sent', 'answer'],
          cases.map(({ what, answer }) => [what, answer]),
        ),
      ]),
    ]).trimEnd() + '\n'
  );
}
