/** `curfew completion`. */

import { Argument, type Command } from 'commander';
import type { CommandContext } from './context.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

export function addCompletion(program: Command, { io }: CommandContext): void {
  program
    .command('completion')
    .description('Write what makes a shell complete commands, options and their values.')
    .addArgument(new Argument('<shell>', 'whose').choices([...SHELLS]))
    .addHelpText(
      'after',
      `
Examples:
  source <(curfew completion bash)
  source <(curfew completion zsh)
  curfew completion fish > ~/.config/fish/completions/curfew.fish
`,
    )
    .action(async (shell: Shell) => {
      const { renderCompletion } = await import('../completion.ts');
      io.write(renderCompletion(program, shell));
    });
}
