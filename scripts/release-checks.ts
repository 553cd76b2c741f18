/** What must agree before a version is released: read from the files alone, so that each has a sentence of its own. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

export type ReleaseCheck = {
  /** The folder of the repository. */
  readonly root: string;
  /** Such as `v0.1.0`; undefined before there is one. */
  readonly tag?: string | undefined;
};

export type ReleaseFindings = {
  readonly version: string;
  /** Sentences; a release with one of them is none. */
  readonly problems: readonly string[];
  /** Of this version in the changelog, for the release's page. */
  readonly notes: string;
};

const UNRELEASED = 'Unreleased';

/** Compares package, lock file, chart, changelog and tag. */
export async function checkRelease({ root, tag }: ReleaseCheck): Promise<ReleaseFindings> {
  const read = async (path: string): Promise<string> => await readFile(join(root, path), 'utf8');
  const { version } = JSON.parse(await read('package.json')) as { readonly version: string };
  const lock = JSON.parse(await read('package-lock.json')) as Lock;
  const chart = parse(await read('charts/curfew/Chart.yaml')) as {
    readonly version: unknown;
    readonly appVersion: unknown;
  };
  const problems: string[] = [];

  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) {
    problems.push(`package.json: version ${JSON.stringify(version)} is no semantic version.`);
  }
  const others: readonly (readonly [string, unknown])[] = [
    ['package-lock.json: version', lock.version],
    ['package-lock.json: packages[""].version', lock.packages['']?.version],
    ['charts/curfew/Chart.yaml: version', chart.version],
    ['charts/curfew/Chart.yaml: appVersion', chart.appVersion],
  ];
  for (const [where, found] of others) {
    if (found !== version) problems.push(`${where} is ${JSON.stringify(found)}, and package.json says "${version}".`);
  }
  if (tag !== undefined && tag !== `v${version}`) {
    problems.push(`The tag is ${tag}, and package.json says "${version}": the tag of it is v${version}.`);
  }
  const changelog = await read('CHANGELOG.md');
  const named = findSection(changelog, version);
  // Before the tag the notes stand under Unreleased; a tag makes them those of the version.
  const notes = named ?? (tag === undefined ? findSection(changelog, UNRELEASED) : undefined);
  if (notes === undefined) {
    problems.push(
      `CHANGELOG.md has no section "## ${version}"${tag === undefined ? ` and none "## ${UNRELEASED}"` : ''}.`,
    );
  } else if (notes === '') {
    problems.push('CHANGELOG.md says nothing of this version.');
  }
  problems.push(...listUnhashed(lock));
  return { version, problems, notes: notes ?? '' };
}

type Lock = {
  readonly version?: string;
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly integrity?: string } | undefined>>;
};

/** Without its hash a package is whatever a registry answers. */
function listUnhashed({ packages }: Lock): readonly string[] {
  return Object.entries(packages)
    .filter(([path, entry]) => path !== '' && !/^sha512-\S{88}$/.test(entry?.integrity ?? ''))
    .map(
      ([path]) =>
        `package-lock.json: ${path} has no sha512: take its entry out and run npm install --package-lock-only.`,
    );
}

/** The text below `## NAME`, which may be followed by a date; undefined if there is no such heading. */
function findSection(changelog: string, name: string): string | undefined {
  const lines = changelog.split('\n');
  const start = lines.findIndex((line) => line.startsWith('## ') && line.slice(3).split(/[ (]/)[0] === name);
  if (start === -1) return undefined;
  const end = lines.findIndex((line, at) => at > start && line.startsWith('## '));
  return lines
    .slice(start + 1, end === -1 ? undefined : end)
    .join('\n')
    .trim();
}
