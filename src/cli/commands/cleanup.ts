/** `curfew cleanup`, as the parser knows it. */

import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { Step } from '../../cleanup/take-step.ts';
import { parseSeconds } from '../../objects/duration.ts';
import type { CleanupOptions } from '../cleanup.ts';
import type { CommandContext } from './context.ts';
import {
  createAllNamespacesOption,
  createContextOption,
  createKubeconfigOption,
  createMetricsOption,
  createNamespaceOption,
} from './options.ts';

const DAY = 24 * 3600;
const MOST_DAYS = 3650;

type StepCommand = {
  readonly step: 'plan' | Step;
  readonly description: string;
  readonly examples: string;
};

const COMMANDS: readonly StepCommand[] = [
  {
    step: 'plan',
    description: 'Say what the other steps would do, and what holds each Secret back; changes nothing.',
    examples: `  curfew cleanup plan
  curfew cleanup plan --namespace shop --unused-for 90d
  curfew cleanup plan --verify --output json > cleanup.json`,
  },
  {
    step: 'invalidate',
    description: 'Have the API server refuse the tokens that nobody used or names; restore takes it back.',
    examples: `  curfew cleanup invalidate
  curfew cleanup invalidate shop/ci-token
  curfew cleanup invalidate --include-listed --yes`,
  },
  {
    step: 'restore',
    description: 'Have the API server take these tokens again.',
    examples: `  curfew cleanup restore shop/ci-token
  curfew cleanup restore --all --yes`,
  },
  {
    step: 'delete',
    description: 'Delete what was invalid for long enough and was not tried since. Nothing brings a token back.',
    examples: `  curfew cleanup delete --backup deleted.jsonl
  curfew cleanup delete --invalid-for 30d --yes`,
  },
];

export function addCleanup(program: Command, context: CommandContext): void {
  const cleanup = program
    .command('cleanup')
    .description('End the token Secrets of a cluster in steps: plan, invalidate, delete; restore goes back.')
    .addHelpText(
      'after',
      `
Examples:
  curfew cleanup
  curfew cleanup invalidate
  curfew cleanup delete --backup deleted.jsonl
`,
    );
  for (const command of COMMANDS) addStep(cleanup, command, context);
}

function addStep(
  cleanup: Command,
  { step, description, examples }: StepCommand,
  { io, outcome }: CommandContext,
): void {
  const command = cleanup
    .command(step, { isDefault: step === 'plan' })
    .description(description)
    .argument('[secrets...]', 'NAMESPACE/NAME of those that are meant; default: all')
    .option('--config <file>', 'configuration file, for its exemptions and excluded namespaces')
    .addOption(createNamespaceOption())
    .addOption(createAllNamespacesOption())
    .addOption(createKubeconfigOption())
    .addOption(createContextOption())
    .addOption(
      new Option('--unused-for <duration>', 'leave alone what was used within it; 0 heeds no use')
        .argParser(toDuration)
        .default(30 * DAY, '30d'),
    )
    .addOption(
      new Option('--invalid-for <duration>', 'pause between invalidate and delete')
        .argParser(toDuration)
        .default(7 * DAY, '7d'),
    )
    .option(
      '--include-listed',
      'also those that their own account lists in its secrets, as before Kubernetes 1.24',
      false,
    )
    .addOption(createMetricsOption())
    .addOption(new Option('-o, --output <format>', 'what is written').choices(['table', 'json']).default('table'));
  if (step === 'plan') command.option('--verify', 'end with 1 while any remain', false);
  else command.option('-y, --yes', 'do not ask; needed where there is no terminal', false);
  if (step === 'restore') command.option('--all', 'every Secret that Curfew made invalid', false);
  if (step === 'delete') command.option('--backup <file>', 'append the metadata of each Secret first; never its token');
  command.addHelpText('after', `\nExamples:\n${examples}\n`);
  command.action(async (names: readonly string[], options: CleanupOptions) => {
    outcome.failure = 2;
    const { planTokens, runCleanupStep } = await import('../cleanup.ts');
    outcome.code =
      step === 'plan' ? await planTokens(names, options, io) : await runCleanupStep(step, names, { options, io });
  });
}

/** In seconds: `30d`, or as Kubernetes writes durations. */
function toDuration(value: string): number {
  const days = /^([0-9]{1,4})d$/.exec(value)?.[1];
  const seconds = days === undefined ? parseSeconds(value) : Number(days) * DAY;
  if (seconds === undefined || seconds > MOST_DAYS * DAY) {
    throw new InvalidArgumentError('It is not a duration such as 30d or 12h, of ten years at most.');
  }
  return seconds;
}
