import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckReportSchema } from '../../../src/manifests/check-report.ts';
import { run, runWith } from './run-command.ts';

const SECRET = `apiVersion: v1
kind: Secret
metadata: {name: ci-token, namespace: ci, annotations: {kubernetes.io/service-account.name: ci}}
type: kubernetes.io/service-account-token
`;
const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers:
        - name: app
          image: registry.example/web:1
          volumeMounts:
            - {name: vault, mountPath: /vault}
      volumes:
        - name: vault
          projected:
            sources:
              - serviceAccountToken: {path: token, audience: vault, expirationSeconds: 172800}
`;
const ACCOUNT = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: shop}\n';
const DOCUMENTED = `${ACCOUNT.trimEnd().slice(0, -1)}, annotations: {curfew.dev/api-access: watches pods}}\n`;
const CLEAN = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n';

let folder = '';
const cwd = process.cwd();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-check-'));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(cwd);
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), text);
  return name;
}

describe('curfew check says', () => {
  it.each<[string, string, readonly string[], number]>([
    ['that a Secret is denied', SECRET, [], 1],
    ['that the pods of a Deployment are denied', DEPLOYMENT, [], 1],
    ['that nothing is wrong', CLEAN, [], 0],
    ['what it cannot know', DEPLOYMENT.replace('172800', '600'), ['--level', 'restricted'], 2],
    [
      'of a pod alone that it cannot know',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {serviceAccountName: web, containers: [{name: app, image: x}]}\n',
      ['--level', 'restricted'],
      2,
    ],
    [
      'nothing of what could not be denied in kube-system',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: kube-system}\nspec: {serviceAccountName: web, containers: [{name: app, image: x}]}\n',
      ['--level', 'restricted'],
      0,
    ],
    [
      'what it can know together',
      `${DEPLOYMENT.replace('172800', '600')}---\n${DOCUMENTED}`,
      ['--level', 'restricted'],
      0,
    ],
    ['that an account is not documented', `${DEPLOYMENT}---\n${ACCOUNT}`, ['--level', 'restricted'], 1],
    ['what is broken, and the rest', `a: [\n---\n${SECRET}`, [], 2],
    [
      'that a label of a namespace means nothing',
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {curfew.dev/enforce: high}}\n',
      [],
      1,
    ],
    [
      'the wrong annotation of a pod',
      DEPLOYMENT.replace(
        'labels: {app: web}}\n    spec',
        'labels: {app: web}, annotations: {tokens.curfew.dev/aws: "{audience: 1}"}}\n    spec',
      ),
      [],
      1,
    ],
  ])('%s', async (what, text, args, exit) => {
    const { code, out, error } = await runWith({ input: text }, 'check', ...args, '-');
    expect({ code, error }).toEqual({ code: exit, error: '' });
    await expect(out).toMatchFileSnapshot(goldenFile(what));
  });
});

describe('The forms', () => {
  it.each(['table', 'json', 'sarif', 'junit', 'github'])('%s say the same', async (output) => {
    write('deploy/a.yaml', `${SECRET}---\n${DEPLOYMENT}`);
    write('deploy/b,c%.yaml', `${CLEAN}---\nbroken: [\n`);
    const { code, out } = await run('check', '--output', output, 'deploy');
    expect(code).toBe(2);
    await expect(out).toMatchFileSnapshot(goldenFile(`form ${output}`));
  });

  it('json keeps to the published schema', async () => {
    const { out } = await runWith({ input: `${SECRET}---\n${DEPLOYMENT}---\na: [` }, 'check', '-o', 'json', '-');
    const validate = new Ajv({ strict: false }).compile(CheckReportSchema);
    expect({ isValid: validate(JSON.parse(out)), errors: validate.errors }).toEqual({ isValid: true, errors: null });
    expect(validate({ ...JSON.parse(out), more: 1 })).toBe(false);
  });
});

describe('The files', () => {
  it('of a folder are read in order, without links, hidden folders and what others put there', async () => {
    write('k8s/b/two.yml', SECRET.replace('ci-token', 'two'));
    write('k8s/a/one.yaml', SECRET.replace('ci-token', 'one'));
    write(
      'k8s/three.json',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'three' },
        type: 'kubernetes.io/service-account-token',
      }),
    );
    for (const skipped of ['.git/x.yaml', 'node_modules/x.yaml', 'notes.md']) write(`k8s/${skipped}`, SECRET);
    symlinkSync('/', join(folder, 'k8s', 'loop'));
    const { out } = await run('check', '-o', 'json', 'k8s');
    const { findings, summary } = JSON.parse(out);
    expect(findings.map((finding: { file: string }) => finding.file)).toEqual([
      'k8s/a/one.yaml',
      'k8s/b/two.yml',
      'k8s/three.json',
    ]);
    expect(findings[2].object.namespace).toBe('default');
    expect(summary).toMatchObject({ files: 3, objects: 3, denied: 3, faults: 0 });
  });

  it('that cannot be read are faults beside what can', async () => {
    write('a.yaml', SECRET);
    mkdirSync(join(folder, 'empty'));
    const { code, out } = await run('check', 'missing.yaml', 'a.yaml', 'empty');
    expect(code).toBe(2);
    expect(out).toContain('missing.yaml:1:1: cannot be read: ENOENT');
    expect(out).toContain('empty:1:1: cannot be read: no file in it ends with .yaml, .yml, .json');
    expect(out).toContain('Secret ci/ci-token: 1 problem');
  });

  it('of none of which anything is a manifest are no success', async () => {
    write('values.yaml', 'image: {tag: 1}\n');
    const { code, out } = await run('check', 'values.yaml');
    expect({ code, out }).toEqual({
      code: 2,
      out: 'values.yaml:1:1: cannot be read: there is no Kubernetes object in it\n\n0 objects in 1 file, 0 of kinds that a rule reads: 0 denied, 0 warnings, 1 could not be read\n',
    });
  });
});

describe('The configuration', () => {
  const HEAD = 'apiVersion: curfew.dev/v1alpha1\nkind: CurfewConfiguration\n';

  it('lies in the working directory, which is said, and is no manifest', async () => {
    write('curfew.yaml', `${HEAD}dryRun: true\n`);
    write('a.yaml', SECRET);
    const { code, out, error } = await run('check', '.');
    expect({ code, error }).toEqual({ code: 0, error: 'curfew: configuration from curfew.yaml\n' });
    expect(out).toContain('Warning: curfew long-lived-token-secret (would deny): ');
    expect(out).toMatch(/1 object in 1 file, .*: 0 denied/);
  });

  it('may be named, and exempts', async () => {
    const rule =
      '{ name: ci, checks: [long-lived-token-secret], match: { namespaces: [ci] }, reason: old, owner: team-a, permanent: true }';
    write('other.yaml', `${HEAD}exemptions:\n  rules:\n    - ${rule}\n`);
    write('a.yaml', SECRET);
    const { code, out, error } = await run('check', '--config', 'other.yaml', 'a.yaml');
    expect({ code, error }).toEqual({ code: 0, error: '' });
    expect(out).toContain('1 exempted');
  });

  it('that is wrong is a reason not to judge', async () => {
    write('other.yaml', `${HEAD}dryRun: perhaps\n`);
    write('a.yaml', SECRET);
    const { code, out, error } = await run('check', '--config', 'other.yaml', 'a.yaml');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(error).toContain('other.yaml:3:9: /dryRun');
  });
});

describe('Repairs', () => {
  const BAD = `${DEPLOYMENT}---\n${DOCUMENTED}`;

  it('are shown as a patch, and nothing is written', async () => {
    write('deploy/a.yaml', BAD);
    const { code, out } = await run('check', '--diff', 'deploy');
    expect(code).toBe(1);
    await expect(out).toMatchFileSnapshot(goldenFile('diff'));
    expect(readFileSync('deploy/a.yaml', 'utf8')).toBe(BAD);
  });

  it('are written, said, and judged again', async () => {
    write('deploy/a.yaml', BAD);
    const { code, out, error } = await run('check', '--fix', 'deploy');
    expect({ code, error }).toEqual({ code: 0, error: 'curfew: 1 value written into deploy/a.yaml\n' });
    expect(out).toContain('2 objects in 1 file, 2 of kinds that a rule reads: 0 denied, 0 warnings\n');
    // What is enforced allows a day, what is only warned of an hour.
    expect(readFileSync('deploy/a.yaml', 'utf8')).toBe(BAD.replace('172800', '3600'));
    expect(await run('check', '--fix', 'deploy')).toMatchObject({ code: 0, error: '' });
  });

  it('of standard input can only be shown', async () => {
    const { code, error } = await runWith({ input: BAD }, 'check', '--fix', '-');
    expect({ code, error }).toEqual({
      code: 2,
      error: 'curfew: standard input cannot be repaired; name files, or use --diff\n',
    });
    expect((await runWith({ input: BAD }, 'check', '--diff', '-')).out).toContain('+++ b/stdin');
  });
});

describe('The command line', () => {
  it.each([
    [['check']],
    [['check', '--level', 'privileged', '-']],
    [['check', '-n', 'Shop', '-']],
    [['check', '-o', 'xml', '-']],
  ])('%j is wrong', async (argv) => {
    const { code, out, error } = await run(...argv);
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(error).toContain('error: ');
  });

  it('draws a bar on a terminal for many objects, and takes it away; never elsewhere', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => CLEAN.replace('name: a', `name: a${index}`)).join('---\n');
    const { drawn, error } = await runWith({ input: many, columns: 80 }, 'check', '-');
    expect(drawn).toContain('[====================                    ] 50 % of 1000 objects');
    expect(drawn.endsWith('\r\u001B[2K')).toBe(true);
    expect(drawn.split('\r').length).toBeLessThan(110);
    expect(error).toBe('');
    expect((await runWith({ input: many }, 'check', '-')).drawn).toBe('');
    expect((await runWith({ input: CLEAN, columns: 80 }, 'check', '-')).drawn).toBe('');
  });
});

function goldenFile(what: string): string {
  return join(import.meta.dirname, '../../golden/check', `${what.replaceAll(/[^a-z]+/g, '-')}.txt`);
}
