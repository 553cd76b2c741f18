/** `curfew init` and `curfew config`: configuration files. */

import type { Command } from 'commander';
import { Option } from 'commander';
import type { ConfigTestOptions } from '../config-test.ts';
import type { CommandContext } from './context.ts';
import {
  createAllNamespacesOption,
  createContextOption,
  createKubeconfigOption,
  createNamespaceOption,
} from './options.ts';

export function addConfig(program: Command, { io, outcome }: CommandContext): void {
  program
    .command('init')
    .description('Write a configuration file that says every default, commented out.')
    .option('--output <file>', 'a file that does not exist yet; default: standard output')
    .addHelpText(
      'after',
      `
Examples:
  curfew init
  curfew init --output curfew.yaml
`,
    )
    .action(async ({ output }: { readonly output?: string }) => {
      const { renderInitialConfiguration, writeNewFile } = await import('../init.ts');
      const text = renderInitialConfiguration();
      if (output === undefined) return io.write(text);
      await writeNewFile(output, text);
      io.write(`${output} is written; "curfew config check ${output}" checks it\n`);
    });

  const config = program
    .command('config')
    .description('Check, show, try and migrate configuration files.')
    .addHelpText(
      'after',
      `
Examples:
  curfew config check curfew.yaml
  curfew config show
`,
    );
  config
    .command('check')
    .description('Say whether a file is valid, and each mistake with its line and column.')
    .argument('<file>')
    .addHelpText(
      'after',
      `
Examples:
  curfew config check curfew.yaml
`,
    )
    .action(async (file: string) => {
      const { checkConfiguration } = await import('../config-check.ts');
      io.write(await checkConfiguration(file, Date.now()));
    });
  config
    .command('show')
    .description('Show what is in force and where each value is from; without a file, the defaults.')
    .argument('[file]')
    .option('--namespace <name>', 'namespace Curfew runs in')
    .addHelpText(
      'after',
      `
Examples:
  curfew config show
  curfew config show curfew.yaml --namespace curfew-system
`,
    )
    .action(async (file: string | undefined, { namespace }: { readonly namespace?: string }) => {
      const { showConfiguration } = await import('../config-show.ts');
      const { loadConfigurationFile } = await import('../configuration-file.ts');
      const { readOwnToken } = await import('../../kube/own-token.ts');
      const loaded = await loadConfigurationFile(file);
      const ownToken = await readOwnToken();
      io.write(showConfiguration(loaded, { ownToken, ownNamespace: namespace, now: Date.now() }));
    });
  config
    .command('test')
    .description('Say what a change of the configuration would change in a cluster, for what is there.')
    .requiredOption('--set <key=value...>', 'the change, such as levels.enforce=restricted; null takes a key away')
    .option('--config <file>', 'the configuration that is changed; default: every default')
    .addOption(createNamespaceOption())
    .addOption(createAllNamespacesOption())
    .addOption(createKubeconfigOption())
    .addOption(createContextOption())
    .addOption(new Option('-o, --output <format>', 'what is written').choices(['table', 'json']).default('table'))
    .addHelpText(
      'after',
      `
Examples:
  curfew config test --set levels.enforce=restricted
  curfew config test --config curfew.yaml --set checks.pod-automount.mode=warn --namespace shop
`,
    )
    .action(async (options: ConfigTestOptions) => {
      outcome.failure = 2;
      const { testConfiguration } = await import('../config-test.ts');
      outcome.code = await testConfiguration(options, io);
    });
  config
    .command('migrate')
    .description('Bring a file of an older apiVersion to the newest.')
    .argument('<file>')
    .option('-w, --write', 'write the file; else it is only shown', false)
    .addHelpText(
      'after',
      `
Examples:
  curfew config migrate curfew.yaml
  curfew config migrate --write curfew.yaml
`,
    )
    .action(async (file: string, { write }: { readonly write: boolean }) => {
      const { migrateConfiguration } = await import('../config-migrate.ts');
      io.write(await migrateConfiguration(file, { isWritten: write }));
    });
}
