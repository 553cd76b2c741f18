/**
 * Pages that are tests: every fenced block of a guide is run against a cluster, from the first to the last, in one empty
 * folder. What a block is, its info string says:
 *
 *     ```yaml web.yaml          a file: written under this name, for the commands after it
 *     ```console                commands, each after `$ ` (a line that ends in a backslash goes on), and what they print
 *     ```console eventually     the same, where a controller takes a moment: run until it prints that, for 30 s at most
 *     ```console not-run        what cannot run in a test; also with yaml, vault and so on as the first word
 *
 * A command prints its standard output and its errors, as a terminal shows them. In what it prints, `...` stands for any
 * characters of a line, and a line of `...` alone for any number of lines; two spaces or more are any number of spaces, as
 * columns are as wide as their names. A command that prints a line beginning with
 * `Error` must fail, any other must not. A block of any other kind is a mistake: nothing on a page is passed over.
 */

import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '../scripts/run-program.ts';

const EVENTUALLY_MS = 30_000;
const POLL_MS = 200;
/** The longest that one command may take, such as an upgrade by Helm. */
const COMMAND_MS = 180_000;
const NOT_RUN = 'not-run';

export type Step = {
  readonly command: string;
  /** What it is to print, line by line. */
  readonly printed: readonly string[];
  readonly line: number;
};

export type Block = { readonly line: number } & (
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  | { readonly kind: 'console'; readonly steps: readonly Step[]; readonly isEventual: boolean }
  | { readonly kind: typeof NOT_RUN; readonly text: string }
);

export type Page = {
  /** Blocks in their order. */
  readonly blocks: readonly Block[];
  /** The first line of each block that is not run. */
  readonly notRun: readonly string[];
  /** The text of the file that the page calls by this name, as it is first. */
  file(name: string): string;
};

/** Reads a page; throws what is wrong with one of its blocks, by file and line. */
export async function readPage(path: string): Promise<Page> {
  return parsePage(await readFile(path, 'utf8'), path);
}

export function parsePage(text: string, path: string): Page {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const info = /^\s*```(.*)$/.exec(lines[index] ?? '')?.[1];
    if (info === undefined) continue;
    const end = lines.findIndex((line, at) => at > index && /^\s*```\s*$/.test(line));
    if (end === -1) throw new Error(`${path}:${index + 1}: the block has no end`);
    try {
      blocks.push(toBlock(info.trim().split(/\s+/), lines.slice(index + 1, end), index + 1));
    } catch (error) {
      throw new Error(`${path}:${index + 1}: ${error instanceof Error ? error.message : 'not understood'}`);
    }
    index = end;
  }
  return {
    blocks,
    notRun: blocks.flatMap((block) => (block.kind === NOT_RUN ? [block.text.split('\n')[0] ?? ''] : [])),
    file: (name) => {
      const found = blocks.find((block) => block.kind === 'file' && block.name === name);
      if (found?.kind !== 'file') throw new Error(`${path}: no block is the file ${name}`);
      return found.text;
    },
  };
}

function toBlock([language = '', ...words]: readonly string[], lines: readonly string[], line: number): Block {
  const text = `${lines.join('\n')}\n`;
  if (words.length === 1 && words[0] === NOT_RUN) return { kind: NOT_RUN, text, line };
  const [word] = words;
  if (language === 'yaml' && words.length === 1 && word !== undefined && /^[\w.-]+\.yaml$/.test(word)) {
    return { kind: 'file', name: word, text, line };
  }
  if (language === 'console' && (words.length === 0 || (words.length === 1 && word === 'eventually'))) {
    return { kind: 'console', steps: toSteps(lines, line), isEventual: word === 'eventually', line };
  }
  const allowed = 'console, console eventually, yaml NAME.yaml, or any language with not-run';
  throw new Error(
    `a block of ${JSON.stringify([language, ...words].join(' '))}, which nobody would run; allowed: ${allowed}`,
  );
}

