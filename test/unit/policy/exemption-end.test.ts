import { describe, expect, it } from 'vitest';
import { endOfDay, formatEnding, stateOf } from '../../../src/policy/exemption.ts';
import { configure } from '../judging.ts';

const RULE = { name: 'web', reason: 'a reason', owner: 'team-web', expires: '2027-03-01' };

describe('The end of an exemption', () => {
  const end = Date.UTC(2027, 2, 2);
  const [exemption] = configure({ exemptions: { rules: [{ ...RULE, match: { names: ['a'] } }] } }).exemptions;
  if (exemption === undefined) throw new Error('the configuration has one');

  it('is the midnight UTC that ends its last day', () => {
    expect(endOfDay('2027-03-01')).toBe(end);
    expect(endOfDay('2024-02-29')).toBe(Date.UTC(2024, 2, 1));
    expect(exemption).toMatchObject({ lastDay: '2027-03-01', end });
  });

  it.each(['2027-02-29', '2027-00-10', '2027-01-00', '2027-04-31', '', 'soon', '2027-1-1'])('%j is no day', (day) => {
    expect(endOfDay(day)).toBeUndefined();
  });

  it.each([
    [end - 14 * 86_400_000 - 1, 'in force'],
    [end - 14 * 86_400_000, 'ending'],
    [end - 1, 'ending'],
    [end, 'ended'],
    [end + 1, 'ended'],
  ] as const)('at %d it is %s', (now, state) => {
    expect(stateOf({ ...exemption, end }, now)).toBe(state);
  });

  it('never comes for a permanent one', () => {
    expect(stateOf({ ...exemption, end: Infinity }, Number.MAX_SAFE_INTEGER)).toBe('in force');
  });

  it('is told in one line of at most 120 characters', () => {
    const longest = { ...exemption, name: 'n'.repeat(63), owner: 'o'.repeat(100) };
    expect(formatEnding(longest)).toHaveLength(120);
    expect(formatEnding(exemption)).toBe('curfew: exemption web ends on 2027-03-01; its owner is team-web');
  });
});
