/** Completion of bash, zsh and fish, written from the tree of commands: nothing runs when a key is pressed. */

import type { Command, Option } from 'commander';
import type { CommandNode } from './command-tree.ts';
import { listCommands } from './command-tree.ts';
import type { Shell } from './commands/completion.ts';

/** The script for `shell`; the names that it completes are `curfew` and `kubectl-curfew`. */
export function renderCompletion(program: Command, shell: Shell): string {
  const nodes = listCommands(program);
  switch (shell) {
    case 'bash':
      return renderBash(nodes);
    case 'zsh':
      return `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${renderBash(nodes)}`;
    case 'fish':
      return renderFish(nodes);
  }
}

/**
 * The words that are no options lead to a command; an option that takes a value has its choices, or files. zsh reads it
 * too (bashcompinit).
 */
function renderBash(nodes: readonly CommandNode[]): string {
  const cases = nodes.map(({ path, children, options, arguments: [first] }) => {
    const words = [
      ...children.map(({ name }) => name),
      ...(first?.argChoices ?? []),
      ...options.flatMap(namesOf),
      '--help',
    ];
    return `    ${toCase(path)}) words=${quote(words.join(' '))} ;;`;
  });
  const valued = nodes.flatMap(({ path, options }) =>
    options
      .filter(({ required, optional }) => required || optional)
      .map((option) => {
        const names = namesOf(option).map((name) => toCase(path, name));
        return `    ${names.join('|')}) values=${quote((option.argChoices ?? []).join(' '))}; takes=1 ;;`;
      }),
  );
  return `# bash completion for curfew; made by "curfew completion"
_curfew() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}"
  local path='' word words='' values='' takes='' known=${quote(nodes.map(({ path }) => `:${path.join(' ')}:`).join(''))}
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    [[ $word == -* ]] && continue
    [[ $known == *":\${path:+$path }$word:"* ]] && path="\${path:+$path }$word"
  done
  case "$path $previous" in
${valued.join('\n')}
  esac
  if [[ -n $takes ]]; then
    if [[ -n $values ]]; then COMPREPLY=($(compgen -W "$values" -- "$current")); else COMPREPLY=($(compgen -f -- "$current")); fi
    return
  fi
  case "$path " in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ $current == -* || \${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _curfew curfew kubectl-curfew
`;
}

function toCase(path: readonly string[], option = ''): string {
  return quote(`${path.join(' ')} ${option}`);
}

function renderFish(nodes: readonly CommandNode[]): string {
  const lines = nodes.flatMap(({ path, children, options, arguments: [first] }) => {
    const values = first?.argChoices ?? [];
    const where = `-n ${quote(toFishCondition(path, children))}`;
    return [
      ...children.map(({ name, description }) => `${where} -f -a ${name} -d ${quote(description)}`),
      ...(values.length === 0 ? [] : [`${where} -f -a ${quote(values.join(' '))}`]),
      ...options.map((option) => `-n ${quote(toFishCondition(path, []))} ${toFishOption(option)}`),
    ];
  });
  const all = ['curfew', 'kubectl-curfew'].flatMap((command) => lines.map((line) => `complete -c ${command} ${line}`));
  return `# fish completion for curfew; made by "curfew completion"\n${all.join('\n')}\n`;
}

/** True once all of the path was typed, and before one of the words that lead on from it. */
function toFishCondition(path: readonly string[], children: CommandNode['children']): string {
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const unseen =
    children.length === 0 ? [] : [`not __fish_seen_subcommand_from ${children.map(({ name }) => name).join(' ')}`];
  const all = [...seen, ...unseen];
  return all.length === 0 ? 'true' : all.join('; and ');
}

function toFishOption({ long, short, description, required, optional, argChoices }: Option): string {
  return [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    ...(long === undefined ? [] : [`-l ${long.slice(2)}`]),
    `-d ${quote(description)}`,
    ...(required || optional ? ['-r'] : []),
    ...(argChoices === undefined ? [] : [`-f -a ${quote(argChoices.join(' '))}`]),
  ].join(' ');
}

function namesOf({ long, short }: Option): readonly string[] {
  return [long, short].flatMap((name) => name ?? []);
}

/** For all three shells: nothing within is read, and our own texts have no quote that must be kept. */
function quote(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}
