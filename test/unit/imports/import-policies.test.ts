import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../cli/run-command.ts';
import { importText, policyOf } from './policy-texts.ts';

const POLICIES = 'test/unit/imports/policies';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-import-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Writes what is printed into a file, as people do. */
async function importInto(engine: string, ...names: readonly string[]) {
  const imported = await run('import', engine, ...names);
  const file = join(folder, 'curfew.yaml');
  writeFileSync(file, imported.out);
  return { ...imported, file };
}

/** The objects that `curfew check` would deny, by kind and name. */
async function listDenied(file: string, ...names: readonly string[]): Promise<readonly string[]> {
  const files = [`${POLICIES}/objects/accounts.yaml`, ...names];
  const { out } = await run('check', '--config', file, '--output', 'json', ...files);
  const { findings } = JSON.parse(out) as {
    readonly findings: readonly { readonly object: { kind: string; name: string }; denied: boolean }[];
  };
  return [...new Set(findings.filter(({ denied }) => denied).map(({ object: { kind, name } }) => `${kind} ${name}`))];
}

const objectsOf = (start: string) =>
  readdirSync(`${POLICIES}/objects`)
    .filter((name) => name.startsWith(start))
    .map((name) => `${POLICIES}/objects/${name}`);

describe.each([
  ['kyverno', 1],
  ['gatekeeper', 1],
] as const)('curfew import %s', (engine, code) => {
  it('prints what replaces the policies, and what of them is left over', async () => {
    const { out, error, ...rest } = await importInto(engine, `${POLICIES}/${engine}`);
    expect(rest.code).toBe(code);
    // The version is that of the day.
    const printed = out.replace(/written by curfew \S+/, 'written by curfew VERSION');
    await expect(printed).toMatchFileSnapshot(`../../golden/import/${engine}.yaml`);
    await expect(error).toMatchFileSnapshot(`../../golden/import/${engine}.txt`);
  });

  it('prints a configuration that is valid', async () => {
    const { file } = await importInto(engine, `${POLICIES}/${engine}`);
    expect(await run('config', 'check', file)).toEqual({ code: 0, out: `${file} is valid\n`, error: '' });
  });
});

describe('what is imported judges as the policies did', () => {
  it('refuses what Kyverno refused, and lets pass what it let pass', async () => {
    const { file } = await importInto('kyverno', `${POLICIES}/kyverno`);
    expect(await listDenied(file, ...objectsOf('bad-'))).toEqual([
      'Pod asks',
      'Pod says-nothing',
      'Deployment says-nothing',
      'Role reads-secrets',
      'ClusterRole everything-of-apps',
      'ClusterRole binds',
      'ClusterRole proxies',
      'ClusterRoleBinding nobody',
      'Secret token',
    ]);
    expect(await listDenied(file, ...objectsOf('good-'))).toEqual([]);
  });

  it('refuses pods where a constraint of Gatekeeper was for pods, and their templates for the pods alone', async () => {
    const { file, out } = await importInto('gatekeeper', `${POLICIES}/gatekeeper`);
    expect(out).not.toContain('enforceTemplates');
    expect(await listDenied(file, ...objectsOf('bad-'))).toEqual([
      'Pod asks',
      'Pod says-nothing',
      'Deployment says-nothing',
    ]);
    expect(await listDenied(file, ...objectsOf('good-'))).toEqual([]);
  });
});

