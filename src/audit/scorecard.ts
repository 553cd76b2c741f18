/**
 * Line by line what is asked of a cluster that takes care of its tokens, and whether it does so: the twelve lines of the
 * CKS material on service account token security (k8s-security.geek-kb.com), and what else of it a cluster can answer.
 */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import { closed, count, list, oneOf, text } from './schema-parts.ts';
import type { Finding, ScoreFacts } from './score-facts.ts';
import { SCORE_LINES } from './score-lines.ts';

const MOST_OBJECTS = 20;

export const ScoreLineSchema = closed({
  line: Type.Integer({ minimum: 1 }),
  title: text(),
  verdict: oneOf(
    ['pass', 'fail', 'not-visible'],
    'not-visible: it cannot be told from here; detail says where to look.',
  ),
  detail: text('One sentence.'),
  objects: list(
    closed({ kind: text(), namespace: text(), name: text() }),
    `What makes it fail, at most ${MOST_OBJECTS}.`,
  ),
  more: count('How many there are beside objects.'),
});

export type ScoreLine = Static<typeof ScoreLineSchema>;

export function scoreCluster(facts: ScoreFacts): readonly ScoreLine[] {
  return SCORE_LINES.map(({ title, needs = [], judge }, index) => {
    const found = judge(facts);
    return { line: index + 1, title, ...toVerdict(found, needs, facts) };
  });
}

/** What was seen fails in spite of what was not; nothing passes in spite of it. */
function toVerdict(found: Finding, needs: readonly string[], facts: ScoreFacts): Omit<ScoreLine, 'line' | 'title'> {
  const objects = found.objects ?? [];
  const unread = needs.filter((resource) => facts.unread.has(resource));
  if (found.verdict === 'pass' && unread.length > 0) {
    const detail = `${unread.join(' and ')} could not be listed.`;
    return { verdict: 'not-visible', detail, objects: [], more: 0 };
  }
  return {
    verdict: found.verdict,
    detail: found.detail,
    objects: objects.slice(0, MOST_OBJECTS),
    more: Math.max(0, objects.length - MOST_OBJECTS),
  };
}
