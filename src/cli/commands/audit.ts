/** `curfew audit`, as the parser knows it. */

import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { SECTIONS } from '../../reports/audit-sections.ts';
import { POLICY_REPORT_GROUPS } from '../../reports/policy-report-groups.ts';
import type { AuditCommandOptions } from '../audit.ts';
import { AUDIT_FILE_ENDINGS, AUDIT_OUTPUTS, findFormOfFile } from '../audit-outputs.ts';
import type { CommandContext } from './context.ts';
import {
  createAllNamespacesOption,
  createContextOption,
  createKubeconfigOption,
  createLevelOption,
  createMetricsOption,
  createNamespaceOption,
} from './options.ts';

const ENDINGS = Object.keys(AUDIT_FILE_ENDINGS).join(', ');

export function addAudit(program: Command, { io, outcome }: CommandContext): void {
  program
    .command('audit')
    .description('Say which tokens a cluster holds, and what the webhook would refuse of what is in it.')
    .option('--config <file>', 'configuration file, as a trial; default: every default')
    .addOption(createLevelOption())
    .addOption(createNamespaceOption())
    .addOption(createAllNamespacesOption())
    .addOption(createKubeconfigOption())
    .addOption(createContextOption())
    .addOption(
      new Option(
        '--measure-with <namespace/account>',
        'account for which tokens are asked, to see what the API server makes of their lifetimes; default: its own, in a pod',
      ).argParser(parseAccount),
    )
    .addOption(
      new Option('--show <section...>', 'tell in the table these sections alone, and all of them').choices(SECTIONS),
    )
    .option('--warnings', 'tell in the table and in policy reports what would only be warned about, too', false)
    .addOption(createMetricsOption())
    .option('--report-only', 'end with 0 whatever is found, if all could be read: for jobs', false)
    .addOption(new Option('-o, --output <format>', 'what is written').choices(AUDIT_OUTPUTS).default('table'))
    .addOption(
      new Option(
        '--output-file <file...>',
        `write these files too, each whole or not at all; the ending says the form: ${ENDINGS}`,
      ).argParser(addFile),
    )
    .option('--diff <file>', 'say what got better or worse since this report of --output json, as table or json')
    .addOption(
      new Option('--policy-report-group <group>', 'API group of policy reports')
        .choices(POLICY_REPORT_GROUPS)
        .default('openreports.io'),
    )
    .option('--publish-policy-reports', 'write policy reports into the cluster, in place, too', false)
    .addHelpText(
      'after',
      `
Examples:
  curfew audit
  curfew audit --namespace shop --level restricted
  curfew audit --show tokens restarts
  curfew audit --measure-with shop/web
  curfew audit --config curfew.yaml --output json > audit.json
  curfew audit --output html > audit.html
  curfew audit --output-file audit.html audit.json
  curfew audit --diff audit.json
  curfew audit --publish-policy-reports --policy-report-group wgpolicyk8s.io
`,
    )
    .action(async (options: AuditCommandOptions, command: Command) => {
      if (options.diff !== undefined && options.output !== 'table' && options.output !== 'json') {
        command.error(`error: what changed is told as table or json, not as ${options.output}`);
      }
      outcome.failure = 2;
      const { audit } = await import('../audit.ts');
      outcome.code = await audit(options, io);
    });
}

function parseAccount(text: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = '', ...more] = text.split('/');
  if (namespace === '' || name === '' || more.length > 0) throw new InvalidArgumentError('It is NAMESPACE/ACCOUNT.');
  return { namespace, name };
}

function addFile(name: string, before: readonly string[] = []): readonly string[] {
  if (findFormOfFile(name) === undefined) throw new InvalidArgumentError(`It ends in ${ENDINGS}.`);
  return [...before, name];
}
