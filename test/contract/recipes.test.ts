/** The recipes for pipelines, run as a pipeline runs them: the package installed, their own lines in a shell. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import rootPackage from '../../package.json' with { type: 'json' };
import { asArray, asString, member, valueAt } from '../../src/objects/json.ts';
import { INSTALL_TIMEOUT_MS, INSTALLED_ENV, installPackage } from './install-package.ts';
import { CLEAN, DENIED } from './recipe-manifests.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const RECIPES = join(ROOT, 'examples', 'ci');

let folder = '';
/** A repository with the package in it, which npx takes before it asks a registry. */
let repository = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-recipes-'));
  repository = join(folder, 'repository');
  installPackage(folder, repository);
  mkdirSync(join(repository, 'deploy'));
}, INSTALL_TIMEOUT_MS);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  rmSync(join(repository, 'curfew.xml'), { force: true });
});

function readRecipe(name: string): unknown {
  return parse(readFileSync(join(RECIPES, name), 'utf8'));
}

/** As runners do: each line, until one fails. */
function runLines(lines: readonly string[], manifest: string): { readonly code: number | null; readonly text: string } {
  writeFileSync(join(repository, 'deploy', 'token.yaml'), manifest);
  const env = { ...INSTALLED_ENV, npm_config_offline: 'true' };
  const { status, stdout, stderr } = spawnSync('bash', ['-e', '-c', lines.join('\n')], {
    cwd: repository,
    env,
    encoding: 'utf8',
  });
  return { code: status, text: `${stdout}${stderr}` };
}

const PLACE = 'deploy/token.yaml';

describe('GitHub Actions', () => {
  const steps = asArray(valueAt(readRecipe('github-actions.yaml'), ['jobs', 'tokens', 'steps'])) ?? [];
  const lines = steps.flatMap((step) => asString(member(step, 'run')) ?? []);

  it('annotates the line of what would be denied, and fails', () => {
    const { code, text } = runLines(lines, DENIED);
    expect({ code, text }).toEqual({ code: 1, text: expect.stringContaining(`::error file=${PLACE},line=7`) });
  });

  it('passes what is clean', () => {
    expect(runLines(lines, CLEAN)).toMatchObject({ code: 0 });
  });

  it('uses the actions at the commits that our own workflow uses', () => {
    const ours = readFileSync(join(ROOT, '.github', 'workflows', 'ci.yml'), 'utf8');
    const uses = steps.flatMap((step) => asString(member(step, 'uses')) ?? []);
    expect(uses.length).toBeGreaterThan(1);
    for (const action of uses) expect(ours).toContain(action);
  });
});

describe('GitLab', () => {
  const job = member(readRecipe('gitlab-ci.yml'), 'curfew');
  const lines = (asArray(member(job, 'script')) ?? []).flatMap((line) => asString(line) ?? []);

  it('leaves the report that it names, with the failure, and fails', () => {
    const { code } = runLines(lines, DENIED);
    expect(code).toBe(1);
    const report = asString(valueAt(job, ['artifacts', 'reports', 'junit'])) ?? '';
    expect(readFileSync(join(repository, report), 'utf8')).toContain('long-lived-token-secret');
    expect(valueAt(job, ['artifacts', 'when'])).toBe('always');
  });

  it('passes what is clean', () => {
    expect(runLines(lines, CLEAN)).toMatchObject({ code: 0 });
    expect(existsSync(join(repository, 'curfew.xml'))).toBe(true);
  });
});

describe('pre-commit', () => {
  const hook = valueAt(readRecipe('pre-commit-config.yaml'), ['repos', 0, 'hooks', 0]);
  const lines = [asString(member(hook, 'entry')) ?? ''];

  it('fails for what would be denied, and names its line', () => {
    const { code, text } = runLines(lines, DENIED);
    expect({ code, text }).toEqual({ code: 1, text: expect.stringContaining(`${PLACE}:1:1`) });
    expect(text).toContain('long-lived-token-secret at /type (line 7)');
  });

  it('passes what is clean', () => {
    expect(runLines(lines, CLEAN)).toMatchObject({ code: 0 });
  });

  it('is run for manifests and the configuration, and for no other file', () => {
    const files = new RegExp(asString(member(hook, 'files')) ?? '$^');
    expect(
      ['deploy/a.yaml', 'deploy/b/c.yml', 'deploy/d.json', 'curfew.yaml'].filter((one) => !files.test(one)),
    ).toEqual([]);
    expect(['src/a.yaml', 'deploy/README.md', 'a-curfew.yaml'].filter((one) => files.test(one))).toEqual([]);
  });
});

describe.each(['github-actions.yaml', 'gitlab-ci.yml', 'pre-commit-config.yaml'])('%s', (name) => {
  it('takes the version of this repository', () => {
    const versions = readFileSync(join(RECIPES, name), 'utf8').match(/curfew@[\w.-]+/g) ?? [];
    expect(new Set(versions)).toEqual(new Set([`curfew@${rootPackage.version}`]));
  });
});