describe('the scope of a rule', () => {
  it('becomes exemptions: namespaces, names and users', async () => {
    const exclude = {
      any: [
        { resources: { namespaces: ['ci-*'], names: ['token-*'] } },
        {
          subjects: [
            { kind: 'Group', name: 'admins' },
            { kind: 'User', name: 'jane' },
          ],
        },
      ],
    };
    const { code, out } = await importText('kyverno', policyOf({}, { exclude }));
    expect(code).toBe(0);
    expect(out).toContain('namespaces:\n          - ci-*\n        names:\n          - token-*\n');
    expect(out).toContain('users:\n          - jane\n');
    expect(out).toContain('groups:\n          - admins\n');
  });

  it('becomes excluded namespaces where every rule leaves them out, but for kube-system', async () => {
    const exclude = { any: [{ resources: { namespaces: ['kube-system', 'old'] } }] };
    const { code, out } = await importText('kyverno', policyOf({}, { exclude }));
    expect(code).toBe(0);
    expect(out).toContain('excludedNamespaces:\n  - old\n');
    expect(out).toContain('namespaces:\n          - kube-system\n');
  });

  it('exempts nothing that another rule of the same check refuses', async () => {
    const exclude = { any: [{ resources: { namespaces: ['old'] } }] };
    const { out } = await importText('kyverno', policyOf({}, { exclude }), policyOf({}, {}, 'b'));
    expect(out).not.toContain('exemptions:');
    expect(out).not.toContain('excludedNamespaces:');
  });

  it('becomes levels of namespaces where all rules are for the same ones', async () => {
    const match = { any: [{ resources: { kinds: ['Secret'], namespaces: ['shop'] } }] };
    const { code, out } = await importText('kyverno', policyOf({}, { match }));
    expect(code).toBe(0);
    expect(out).toContain('levels:\n  enforce: "off"\n');
    expect(out).toContain('namespaces:\n  shop:\n    enforce: baseline\n');
  });

  it.each([
    ['namespaces of one rule of two', { any: [{ resources: { kinds: ['Secret'], namespaces: ['shop'] } }] }],
    ['labels', { any: [{ resources: { kinds: ['Secret'], selector: { matchLabels: { a: 'b' } } } }] }],
    ['labels of namespaces', { any: [{ resources: { kinds: ['Secret'], namespaceSelector: {} } }] }],
    ['rights of whoever asks', { any: [{ resources: { kinds: ['Secret'] }, clusterRoles: ['edit'] }] }],
  ])('holds at warn what was for some objects alone: %s', async (_what, match) => {
    const others = policyOf(
      {},
      {
        match: { any: [{ resources: { kinds: ['ServiceAccount'] } }] },
        validate: { pattern: { automountServiceAccountToken: false } },
      },
      'b',
    );
    const { code, out, error } = await importText('kyverno', policyOf({}, { match }), others);
    expect(code).toBe(1);
    expect(error).toContain('held at warn');
    expect(out).toContain('long-lived-token-secret:\n    mode: warn\n');
  });

  it('says of an exception by labels that it has no words for it', async () => {
    const exclude = { any: [{ resources: { selector: { matchLabels: { a: 'b' } } } }] };
    const { code, error } = await importText('kyverno', policyOf({}, { exclude }));
    expect(code).toBe(1);
    expect(error).toContain('not carried over: an exception by selector (-:1:');
  });

  it('keeps a mutation from objects that it left alone: it reports', async () => {
    const mutate = { patchStrategicMerge: { spec: { automountServiceAccountToken: false } } };
    const match = { any: [{ resources: { kinds: ['Pod'], selector: { matchLabels: { a: 'b' } } } }] };
    const held = await importText('kyverno', policyOf({}, { match, mutate, validate: undefined }));
    expect(held.out).toContain('automount-opt-out:\n    mode: report\n');
    expect(held.out).not.toContain('mutateMode');
    const whole = await importText(
      'kyverno',
      policyOf({}, { match: { any: [{ resources: { kinds: ['Pod'] } }] }, mutate, validate: undefined }),
    );
    expect(whole.code).toBe(0);
    expect(whole.out).toContain('mutate: restricted\n');
    expect(whole.out).toContain('mutateMode: apply\n');
    expect(whole.out).not.toContain('automount-opt-out:\n    mode: report\n');
  });

  it('does not count a rule for kinds that the check does not judge', async () => {
    const match = { any: [{ resources: { kinds: ['Service'] } }] };
    const { code, out, error } = await importText('kyverno', policyOf({}, { match }));
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(error).toContain('why: long-lived-token-secret does not judge Service');
  });
});

it('does not deny what a policy only looked for in what is stored', async () => {
  const { code, out } = await importText('kyverno', policyOf({ admission: false }));
  expect(code).toBe(0);
  expect(out).toContain('long-lived-token-secret:\n    mode: audit\n');
});

describe('what cannot be what it is', () => {
  it.each([
    [
      'an action',
      'apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: a}\nspec:\n  validationFailureAction: Block\n  rules: [{name: one}]\n',
      'curfew: -:5:3: /spec/validationFailureAction "Block" is not allowed; allowed: Enforce, Audit\n',
    ],
    [
      'rules',
      'apiVersion: kyverno.io/v1\nkind: Policy\nmetadata: {name: a}\nspec:\n  rules: none\n',
      'curfew: -:5:3: /spec/rules is not a list of rules\n',
    ],
    [
      'actions of a ValidatingPolicy',
      'apiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata: {name: a}\nspec:\n  validationActions: [Refuse]\n  validations: [{expression: "true"}]\n',
      'curfew: -:5:23: /spec/validationActions/0 "Refuse" is not allowed; allowed: Deny, Warn, Audit\n',
    ],
  ])('is told with its place: %s', async (_what, text, wanted) => {
    const { code, error } = await importText('kyverno', text);
    expect(code).toBe(2);
    expect(error).toContain(wanted);
  });

  it('is told of Gatekeeper too', async () => {
    const text =
      'apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: A\nmetadata: {name: a}\nspec: {enforcementAction: stop}\n';
    const { code, error } = await importText('gatekeeper', text);
    expect(code).toBe(2);
    expect(error).toContain(
      'curfew: -:4:8: /spec/enforcementAction "stop" is not allowed; allowed: deny, warn, dryrun, scoped\n',
    );
  });

  it('costs no other policy, and a file that is not there costs no other file', async () => {
    const { code, out, error } = await run('import', 'kyverno', 'nowhere.yaml', `${POLICIES}/kyverno/secrets.yaml`);
    expect(code).toBe(2);
    expect(error).toContain('curfew: nowhere.yaml:1:1: ENOENT\n');
    expect(out).toContain('long-lived-token-secret:\n    mode: enforce\n');
  });
});

it('passes over what is no policy, and says how much', async () => {
  const { code, error } = await importText(
    'kyverno',
    policyOf({}),
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
  );
  expect({ code, error }).toEqual({ code: 0, error: 'curfew: 1 object passed over: no policies of kyverno\n' });
});

it('names kinds of the engine that no check stands for', async () => {
  const { code, error } = await importText(
    'kyverno',
    'apiVersion: kyverno.io/v2\nkind: ClusterCleanupPolicy\nmetadata: {name: old}\nspec: {schedule: "* * * * *"}\n',
  );
  expect(code).toBe(1);
  expect(error).toContain('left over: ClusterCleanupPolicy old');
});
