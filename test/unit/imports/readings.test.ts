import { describe, expect, it } from 'vitest';
import { readCondition } from '../../../src/imports/cel.ts';
import { readDeny } from '../../../src/imports/conditions.ts';
import { readCelMutation, readMutate } from '../../../src/imports/kyverno-mutate.ts';
import { readPattern } from '../../../src/imports/pattern.ts';
import type { Reading } from '../../../src/imports/reading.ts';
import { readRoleShape } from '../../../src/imports/role-shape.ts';
import type { JsonValue } from '../../../src/objects/json.ts';

const idsOf = ({ claims, unread }: Reading) => ({ ids: claims.map(({ id }) => id), left: unread.length });

describe('a condition in CEL', () => {
  it.each<[string, readonly string[]]>([
    ['object.type != "kubernetes.io/service-account-token"', ['long-lived-token-secret']],
    ["!has(object.type) ||\n  object.type != 'kubernetes.io/service-account-token'", ['long-lived-token-secret']],
    ['object.spec.automountServiceAccountToken == false', ['pod-automount']],
    [
      '(has(object.spec.automountServiceAccountToken) && object.spec.automountServiceAccountToken == false)',
      ['pod-automount'],
    ],
    ['object.spec.?automountServiceAccountToken.orValue(true) == false', ['pod-automount']],
    ['!has(object.spec.automountServiceAccountToken) || !object.spec.automountServiceAccountToken', ['pod-automount']],
    ['object.?automountServiceAccountToken.orValue(true) == false', ['service-account-automount']],
    ["has(object.spec.serviceAccountName) && object.spec.serviceAccountName != 'default'", ['default-service-account']],
    ["object.roleRef.name != 'cluster-admin'", ['rbac-binding-subjects']],
    ["!has(object.subjects) || object.subjects.all(s, s.name != 'system:anonymous')", ['rbac-binding-subjects']],
    ["object.rules == null || !object.rules.exists(r, '*' in r.verbs)", ['rbac-wildcard']],
    ["object.rules.all(r, !('nodes/proxy' in r.resources))", ['rbac-node-proxy']],
    [
      "!object.rules.exists(r, 'secrets' in r.resources && r.verbs.exists(v, v in ['get', 'list']))",
      ['rbac-secret-read'],
    ],
    [
      "!object.rules.exists(r, 'secrets' in r.resources && ('get' in r.verbs || 'list' in r.verbs))",
      ['rbac-secret-read'],
    ],
    [
      "object.type != 'kubernetes.io/service-account-token' && object.spec.serviceAccountName != 'default'",
      ['long-lived-token-secret', 'default-service-account'],
    ],
  ])('is recognised: %s', (expression, ids) => {
    expect(idsOf(readCondition(expression, []))).toEqual({ ids, left: 0 });
  });

  it.each([
    ["object.type == 'kubernetes.io/service-account-token'"],
    ["object.type != 'kubernetes.io/service-account-token' || object.metadata.name == 'a'"],
    ['object.spec.automountServiceAccountToken == true'],
    ["object.rules.exists(r, '*' in r.verbs)"],
    ["!object.rules.exists(r, !('*' in r.verbs))"],
    ["!object.rules.exists(r, '*' in r.verbs || '*' in r.resources)"],
    ["!object.rules.exists(r, 'secrets' in s.resources && 'get' in r.verbs)"],
    ["!object.rules.exists(r, 'configmaps' in r.resources)"],
    ["!object.rules.exists(r, 'secrets' in r.resources && 'delete' in r.verbs)"],
    ["object.subjects.all(s, s.name != 'system:masters')"],
    ["object.subjects.all(s, t.name != 'system:anonymous')"],
    ['variables.unknown'],
    [`${' '.repeat(5_000)}true`],
    ['(((((('],
    [''],
  ])('is left over, and not taken for its opposite: %s', (expression) => {
    expect(idsOf(readCondition(expression, []))).toEqual({ ids: [], left: 1 });
  });

  it('reads variables, also such as are made of others', () => {
    const variables = new Map([
      ['verbs', "['get', 'list']"],
      ['reads', "object.rules.exists(r, 'secrets' in r.resources && r.verbs.exists(v, v in variables.verbs))"],
    ]);
    expect(idsOf(readCondition('!variables.reads', [], variables)).ids).toEqual([]);
    const text = "!object.rules.exists(r, 'secrets' in r.resources && r.verbs.exists(v, v in variables.verbs))";
    expect(idsOf(readCondition(text, [], variables))).toEqual({ ids: ['rbac-secret-read'], left: 0 });
  });

  it('comes to an end with variables that are made of themselves', () => {
    const variables = new Map([['a', 'variables.a && variables.a && variables.a']]);
    expect(idsOf(readCondition('variables.a', [], variables)).ids).toEqual([]);
  });
});