function toSteps(lines: readonly string[], first: number): readonly Step[] {
  const steps: { command: string; printed: string[]; line: number }[] = [];
  let isOpen = false;
  for (const [index, text] of lines.entries()) {
    const last = steps.at(-1);
    if (isOpen && last !== undefined) last.command += `\n${text}`;
    else if (text.startsWith('$ ')) steps.push({ command: text.slice(2), printed: [], line: first + index + 1 });
    else if (last === undefined) throw new Error('a console block begins with a command, after "$ "');
    else last.printed.push(text);
    isOpen = (isOpen || text.startsWith('$ ')) && text.endsWith('\\');
  }
  if (steps.length === 0) throw new Error('a console block without a command');
  return steps;
}

export type Walk = {
  /** An empty folder. */
  readonly folder: string;
  readonly kubeconfig: string;
  /** Path of the program. */
  readonly kubectl: string;
  /** Path of Helm, for pages that call it; they find this repository's `charts` beside their files. */
  readonly helm?: string;
};

/** Runs the whole page, and returns how many commands were run; throws all that was printed otherwise than it says. */
export async function walk(page: Page, path: string, where: Walk): Promise<number> {
  const programs = join(where.folder, 'bin');
  const files = join(where.folder, 'files');
  await Promise.all([mkdir(programs), mkdir(files)]);
  await symlink(where.kubectl, join(programs, 'kubectl'));
  if (where.helm !== undefined) {
    await symlink(where.helm, join(programs, 'helm'));
    await symlink(join(import.meta.dirname, '..', 'charts'), join(files, 'charts'));
  }
  const env = {
    PATH: `${programs}:${process.env['PATH'] ?? ''}`,
    HOME: where.folder,
    KUBECONFIG: where.kubeconfig,
    KUBECACHEDIR: join(where.folder, 'cache'),
  };
  const wrong: string[] = [];
  let count = 0;
  for (const block of page.blocks) {
    if (block.kind === 'file') await writeFile(join(files, block.name), block.text);
    if (block.kind !== 'console') continue;
    for (const step of block.steps) {
      count += 1;
      const seen = await runStep(step, { env, cwd: files, ms: block.isEventual ? EVENTUALLY_MS : 0 });
      if (seen !== undefined) wrong.push(`${path}:${step.line}: $ ${step.command}\n${seen}`);
    }
  }
  if (wrong.length > 0) throw new Error(`${wrong.length} of ${count} commands did otherwise:\n\n${wrong.join('\n\n')}`);
  return count;
}

type Run = { readonly env: NodeJS.ProcessEnv; readonly cwd: string; readonly ms: number };

/** What was printed in place of what was to be; undefined if it is right within the time there is. */
async function runStep({ command, printed }: Step, { env, cwd, ms }: Run): Promise<string | undefined> {
  const end = performance.now() + ms;
  const shouldFail = printed.some((line) => /^error\b/i.test(line));
  for (;;) {
    const script = `exec 2>&1\n${command}`;
    const { code, stdout } = await runProgram('bash', ['-c', script], { env, cwd, timeoutMs: COMMAND_MS });
    const isRight = matchesPrinted(stdout, printed) && (code !== 0) === shouldFail;
    if (isRight) return undefined;
    if (performance.now() >= end) return `printed, with exit code ${code}:\n${stdout}`;
    await sleep(POLL_MS);
  }
}

/** Whether `text` is what the page shows, where `...` stands for what differs from cluster to cluster. */
export function matchesPrinted(text: string, expected: readonly string[]): boolean {
  const pattern = trimEnd(expected).map((line) =>
    line.trim() === '...'
      ? '(?:.*\\n)*?'
      : `${line.trimEnd().split('...').map(escape).join('.*').replaceAll(/ {2,}/g, ' +')}[ \\t]*\\n`,
  );
  const actual = text.trimEnd() === '' ? '' : `${text.trimEnd()}\n`;
  return new RegExp(`^${pattern.join('')}$`).test(actual);
}

function trimEnd(lines: readonly string[]): readonly string[] {
  return lines.slice(0, lines.findLastIndex((line) => line.trim() !== '') + 1);
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
