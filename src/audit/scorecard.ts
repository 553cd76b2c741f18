/** Line by line what is asked of a cluster that takes care of its tokens, and whether it does so. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import { closed, count, list, oneOf, text } from './schema-parts.ts';

export const ScoreLineSchema = closed({
  line: Type.Integer({ minimum: 1 }),
  title: text(),
  verdict: oneOf(
    ['pass', 'fail', 'not-visible'],
    'not-visible: it cannot be told from here; detail says where to look.',
  ),
  detail: text('One sentence.'),
  objects: list(closed({ kind: text(), namespace: text(), name: text() }), 'What makes it fail, at most 20.'),
  more: count('How many there are beside objects.'),
});

export type ScoreLine = Static<typeof ScoreLineSchema>;
