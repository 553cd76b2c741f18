/** One check asked about one object, without the engine. */

import { type Check, type Example, isFinding, isUndecided, type Outcome } from '../../../src/checks/define-check.ts';
import { prepareExample } from '../../../src/engine/example-subject.ts';

export type Asked = Omit<Example, 'title' | 'level' | 'expect'>;

export function ask(check: Check, asked: Asked, level: Example['level'] = 'restricted'): readonly Outcome[] {
  const { subject, context, settings } = prepareExample(check, { ...asked, title: '', level, expect: 'allowed' });
  return check.evaluate(subject, settings, { ...context, level });
}

/** Of its findings; `undecided` where it could not know. */
export function keysOf(check: Check, asked: Asked): readonly string[] {
  return ask(check, asked)
    .flatMap((outcome) => (isFinding(outcome) ? [outcome.key] : isUndecided(outcome) ? ['undecided'] : []))
    .toSorted();
}
