import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../src/checks/registry.ts';
import { prepareExample } from '../../../src/engine/example-subject.ts';
import type { JsonObject } from '../../../src/objects/json.ts';

const [check] = CHECKS;

describe('An example', () => {
  const prepare = (object: JsonObject, more: JsonObject = {}, context: JsonObject = {}) => {
    if (check === undefined) throw new Error('there is a check');
    return prepareExample(check, {
      title: '',
      level: 'restricted',
      subject: { object, ...more },
      context,
      expect: 'allowed',
    });
  };

  it('may be of no kind, and of a caller', () => {
    expect(prepare({}).subject.kind).toBe('');
    expect(prepare({ kind: 'Pod' }, { caller: { username: 'jane' } }).subject.caller).toEqual({
      username: 'jane',
      groups: [],
    });
  });

  it('whose account or namespace is none says so', () => {
    const { context } = prepare({ kind: 'Pod' }, {}, { serviceAccount: {}, namespace: {} });
    expect(context.serviceAccount('web')).toEqual({ state: 'unknown', why: 'the example is not a service account' });
    expect(context.namespace).toEqual({ state: 'absent' });
  });
});
