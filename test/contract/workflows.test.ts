/** The workflows that may publish in our name: who may do what in them, and what they are made of. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { asArray, asString, isObject, type JsonObject, member, valueAt } from '../../src/objects/json.ts';

const FOLDER = join(import.meta.dirname, '..', '..', '.github', 'workflows');
const WORKFLOWS = readdirSync(FOLDER).map((file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  const content: unknown = parse(text);
  return { file, text, content, jobs: Object.entries(toObject(member(content, 'jobs'))) };
});
const RELEASE = WORKFLOWS.find(({ file }) => file === 'release.yml');
const jobsOfRelease = new Map(RELEASE?.jobs);

/** What each job of a release may do; whatever is not here it may not. */
const RIGHTS: Readonly<Record<string, JsonObject>> = {
  test: { contents: 'read' },
  image: { contents: 'read', packages: 'write' },
  'sign-image': { contents: 'read', packages: 'write', 'id-token': 'write', attestations: 'write' },
  chart: { contents: 'read', packages: 'write', 'id-token': 'write', attestations: 'write' },
  npm: { 'id-token': 'write' },
  page: { contents: 'write' },
};

describe.each(WORKFLOWS)('$file', ({ text, content, jobs }) => {
  it('runs no code of a stranger with our rights', () => {
    // That event gives the rights of this repository to what somebody else wrote.
    expect(text).not.toContain('pull_request_target');
    expect(text).not.toContain('workflow_run');
    // What a shell is handed comes by its environment: an expression inside a script is pasted into it.
    for (const run of stepsOf(jobs).map((step) => asString(member(step, 'run')) ?? ''))
      expect(run).not.toContain('${{');
  });

  it('pins each action by its whole commit, with the version beside it', () => {
    const uses = text.match(/^.*\buses:.*$/gm) ?? [];
    expect(uses.length).toBeGreaterThan(3);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    expect(text).not.toMatch(/[:@-]latest\b/);
  });

  it('pins the same action by the same commit everywhere', () => {
    const all = WORKFLOWS.flatMap((workflow) => workflow.text.match(/[\w-]+\/[\w-]+@[0-9a-f]{40} # v[\d.]+/g) ?? []);
    const names = new Set(all.map((pin) => pin.split('@')[0]));
    expect(new Set(all).size).toBe(names.size);
  });

  it('leaves no token in the work tree, and may read and no more unless a job says so', () => {
    const checkouts = stepsOf(jobs).filter((step) =>
      (asString(member(step, 'uses')) ?? '').startsWith('actions/checkout@'),
    );
    expect(checkouts.length).toBeGreaterThan(0);
    for (const step of checkouts) expect(valueAt(step, ['with', 'persist-credentials'])).toBe(false);
    expect([{}, { contents: 'read' }]).toContainEqual(member(content, 'permissions'));
  });

  it('has an end to each job, and installs what is locked', () => {
    for (const [name, job] of jobs) {
      expect({ name, minutes: Number(member(job, 'timeout-minutes')) > 0 }).toEqual({ name, minutes: true });
    }
    expect(text).not.toMatch(/npm (install|i)\b/);
  });
});

describe('A release', () => {
  it('is begun by a tag of a version alone', () => {
    expect(member(RELEASE?.content, 'on')).toEqual({ push: { tags: ['v[0-9]+.[0-9]+.[0-9]+*'] } });
    expect(member(RELEASE?.content, 'permissions')).toEqual({});
  });

  it('gives each job the rights that its work takes, and no other', () => {
    const rights = Object.fromEntries([...jobsOfRelease].map(([name, job]) => [name, member(job, 'permissions')]));
    expect(rights).toEqual(RIGHTS);
  });

  it('publishes nothing before the tests have passed', () => {
    const before = (name: string): readonly string[] => {
      const needs = member(jobsOfRelease.get(name), 'needs');
      const direct = (Array.isArray(needs) ? needs : [needs]).flatMap((need) => asString(need) ?? []);
      return [...direct, ...direct.flatMap(before)];
    };
    for (const name of jobsOfRelease.keys()) {
      if (name !== 'test') expect(before(name)).toContain('test');
    }
    const test = runsOf('test');
    expect(test.indexOf('npm run release -- check --tag "$GITHUB_REF_NAME"')).toBeGreaterThan(test.indexOf('npm ci'));
    expect(test).toContain('npm test');
  });

  it('is checked and built by the script that runs here too', () => {
    for (const [job, command] of [
      ['test', 'check --tag "$GITHUB_REF_NAME"'],
      ['image', 'sbom image.tar '],
      ['chart', 'build --image-digest "$DIGEST"'],
      ['page', 'notes --tag "$GITHUB_REF_NAME"'],
    ] as const) {
      expect(runsOf(job).join('\n')).toContain(`release -- ${command}`);
    }
  });

  it('signs by what things are and not by what they are called, and says how they were made', () => {
    const text = RELEASE?.text ?? '';
    const signed = [...text.matchAll(/cosign (?:sign|attest) .*?"([^"]*@[^"]*)/g)].map(([, subject = '']) => subject);
    expect(signed).toHaveLength(3);
    for (const subject of signed) expect(subject).toMatch(/@\$(DIGEST|digest|\(cat $)/);
    expect(text).toContain('npm publish --provenance');
    expect(text.match(/attest-build-provenance@/g)).toHaveLength(2);
    expect(text).toContain('--type cyclonedx');
    expect(text).toContain('cosign sign-blob --yes --bundle');
    // No key and no token that somebody would have to keep.
    expect([...text.matchAll(/secrets\.(\w+)/g)].map(([, name]) => name)).toEqual(Array(4).fill('GITHUB_TOKEN'));
  });

  it('is for both platforms, each built and described on its own', () => {
    const include = asArray(valueAt(jobsOfRelease.get('image'), ['strategy', 'matrix', 'include']));
    expect(include.map((each) => member(each, 'arch'))).toEqual(['amd64', 'arm64']);
  });
});

function toObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function stepsOf(jobs: readonly (readonly [string, unknown])[]): readonly unknown[] {
  return jobs.flatMap(([, job]) => asArray(member(job, 'steps')));
}

function runsOf(name: string): readonly string[] {
  return stepsOf([[name, jobsOfRelease.get(name)]]).flatMap((step) => asString(member(step, 'run')) ?? []);
}