describe('conditions under which something is denied', () => {
  const any = (key: JsonValue, operator: string, value: JsonValue) => ({ any: [{ key, operator, value }] });

  it.each<[string, JsonValue, readonly string[]]>([
    [
      'type',
      any('{{ request.object.type }}', 'Equals', 'kubernetes.io/service-account-token'),
      ['long-lived-token-secret'],
    ],
    [
      'automount',
      any('{{ request.object.spec.automountServiceAccountToken || `true` }}', 'NotEquals', false),
      ['pod-automount'],
    ],
    [
      'account',
      any("{{ request.object.spec.serviceAccountName || '' }}", 'Equals', 'default'),
      ['default-service-account'],
    ],
    ['role', any('{{ request.object.roleRef.name }}', 'Equals', 'cluster-admin'), ['rbac-binding-subjects']],
    [
      'subjects',
      any('{{ request.object.subjects[].name }}', 'AnyIn', ['system:authenticated']),
      ['rbac-binding-subjects'],
    ],
    ['wildcards', any("{{ contains(request.object.rules[].verbs[], '*') }}", 'Equals', true), ['rbac-wildcard']],
    [
      'an operation beside it',
      {
        all: [
          { key: '{{ request.operation }}', operator: 'AnyIn', value: ['CREATE', 'UPDATE'] },
          { key: '{{ request.object.type }}', operator: 'Equals', value: 'kubernetes.io/service-account-token' },
        ],
      },
      ['long-lived-token-secret'],
    ],
  ])('are recognised: %s', (_what, block, ids) => {
    expect(idsOf(readDeny(block, []))).toEqual({ ids, left: 0 });
  });

  it.each<[string, JsonValue]>([
    ['the opposite', any('{{ request.object.type }}', 'NotEquals', 'kubernetes.io/service-account-token')],
    ['another type', any('{{ request.object.type }}', 'Equals', 'Opaque')],
    ['a wildcard that must be there', any("{{ contains(request.object.rules[].verbs[], '*') }}", 'Equals', false)],
    ['an operator that is unknown', any('{{ request.object.type }}', 'Resembles', 'token')],
    ['two expressions', any('{{ request.object.type }}', 'Equals', '{{ type }}')],
    ['no expression', any('a', 'Equals', 'a')],
    ['a condition that is none', { any: ['a'] }],
    ['none at all', {}],
    [
      'more of them than are read',
      {
        any: Array.from({ length: 101 }, () => ({
          key: '{{ request.object.type }}',
          operator: 'Equals',
          value: 'kubernetes.io/service-account-token',
        })),
      },
    ],
    [
      'conditions that different rules of a role may meet',
      {
        all: [
          { key: '{{ request.object.rules[].resources[] }}', operator: 'AnyIn', value: ['secrets'] },
          { key: '{{ request.object.rules[].verbs[] }}', operator: 'AnyIn', value: ['get'] },
        ],
      },
    ],
    [
      'two conditions that must both be true',
      {
        all: [
          { key: '{{ request.object.type }}', operator: 'Equals', value: 'kubernetes.io/service-account-token' },
          { key: '{{ request.object.metadata.name }}', operator: 'Equals', value: 'a' },
        ],
      },
    ],
  ])('are left over: %s', (_what, block) => {
    expect(idsOf(readDeny(block, []))).toEqual({ ids: [], left: 1 });
  });
});

