import { describe, expect, it } from 'vitest';
import type { AuditReport } from '../../../src/audit/audit-report.ts';
import { compareFindings } from '../../../src/audit/compare-findings.ts';
import { setValue, toSteps } from '../../../src/policy/set-value.ts';
import { renderConfigurationTrial } from '../../../src/reports/trial-table.ts';
import { run } from './run-command.ts';

type Finding = AuditReport['findings'][number];

function finding(name: string, mode: Finding['mode'], more: Partial<Finding> = {}): Finding {
  return {
    check: 'pod-automount',
    level: 'restricted',
    mode,
    denied: mode === 'enforce',
    object: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name },
    path: '/spec',
    reason: 'r',
    detail: 'd',
    fix: 'f',
    ...more,
  };
}

function audit(...findings: readonly Finding[]): Pick<AuditReport, 'findings'> {
  return { findings };
}

describe('Setting a value of a configuration', () => {
  it.each([
    ['a.b', 1, { a: { b: 1, c: 2 }, d: 3 }],
    ['d', null, { a: { c: 2 } }],
    ['d.e', true, { a: { c: 2 }, d: { e: true } }],
    ['x\\.y', 1, { a: { c: 2 }, d: 3, 'x.y': 1 }],
  ])('%s=%j', (key, value, wanted) => {
    expect(setValue({ a: { c: 2 }, d: 3 }, toSteps(key), value)).toEqual(wanted);
  });

  it('of a key named __proto__ is data', () => {
    const changed = setValue({}, ['__proto__', 'polluted'], true);
    expect(Object.keys(changed)).toEqual(['__proto__']);
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('Two audits', () => {
  it('differ in what is new, gone, or has another outcome', () => {
    const before = audit(finding('a', 'warn'), finding('b', 'enforce'), finding('c', 'audit'), finding('same', 'warn'));
    const after = audit(
      finding('a', 'enforce'),
      finding('b', 'enforce', { denied: false }),
      finding('d', 'enforce'),
      finding('same', 'warn', { detail: 'another limit' }),
    );
    const changes = compareFindings(before, after);
    expect(changes.map(({ object, before: was, after: is }) => `${object}: ${was} → ${is}`)).toEqual([
      'Pod a: warned about → refused',
      'Pod b: refused → would be refused',
      'Pod c: audited → none',
      'Pod d: none → refused',
    ]);
    const summary = { judged: 4, deniedBefore: 1, deniedAfter: 2, undecidedBefore: 0, undecidedAfter: 1 };
    expect(renderConfigurationTrial({ cluster: 'https://c', changes, faults: [], summary })).toBe(
      `Namespace shop:
  warned about → refused      pod-automount  Pod a
  refused → would be refused  pod-automount  Pod b
  audited → none              pod-automount  Pod c
  none → refused              pod-automount  Pod d

https://c: 4 objects: 4 findings would change; refused 1 → 2, could not be judged 0 → 1
`,
    );
    expect(compareFindings(before, before)).toEqual([]);
  });
});

describe('curfew config test', () => {
  it.each([
    ['a value that is not allowed', ['--set', 'levels.enforce=strict'], 'levels'],
    ['a key that there is not', ['--set', 'levels.enforced=baseline'], 'enforced'],
    ['no assignment', ['--set', 'levels'], '--set "levels" is not KEY=VALUE'],
    ['a value that is no YAML', ['--set', 'levels=[a'], 'no YAML'],
  ])('refuses %s before it asks a cluster', async (_what, argv, words) => {
    const { code, error } = await run('config', 'test', '--kubeconfig', '/nonexistent', ...argv);
    expect(code).toBe(2);
    expect(error).toContain(words);
    expect(error).not.toContain('Kubeconfig');
  });

  it('takes a change, and one namespace or all', async () => {
    expect(await run('config', 'test')).toMatchObject({ code: 64 });
    expect(await run('config', 'test', '--set', 'a=b', '-n', 'shop', '-A')).toMatchObject({ code: 64 });
  });
});
