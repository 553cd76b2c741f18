import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isField, listFields, readFalcoRules, readField } from '../../e2e/falco.ts';

const EVENT = {
  stage: 'ResponseComplete',
  verb: 'create',
  user: { username: 'jane', groups: ['a', 'b'] },
  objectRef: { resource: 'serviceaccounts', subresource: 'token', name: 'ci' },
  responseStatus: { code: 201 },
  annotations: { 'authentication.k8s.io/stale-token': 'subject: x', 'a~b': 'y' },
  requestObject: { rules: [{ resources: ['pods'] }, { resources: ['serviceaccounts/token'], verbs: ['create'] }] },
};

const RULES = `
- list: people
  items: [jane, "system:node:a"]
- list: nobody
  items: []
- macro: done
  condition: (ka.stage = ResponseComplete)
- rule: r
  condition: `;

function isTrue(condition: string, event: unknown = EVENT): boolean {
  const [rule] = readFalcoRules(`${RULES}'${condition}'`);
  if (rule === undefined) throw new Error('no rule');
  return rule.matches(event);
}

describe('A condition of Falco', () => {
  it.each([
    ['ka.verb = create', true],
    ['ka.verb=create', true],
    ['ka.verb = delete', false],
    ['not ka.verb = delete', true],
    ['ka.user.name startswith "ja"', true],
    ['ka.user.name startswith "an"', false],
    ['ka.user.name contains an', true],
    ['ka.user.name in (people)', true],
    ['ka.user.name in (nobody)', false],
    ['ka.user.name in (bob, "jane")', true],
    ['ka.response.code = 201', true],
    ['ka.response.code startswith 2', true],
    ['ka.impuser.name exists', false],
    ['not ka.impuser.name exists', true],
    // What an event does not have equals nothing, so that not equals everything.
    ['ka.impuser.name = jane', false],
    ['not ka.impuser.name = jane', true],
    ['jevt.value[/annotations/authentication.k8s.io~1stale-token] exists', true],
    ['jevt.value[/annotations/a~0b] = y', true],
    ['jevt.value[/annotations/other] exists', false],
    ['jevt.value[/user/groups/1] = b', true],
    ['ka.req.role.rules.resources intersects ("serviceaccounts/token", "*")', true],
    ['ka.req.role.rules.verbs intersects (bind, "*")', false],
    ['ka.verb = delete or ka.verb = create', true],
    ['ka.verb = delete or ka.verb = create and ka.verb = get', false],
    ['(ka.verb = create or ka.verb = delete) and done', true],
    ['not (ka.verb = create and done)', false],
    ['done and not ka.user.name in (people)', false],
  ])('%s is %s', (condition, expected) => {
    expect(isTrue(condition)).toBe(expected);
  });

  it('is false of an event without any of it', () => {
    for (const condition of ['done', 'ka.user.name in (people)', 'ka.req.role.rules.verbs intersects ("*")'])
      expect(isTrue(condition, {})).toBe(false);
  });

  it.each([
    'ka.verb',
    'ka.verb = ',
    'ka.verb like x',
    'ka.no.such = x',
    'unknown_macro',
    '(ka.verb = create',
    'ka.verb = create)',
    'ka.verb = create ka.stage = x',
    'ka.verb in (create',
  ])('%s is refused', (condition) => {
    expect(() => isTrue(condition)).toThrow(/not understood|neither a field|no such operator|is missing|too early/);
  });
});

describe('A field', () => {
  it('is read as the plugins read it', () => {
    expect(readField(EVENT, 'ka.target.subresource')).toEqual(['token']);
    expect(readField(EVENT, 'ka.response.code')).toEqual(['201']);
    expect(readField(EVENT, 'ka.target.namespace')).toBeUndefined();
    expect(readField({ annotations: { a: null } }, 'jevt.value[/annotations/a]')).toEqual(['null']);
  });
});

describe('deploy/falco-rules.yaml', () => {
  const rules = readFalcoRules(readFileSync(join(import.meta.dirname, '../../deploy/falco-rules.yaml'), 'utf8'));

  it('has rules on audit events whose conditions and outputs ask for fields that there are', () => {
    expect(rules.length).toBeGreaterThan(9);
    for (const { source, priority, condition, output } of rules) {
      expect(source).toBe('k8s_audit');
      expect(['INFORMATIONAL', 'NOTICE', 'WARNING', 'CRITICAL']).toContain(priority);
      const fields = [...listFields(condition), ...listFields(output)];
      expect(listFields(output).length).toBeGreaterThan(0);
      expect(fields.filter((field) => !isField(field))).toEqual([]);
    }
  });

  it('fires on no event that says nothing', () => {
    expect(rules.filter(({ matches }) => matches({ stage: 'ResponseComplete' })).map(({ name }) => name)).toEqual([]);
  });
});
