import { describe, expect, it } from 'vitest';
import type { Check, Outcome } from '../../../src/checks/define-check.ts';
import serviceAccountAutomount from '../../../src/checks/service-account-automount.ts';
import tokenRequestAudience from '../../../src/checks/token-request-audience.ts';
import { prepareExample } from '../../../src/engine/example-subject.ts';
import { exampleServiceAccount, exampleTokenRequest } from '../../../src/objects/example-objects.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { RuleContext } from '../../../src/objects/rule-context.ts';
import { account } from '../judging.ts';

const WHY = { 'curfew.dev/api-access': 'lists its own endpoints' };
const OF_NAMESPACE: Pick<RuleContext, 'namespace' | 'acceptApiAccessFrom'> = {
  namespace: {
    state: 'found',
    value: { name: 'shop', labels: new Map(), annotations: new Map(Object.entries(WHY)) },
  },
  acceptApiAccessFrom: ['Namespace'],
};
const UNKNOWN = { state: 'unknown', why: 'no answer' } as const;

function judge(check: Check, object: JsonObject, more: Partial<RuleContext>): readonly Outcome[] {
  const example = { title: '', level: 'restricted', subject: { object }, expect: 'allowed' } as const;
  const { subject, context, settings } = prepareExample(check, example);
  const asked = { ...subject, namespace: 'shop', name: 'web' };
  return check.evaluate(asked, settings, { ...context, level: 'restricted', ...more });
}

const CASES: readonly (readonly [string, Check, JsonObject, JsonObject])[] = [
  ['a service account', serviceAccountAutomount, exampleServiceAccount(), exampleServiceAccount({}, WHY)],
  ['a request for a token', tokenRequestAudience, exampleTokenRequest({}), exampleTokenRequest({})],
];

describe.each(CASES)('The reason why %s is right', (_what, check, plain, documented) => {
  const reason = WHY['curfew.dev/api-access'];

  it('is noted, with where it stands', () => {
    const known = { serviceAccount: () => account({}, WHY) };
    expect(judge(check, documented, known)).toEqual([{ documented: true, where: 'service account shop/web', reason }]);
    expect(judge(check, plain, OF_NAMESPACE)).toEqual([{ documented: true, where: 'namespace shop', reason }]);
  });

  it('is undecided where that could not be read', () => {
    expect(judge(check, plain, { ...OF_NAMESPACE, namespace: UNKNOWN })).toEqual([
      {
        undecided: true,
        needs: 'serviceAccount',
        detail: expect.stringMatching(/^cannot tell whether .+: no answer$/),
      },
    ]);
  });
});

describe('An account that says nothing', () => {
  it('can be repaired, but not one that asks for its token', () => {
    const repairs = [{}, { automountServiceAccountToken: null }, { automountServiceAccountToken: true }].map((fields) =>
      judge(serviceAccountAutomount, exampleServiceAccount(fields), {}).map((outcome) =>
        'repair' in outcome ? outcome.repair : undefined,
      ),
    );
    const repair = { path: ['automountServiceAccountToken'], value: false };
    expect(repairs).toEqual([[repair], [repair], [undefined]]);
  });
});
