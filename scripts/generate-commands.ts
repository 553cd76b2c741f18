/** The reference of the command line and its man page, made of the parser's tree. */

import type { Argument, Option } from 'commander';
import { type CommandNode, listCommands } from '../src/cli/command-tree.ts';
import { EXIT_CODES } from '../src/cli/commands/context.ts';
import { createProgram } from '../src/cli/commands/program.ts';
import { VERSION } from '../src/version.ts';
import { toPage, toTable } from './generate-markdown.ts';

/** What commands read besides their arguments. */
const ENVIRONMENT = [
  ['KUBECONFIG', 'path of the kubeconfig, where --kubeconfig does not name one'],
  ['./curfew.yaml', 'configuration that curfew check takes where --config does not name one; it says so'],
] as const;

/** docs/reference/commands.md */
export function renderCommands(): string {
  const codes = EXIT_CODES.map(([code, meaning]) => [`\`${code}\``, meaning]);
  return toPage('Commands', [
    'Each is one of `npx curfew`, of the image, and of `kubectl curfew`. Results are written to standard output; what a person',
    'should know beside them, and a progress bar on a terminal, to standard error.',
    '',
    toTable(['exit code', 'meaning'], codes),
    toTable(
      ['read', 'for what'],
      ENVIRONMENT.map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
    ...readCommands().flatMap(renderCommand),
  ]);
}

function renderCommand(node: CommandNode): readonly string[] {
  const { description, examples, children, options } = node;
  const argumentsSaid = node.arguments.filter((argument) => argument.description !== '');
  return [
    `## ${nameOf(node)}`,
    '',
    description,
    '',
    '```',
    `${nameOf(node)} ${node.usage}`,
    '```',
    '',
    ...(children.length === 0
      ? []
      : [
          toTable(
            ['command', 'what it does'],
            children.map(({ name, description: of }) => [`\`${name}\``, of]),
          ),
        ]),
    ...(argumentsSaid.length === 0
      ? []
      : [
          toTable(
            ['argument', 'meaning'],
            argumentsSaid.map((argument) => [`\`${argument.name()}\``, describe(argument)]),
          ),
        ]),
    ...(options.length === 0
      ? []
      : [
          toTable(
            ['option', 'meaning'],
            options.map((option) => [`\`${option.flags}\``, describe(option)]),
          ),
        ]),
    '```',
    ...examples,
    '```',
    '',
  ];
}

/** man/curfew.1, in the macros of man(7). */
export function renderManPage(): string {
  const [program, ...commands] = readCommands();
  if (program === undefined) throw new Error('there is no program');
  return [
    `.TH CURFEW 1 "" "curfew ${toRoff(VERSION)}" "Curfew"`,
    '.SH NAME',
    `curfew \\- ${toRoff(program.description)}`,
    '.SH SYNOPSIS',
    `.B curfew\n${toRoff(program.usage)}`,
    '.SH DESCRIPTION',
    'Curfew is an admission webhook server for Kubernetes, and these commands: they say of files and of a cluster what the',
    'webhook would say, by the same rules.',
    '.SH COMMANDS',
    ...commands.flatMap((node) => [
      `.SS "${toRoff(nameOf(node))} ${toRoff(node.usage)}"`,
      toRoff(node.description),
      ...[...node.arguments.map((one) => [one.name(), describe(one)] as const), ...listOptions(node)].flatMap(
        ([name, meaning]) => (meaning === '' ? [] : ['.TP', `.B "${toRoff(name)}"`, toRoff(meaning)]),
      ),
      '.PP',
      '.EX',
      ...node.examples.map(toRoff),
      '.EE',
    ]),
    '.SH "EXIT STATUS"',
    ...EXIT_CODES.flatMap(([code, meaning]) => ['.TP', `.B ${code}`, toRoff(meaning)]),
    '.SH "ENVIRONMENT AND FILES"',
    ...ENVIRONMENT.flatMap(([name, meaning]) => ['.TP', `.B "${toRoff(name)}"`, toRoff(meaning)]),
    '.SH "SEE ALSO"',
    '.BR kubectl (1)',
    '',
  ].join('\n');
}

function listOptions({ options }: CommandNode): readonly (readonly [string, string])[] {
  return options.map((option) => [option.flags, describe(option)]);
}

/** With its values and its default, as `--help` has them. */
function describe({ description, argChoices, defaultValue, defaultValueDescription }: Argument | Option): string {
  const isSaid = typeof defaultValue === 'string' || typeof defaultValue === 'number';
  const preset = defaultValueDescription ?? (isSaid ? String(defaultValue) : undefined);
  const more = [
    ...(argChoices === undefined ? [] : [`one of ${argChoices.join(', ')}`]),
    ...(preset === undefined ? [] : [`default: ${preset}`]),
  ];
  return more.length === 0 ? description : `${description} (${more.join('; ')})`;
}

/** Backslashes are escapes, a hyphen is a minus to be copied, and a point or quote that begins a line is a request. */
function toRoff(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('"', '\\(dq').replace(/^[.']/, '\\&$&');
}

function nameOf({ path }: CommandNode): string {
  return ['curfew', ...path].join(' ');
}

function readCommands(): readonly CommandNode[] {
  const silent = () => {};
  const input = (async function* () {})();
  const io = { write: silent, writeError: silent, input, terminal: undefined, signal: AbortSignal.abort() };
  return listCommands(createProgram({ io, outcome: { code: 0, failure: 1 } }));
}
