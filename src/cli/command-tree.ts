/** All commands as data, read from the parser's tree: completion, the man page and the reference are made of it. */

import type { Argument, Command, Option } from 'commander';

/** One command with the words that lead to it: `['config', 'check']`; the program itself has none. */
export type CommandNode = {
  readonly path: readonly string[];
  readonly description: string;
  /** What follows the words: `[options] <file>`. */
  readonly usage: string;
  readonly children: readonly { readonly name: string; readonly description: string }[];
  readonly arguments: readonly Argument[];
  readonly options: readonly Option[];
  /** Lines to be pasted into a shell, as `--help` tells them. */
  readonly examples: readonly string[];
};

/** The program, and below it every command in the order of `--help`. */
export function listCommands(program: Command): readonly CommandNode[] {
  return listBelow(program, []);
}

function listBelow(command: Command, path: readonly string[]): readonly CommandNode[] {
  const children = command.commands;
  return [
    {
      path,
      description: command.description(),
      usage: command.usage(),
      children: children.map((child) => ({ name: child.name(), description: child.description() })),
      arguments: command.registeredArguments,
      options: command.options.filter(({ hidden }) => !hidden),
      examples: readExamples(command),
    },
    ...children.flatMap((child) => listBelow(child, [...path, child.name()])),
  ];
}

/** The parser keeps what was added to a help text to itself, so the help is printed and read. */
function readExamples(command: Command): readonly string[] {
  let help = '';
  const output = command.configureOutput();
  command.configureOutput({ ...output, writeOut: (text) => (help += text) });
  command.outputHelp();
  command.configureOutput(output);
  const [, examples = ''] = help.split('\nExamples:\n');
  return (examples.split('\n\n')[0] ?? '').split('\n').flatMap((line) => (line === '' ? [] : [line.trim()]));
}
