import { describe, expect, it } from 'vitest';
import { importText, policyOf } from './policy-texts.ts';

describe('an exception', () => {
  const exception = (policyName: string, spec: object = {}) =>
    JSON.stringify({
      apiVersion: 'kyverno.io/v2',
      kind: 'PolicyException',
      metadata: { name: 'e', namespace: 'platform' },
      spec: {
        exceptions: [{ policyName, ruleNames: ['one'] }],
        match: { any: [{ resources: { namespaces: ['build'], names: ['t'] } }] },
        ...spec,
      },
    });

  it('becomes an exemption for the checks of its policy', async () => {
    const { code, out } = await importText('kyverno', policyOf({}), exception('a'));
    expect(code).toBe(0);
    expect(out).toContain('checks:\n        - long-lived-token-secret\n');
  });

  it('is named where there are more than are written', async () => {
    const many = [1, 2, 3, 4, 5, 6].map((part) => {
      const namespaces = Array.from({ length: 90 }, (_, index) => `n${part}-${index}-*`);
      return exception('a', { match: { any: [{ resources: { namespaces } }] } });
    });
    const { code, out, error } = await importText('kyverno', policyOf({}), ...many);
    expect(code).toBe(1);
    expect(out.match(/^ {4}- name: imported-/gm)).toHaveLength(500);
    expect(error.match(/^left over: exemption imported-/gm)).toHaveLength(40);
  });

  it.each([
    ['another policy', exception('b')],
    ['conditions', exception('a', { conditions: { all: [] } })],
  ])('is named where it is left over: %s', async (_what, text) => {
    const { code, error } = await importText('kyverno', policyOf({}), text);
    expect(code).toBe(1);
    expect(error).not.toBe('');
  });
});