describe('a pattern', () => {
  it.each<[string, JsonValue, readonly string[], number]>([
    [
      'with a value beside it',
      { type: '!kubernetes.io/service-account-token', data: { a: '?*' } },
      ['long-lived-token-secret'],
      1,
    ],
    ['for templates', { spec: { template: { spec: { automountServiceAccountToken: false } } } }, ['pod-automount'], 0],
    ['where there is one', { spec: { '=(automountServiceAccountToken)': false } }, ['pod-automount'], 0],
    [
      'under a condition',
      { spec: { '(hostNetwork)': true, automountServiceAccountToken: false } },
      ['pod-automount'],
      1,
    ],
    ['the opposite', { spec: { automountServiceAccountToken: true } }, [], 1],
    ['of alternatives', { subjects: [{ name: '!system:anonymous & !system:masters' }] }, [], 1],
    ['of nothing', {}, [], 1],
  ])('is read value by value: %s', (_what, pattern, ids, left) => {
    expect(idsOf(readPattern(pattern, []))).toEqual({ ids, left });
  });

  it('is bounded', () => {
    const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`a${index}`, 'b']));
    let deep: JsonValue = 'a';
    for (let depth = 0; depth < 10_000; depth += 1) deep = { a: deep };
    expect(idsOf(readPattern(wide, []))).toEqual({ ids: [], left: 1 });
    expect(idsOf(readPattern(deep, []))).toEqual({ ids: [], left: 1 });
  });
});

describe('a shape of rules', () => {
  it.each([
    [{ verbs: ['impersonate'] }, ['rbac-impersonate']],
    [{ verbs: ['bind', 'escalate', 'impersonate'] }, ['rbac-escalate', 'rbac-impersonate']],
    [{ resources: ['serviceaccounts/token'], verbs: ['create'] }, ['rbac-token-request']],
    [{ resources: ['pods/exec'] }, ['rbac-pod-exec']],
    [{ resources: ['pods'], verbs: ['create'] }, ['rbac-workload-create']],
    [{ apiGroups: ['*'] }, ['rbac-wildcard']],
    [{ resources: ['*'], verbs: ['*'] }, ['rbac-wildcard']],
  ])('has its checks: %j', (shape, ids) => {
    expect(idsOf(readRoleShape(shape, []))).toEqual({ ids, left: 0 });
  });

  it.each([[{}], [{ resources: ['configmaps'] }], [{ verbs: ['delete'] }], [{ resources: ['secrets', 'configmaps'] }]])(
    'is left over: %j',
    (shape) => {
      expect(idsOf(readRoleShape(shape, []))).toEqual({ ids: [], left: 1 });
    },
  );
});

describe('a mutation', () => {
  it.each<[string, JsonValue, readonly string[], number]>([
    [
      'of pods',
      { patchStrategicMerge: { spec: { '+(automountServiceAccountToken)': false } } },
      ['automount-opt-out'],
      0,
    ],
    [
      'by a JSON patch',
      { patchesJson6902: '- op: add\n  path: /spec/automountServiceAccountToken\n  value: false\n' },
      ['automount-opt-out'],
      0,
    ],
    [
      'with more',
      { patchStrategicMerge: { automountServiceAccountToken: false, metadata: { labels: { a: 'b' } } } },
      ['default-service-account-opt-out'],
      1,
    ],
    ['of what exists', { targets: [], patchStrategicMerge: { automountServiceAccountToken: false } }, [], 1],
    ['that gives tokens', { patchStrategicMerge: { automountServiceAccountToken: true } }, [], 1],
    [
      'of something else',
      { foreach: [{ list: 'request.object.spec.volumes[]', patchesJson6902: '- op: remove' }] },
      [],
      1,
    ],
  ])('is recognised by what it sets: %s', (_what, mutate, ids, left) => {
    expect(idsOf(readMutate(mutate, [], ['default']))).toEqual({ ids, left });
  });

  it.each<[JsonValue, readonly string[], number]>([
    [
      { applyConfiguration: { expression: 'Object{ spec: Object.spec{ automountServiceAccountToken: false } }' } },
      ['automount-opt-out'],
      0,
    ],
    [
      { applyConfiguration: { expression: 'Object{\n  automountServiceAccountToken: false\n}' } },
      ['default-service-account-opt-out'],
      0,
    ],
    [
      { jsonPatch: { expression: '[JSONPatch{op: "add", path: "/spec/automountServiceAccountToken", value: false}]' } },
      ['automount-opt-out'],
      0,
    ],
    [{ applyConfiguration: { expression: 'Object{ metadata: Object.metadata{} }' } }, [], 1],
    [{}, [], 1],
  ])('in CEL is too: %j', (entry, ids, left) => {
    expect(idsOf(readCelMutation(entry, [], ['default']))).toEqual({ ids, left });
  });

  it('of all accounts is more than that of default ones', () => {
    const { claims } = readMutate({ patchStrategicMerge: { automountServiceAccountToken: false } }, [], undefined);
    expect(claims.map(({ loses }) => loses.length)).toEqual([1]);
  });
});
