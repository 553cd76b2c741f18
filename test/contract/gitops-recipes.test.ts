/** Recipes for what applies manifests by itself, run as it runs them: their own lines, kubectl, and the real command line. */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import rootPackage from '../../package.json' with { type: 'json' };
import { findTools } from '../../scripts/tools.ts';
import { asArray, asString, member, valueAt } from '../../src/objects/json.ts';
import { CLEAN, DENIED } from './recipe-manifests.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const BUILD_MS = 600_000;

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-gitops-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const { kubectl } = await findTools(['kubectl']);
  symlinkSync(kubectl, join(bin, 'kubectl'));
  const call = `exec '${process.execPath}' '${join(ROOT, 'src/main.ts')}'`;
  // npx, where the package of this version is installed.
  const npx = `#!/bin/sh\n[ "$1 $2" = "--yes curfew@${rootPackage.version}" ] || exit 127\nshift 2\n${call} "$@"\n`;
  for (const [name, script] of Object.entries({ curfew: `#!/bin/sh\n${call} "$@"\n`, npx })) {
    writeFileSync(join(bin, name), script);
    chmodSync(join(bin, name), 0o755);
  }
}, BUILD_MS);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A folder with a kustomization of this one manifest. */
function kustomize(path: string, manifest: string): string {
  const place = join(folder, path);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'kustomization.yaml'), 'resources: [token.yaml]\n');
  writeFileSync(join(place, 'token.yaml'), manifest);
  return place;
}

function run(command: string, args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
  const PATH = `${join(folder, 'bin')}:/usr/bin:/bin`;
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env: { PATH, ...env }, encoding: 'utf8' });
  return { code: status, out: stdout, error: stderr };
}

describe('The plugin of Argo CD', () => {
  const generate = valueAt(parse(readFileSync(join(ROOT, 'examples/ci/argocd-plugin.yaml'), 'utf8')), [
    'spec',
    'generate',
  ]);
  const [command = '', ...args] = [...asArray(member(generate, 'command')), ...asArray(member(generate, 'args'))].map(
    String,
  );

  it('hands over what is clean as it was rendered, and nothing else', () => {
    const { code, out } = run(command, args, kustomize('argo/clean', CLEAN), { ARGOCD_APP_NAMESPACE: 'shop' });
    expect({ code, objects: parse(out) }).toEqual({ code: 0, objects: parse(CLEAN) });
  });

  it('hands over nothing of what would be denied, and says why, in the namespace of the Application', () => {
    const { code, out, error } = run(command, args, kustomize('argo/denied', DENIED), { ARGOCD_APP_NAMESPACE: 'shop' });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(error).toContain('Secret shop/ci-token: 1 problem');
  });

  it('fails where nothing can be rendered', () => {
    const empty = join(folder, 'argo/empty');
    mkdirSync(empty, { recursive: true });
    expect(run(command, args, empty).out).toBe('');
    expect(run(command, args, empty).code).not.toBe(0);
  });
});

describe('The check for Flux', () => {
  const script = join(ROOT, 'examples/ci/flux-check.sh');
  const kustomization = (name: string, path: string, more = '') =>
    `apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: ${name}\nspec:\n  path: ${path}\n${more}`;

  function writeCluster(repository: string, ...documents: readonly string[]): string {
    const place = join(folder, repository);
    mkdirSync(join(place, 'clusters/production'), { recursive: true });
    writeFileSync(join(place, 'clusters/production/apps.yaml'), documents.join('---\n'));
    return place;
  }

  it('judges what each Kustomization names, in its namespace, and fails by the worst', () => {
    kustomize('flux/apps/web', CLEAN);
    kustomize('flux/apps/ci', DENIED);
    const documents = [
      kustomization('web', './apps/web'),
      kustomization('ci', '"./apps/ci"', '  targetNamespace: shop\n'),
    ];
    const { code, out } = run(script, [], writeCluster('flux', ...documents));
    expect(code).toBe(1);
    expect(out).toContain('== ./apps/web, in namespace default\n');
    expect(out).toContain('== ./apps/ci, in namespace shop\n');
    expect(out).toContain('Secret shop/ci-token: 1 problem');
  });

  it('passes what is clean', () => {
    kustomize('flux-clean/apps/web', CLEAN);
    expect(run(script, ['clusters'], writeCluster('flux-clean', kustomization('web', './apps/web')))).toMatchObject({
      code: 0,
    });
  });

  it.each([
    ['there is nothing to judge', [CLEAN]],
    ['what is named is not there', [kustomization('web', './apps/gone')]],
  ])('does not pass where %s', (what, documents) => {
    expect(run(script, [], writeCluster(`flux-${what.length}`, ...documents))).toMatchObject({ code: 2 });
  });
});

describe('The hook for pre-commit', () => {
  const hook = valueAt(parse(readFileSync(join(ROOT, '.pre-commit-hooks.yaml'), 'utf8')), [0]);
  const read = (key: string) => asString(member(hook, key)) ?? '';

  it.each([
    ['fails for what would be denied', DENIED, 1],
    ['passes what is clean', CLEAN, 0],
  ])('%s', (what, manifest, wanted) => {
    const repository = join(folder, `hook-${what.length}`);
    mkdirSync(join(repository, 'deploy'), { recursive: true });
    writeFileSync(join(repository, 'deploy/token.yaml'), manifest);
    const [entry = '', ...words] = [...read('entry').split(' '), ...asArray(member(hook, 'args')).map(String)];
    const { code, out } = run(entry, words, repository);
    expect(code).toBe(wanted);
    if (wanted === 1) expect(out).toContain('deploy/token.yaml:1:1');
  });

  it('has what pre-commit takes, for manifests alone', () => {
    expect(read('id')).toBe('curfew-check');
    expect(read('language')).toBe('system');
    expect(member(hook, 'pass_filenames')).toBe(false);
    const files = new RegExp(read('files'));
    expect(['a.yaml', 'b/c.yml', 'd.json'].every((name) => files.test(name))).toBe(true);
    expect(files.test('README.md')).toBe(false);
  });
});

it.each(['.pre-commit-hooks.yaml', 'examples/ci/argocd-plugin.yaml'])(
  '%s takes the version of this repository',
  (name) => {
    const versions = readFileSync(join(ROOT, name), 'utf8').match(/curfew@[\w.-]+/g) ?? [];
    expect(new Set(versions.map((version) => version.replace(/[).]+$/, '')))).toEqual(
      new Set([`curfew@${rootPackage.version}`]),
    );
  },
);
