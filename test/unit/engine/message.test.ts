import { describe, expect, it } from 'vitest';
import type { Check, Example } from '../../../src/checks/define-check.ts';
import { CHECKS } from '../../../src/checks/registry.ts';
import { prepareExample } from '../../../src/engine/example-subject.ts';
import type { Level } from '../../../src/objects/level.ts';
import { judgeWith } from '../judging.ts';
import { admittedPod, subjectOf } from '../subjects.ts';

const RESTRICTED = { configuration: { levels: { enforce: 'restricted' } } };

/** What is said about an example where its level is enforced, and where it is only warned about. */
function judgeExample(check: Check, example: Example) {
  const { subject, context } = prepareExample(check, example);
  const { level } = example;
  const judgeAt = (enforce: Level) =>
    judgeWith(subject, {
      context,
      checks: [check],
      configuration: {
        levels: { enforce, warn: level, clusterScoped: { enforce, warn: level } },
        enforceTemplates: true,
        ...(example.options === undefined ? {} : { checks: { [check.id]: example.options } }),
      },
    }).verdict;
  return { denied: judgeAt(level), warned: judgeAt('off') };
}

describe.each(CHECKS.map((check) => ({ id: check.id, check })))('The words of $id', ({ id, check }) => {
  const refused = check.examples.filter(({ expect: wanted }) => Array.isArray(wanted));

  it('are those of the golden file, for each refused example', async () => {
    const texts = refused.map((example) => {
      const { denied, warned } = judgeExample(check, example);
      return [`# ${example.title}`, denied.denial ?? 'allowed', '', ...warned.warnings, ''].join('\n');
    });
    await expect(texts.join('\n')).toMatchFileSnapshot(`../../golden/messages/${id}.txt`);
  });

  it('fit into a warning of 120 characters', () => {
    for (const example of refused) {
      const { warnings } = judgeExample(check, example).warned;
      expect(warnings).toHaveLength(1);
      expect(warnings[0]?.length).toBeLessThanOrEqual(120);
    }
  });
});

describe('A message', () => {
  it('joins the containers of one problem, names three and counts the rest', () => {
    const names = Array.from({ length: 30 }, (_, index) => `c${index}`);
    const { denial } = judgeWith(subjectOf('pods', admittedPod(names)), RESTRICTED).verdict;
    expect(denial).toContain('Pod shop/web: 1 problem');
    expect(denial).toContain('containers c0, c1, c2 and 27 more: the API token');
  });

  it('shows a generated name as its prefix', () => {
    const subject = subjectOf('pods', admittedPod(['app'], { name: undefined, generateName: 'web-' } as never), {
      name: '',
    });
    expect(judgeWith(subject, RESTRICTED).verdict.denial).toContain('Pod shop/web-*: 1 problem');
  });

  it.each([
    ['control characters', 'a\u0000\u001b[31m\nb'],
    ['10 kB', 'x'.repeat(10_000)],
    ['30 kB, three a character', '漢'.repeat(10_000)],
    ['40 kB, four a character', `x${'🔑'.repeat(10_000)}`],
    ['lone surrogates', 'a\ud800b'],
    ['a line separator', 'a\u2028b'],
  ])('with a container of %s stays short and well formed, on lines of its own', (_what, name) => {
    const { verdict } = judgeWith(subjectOf('pods', admittedPod([name])), RESTRICTED);
    const warned = judgeWith(subjectOf('pods', admittedPod([name]))).verdict.warnings;
    const { denial = '' } = verdict;
    for (const text of [denial, ...verdict.auditAnnotations.values()])
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_096);
    expect(denial.isWellFormed()).toBe(true);
    expect(denial.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    expect(warned.join('')).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    expect([...verdict.auditAnnotations.values()].join('')).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
  });
});
