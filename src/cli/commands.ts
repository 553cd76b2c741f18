/** The commands: one table, from which the parser, `--help` and the reference are made. */

import { Command, InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS } from '../log/logger.ts';
import { parseSeconds } from '../objects/duration.ts';
import { VERSION } from '../version.ts';
import type { CheckCommandOptions, CheckIo } from './check.ts';
import { CHECK_OUTPUTS } from './check-outputs.ts';
import type { ExplainTokenOptions } from './explain-token.ts';
import type { ProbeOptions } from './probe.ts';
import type { ServeOptions } from './serve.ts';
import type { UsageOptions } from './usage.ts';
import { USAGE_OUTPUTS } from './usage-outputs.ts';

/** `signal` aborts when the process is asked to stop. */
export type CommandIo = CheckIo;

/** In seconds. */
const DAY = 24 * 3600;
const SHORTEST_LIFETIME = 5;
const LONGEST_LIFETIME = 36_500 * DAY;

/** What each exit code means, for every command. */
const EXIT_CODES = [
  [0, 'done; nothing is wrong'],
  [1, 'something is: a manifest would be denied, a configuration is not valid, the command failed'],
  [2, 'check could not judge everything: a file cannot be read, or only the cluster knows'],
  [64, 'the command line is wrong'],
] as const;

export type ExitCode = (typeof EXIT_CODES)[number][0];

/** Of BSD's sysexits: the one code that no tool gives for a finding. */
const USAGE: ExitCode = 64;

/** Runs the command that `argv` (without node and script) names, and returns the exit code. */
export async function runCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  let code: ExitCode = 0;
  /** Of a command that throws. */
  let failure: ExitCode = 1;
  const program = new Command('curfew')
    .description('No service account token outlives its need.')
    .configureOutput({ writeOut: io.write, writeErr: io.writeError })
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `\nExit codes:\n${EXIT_CODES.map(([exit, meaning]) => `  ${String(exit).padEnd(4)}${meaning}\n`).join('')}`,
    );

  program
    .command('check')
    .description('Say what the webhook would deny, warn about and audit of manifests, before they are applied.')
    .argument('<files...>', 'files and folders of YAML or JSON; - is standard input')
    .option('--config <file>', 'configuration file; default: ./curfew.yaml if it is there, else every default')
    .addOption(
      new Option('--level <level>', 'judge at this level, whatever labels and configuration say').choices([
        'baseline',
        'restricted',
      ]),
    )
    .addOption(
      new Option('-n, --namespace <name>', 'of objects that name none').argParser(toNamespace).default('default'),
    )
    .addOption(new Option('-o, --output <format>', 'what is written').choices([...CHECK_OUTPUTS]).default('table'))
    .option('--fix', 'write what can be repaired into the files, comments and formatting kept', false)
    .option('--diff', 'show what --fix would write, as a patch, and write nothing', false)
    .addHelpText(
      'after',
      `
Examples:
  curfew check deploy/
  helm template . | curfew check -
  kustomize build overlays/production | curfew check --level restricted -
  curfew check --output sarif deploy/ > curfew.sarif
  curfew check --level restricted --diff deploy/
`,
    )
    .action(async (names: readonly string[], options: CheckCommandOptions) => {
      failure = 2;
      const { check } = await import('./check.ts');
      code = await check(names, options, io);
    });

  program
    .command('serve')
    .description('Serve the admission webhook.')
    .option('--config <file>', 'configuration file; without it every default is in force')
    .option('--webhook-listen <host:port>', 'where the API server calls (HTTPS)', '0.0.0.0:10250')
    .option('--operations-listen <host:port>', 'health, readiness and metrics (HTTP)', '0.0.0.0:8080')
    .option('--kubeconfig <file>', 'cluster to watch; default: KUBECONFIG, or the cluster the pod runs in')
    .option('--without-cluster', 'watch no cluster: rules that look objects up only warn', false)
    .option('--namespace <name>', 'namespace Curfew runs in, where nothing is judged')
    .option('--publish-webhooks <name>', 'publish rules and CA bundle into the webhook configurations of this name')
    .option('--compare-webhooks <name>', 'say where rules and CA bundle in these are not as needed; change nothing')
    .option('--certificate-secret <namespace/name>', 'share the CA with other replicas in this Secret')
    .option('--certificate-owner <deployment>', 'a new such Secret goes when this Deployment of its namespace goes')
    .option('--serving-name <name>', 'DNS name or IP address the API server calls; repeatable', collect, [])
    .addOption(
      new Option('--certificate-lifetime <duration>', 'of the serving certificate, where Curfew signs it')
        .argParser(toLifetime)
        .default(30 * DAY, '720h'),
    )
    .addOption(
      new Option('--authority-lifetime <duration>', 'of the CA, where Curfew makes it')
        .argParser(toLifetime)
        .default(3_650 * DAY, '87600h'),
    )
    .option('--ca-out <file>', 'write the CA certificate to this file, - for standard output')
    .addOption(new Option('--log-level <level>', 'how much is logged').choices([...LOG_LEVELS]).default('info'))
    .action(async (options: ServeOptions) => {
      // Loaded here, so that the other commands start without the server's libraries.
      const { serve } = await import('./serve.ts');
      await serve(options, io.signal);
    });

  program
    .command('probe')
    .description('Say whether the API server can call an installation; helm test runs it.')
    .requiredOption('--address <host:port>', 'where the Service is')
    .requiredOption('--serving-name <name>', 'what its certificate is for: SERVICE.NAMESPACE.svc')
    .requiredOption('--namespace <name>', 'namespace Curfew runs in')
    .option('--webhooks <name>', 'name of the webhook configurations', 'curfew')
    .option('--kubeconfig <file>', 'cluster to ask; default: KUBECONFIG, or the cluster the pod runs in')
    .option('--client-certificate <file>', 'show this one, where Curfew asks its callers for a client certificate')
    .option('--client-key <file>', 'its key')
    .addOption(new Option('--timeout-seconds <number>', 'how long to wait').argParser(toSeconds).default(30))
    .action(async (options: ProbeOptions) => {
      const { probe } = await import('./probe.ts');
      io.write(await probe(options, io.signal));
    });

  program
    .command('explain')
    .description('Say what a check refuses or a mutation changes, why, and what to do; without an id, list them all.')
    .argument('[id]', 'id of the rule, as a denial names it')
    .action(async (id: string | undefined) => {
      const { explain } = await import('./explain.ts');
      const text = explain(id);
      if (text !== undefined) return io.write(text);
      io.writeError(`curfew: there is no rule ${JSON.stringify(id)}; "curfew explain" lists them all\n`);
      code = USAGE;
    });

  program
    .command('explain-token')
    .description('Say what a service account token is, what a thief could do with it, and how to revoke it.')
    .argument('<file>', 'file that holds it, - for standard input; a token itself is never an argument')
    .option('--verify', 'ask the cluster whether it accepts the token', false)
    .option('--kubeconfig <file>', 'cluster to ask; default: KUBECONFIG, or the cluster the pod runs in')
    .option('--context <name>', 'context of the kubeconfig; default: its current one')
    .option('--config <file>', 'configuration file, for the audiences of the API server')
    .addHelpText(
      'after',
      `
Examples:
  kubectl create token web | curfew explain-token -
  curfew explain-token --verify /var/run/secrets/kubernetes.io/serviceaccount/token
`,
    )
    .action(async (file: string, options: ExplainTokenOptions) => {
      failure = 2;
      const { explainToken } = await import('./explain-token.ts');
      code = await explainToken(file, options, io);
    });

  program
    .command('usage')
    .description('Say which service account used which token for what, from the audit log of an API server.')
    .requiredOption('--audit-log <files...>', 'audit log, JSON lines, also gzip; - is standard input')
    .option('--cluster', 'compare with the accounts and pods of the cluster: who holds a token and never called', false)
    .option('--kubeconfig <file>', 'cluster to ask; default: KUBECONFIG, or the cluster the pod runs in')
    .option('--context <name>', 'context of the kubeconfig; default: its current one')
    .option('--config <file>', 'configuration file, for the audiences of the API server')
    .addOption(
      new Option('-o, --output <format>', 'what is written; manifests are the least RBAC and the opt-outs')
        .choices([...USAGE_OUTPUTS])
        .default('table'),
    )
    .addHelpText(
      'after',
      `
Examples:
  curfew usage --audit-log /var/log/kubernetes/audit/*.log --cluster
  zcat audit-*.gz | curfew usage --output manifests --audit-log -
`,
    )
    .action(async (options: UsageOptions) => {
      failure = 2;
      const { usage } = await import('./usage.ts');
      code = await usage(options, io);
    });

  program
    .command('init')
    .description('Write a configuration file that says every default, commented out.')
    .option('--output <file>', 'a file that does not exist yet; default: standard output')
    .action(async ({ output }: { readonly output?: string }) => {
      const { renderInitialConfiguration, writeNewFile } = await import('./init.ts');
      const text = renderInitialConfiguration();
      if (output === undefined) return io.write(text);
      await writeNewFile(output, text);
      io.write(`${output} is written; "curfew config check ${output}" checks it\n`);
    });

  const config = program.command('config').description('Check, show and migrate configuration files.');
  config
    .command('check')
    .description('Say whether a file is valid, and each mistake with its line and column.')
    .argument('<file>')
    .action(async (file: string) => {
      const { checkConfiguration } = await import('./config-check.ts');
      io.write(await checkConfiguration(file, Date.now()));
    });
  config
    .command('show')
    .description('Show what is in force and where each value is from; without a file, the defaults.')
    .argument('[file]')
    .option('--namespace <name>', 'namespace Curfew runs in')
    .action(async (file: string | undefined, { namespace }: { readonly namespace?: string }) => {
      const { showConfiguration } = await import('./config-show.ts');
      const { loadConfigurationFile } = await import('./configuration-file.ts');
      const { readOwnToken } = await import('../kube/own-token.ts');
      const loaded = await loadConfigurationFile(file);
      const ownToken = await readOwnToken();
      io.write(showConfiguration(loaded, { ownToken, ownNamespace: namespace, now: Date.now() }));
    });
  config
    .command('migrate')
    .description('Bring a file of an older apiVersion to the newest.')
    .argument('<file>')
    .option('-w, --write', 'write the file; else it is only shown', false)
    .action(async (file: string, { write }: { readonly write: boolean }) => {
      const { migrateConfiguration } = await import('./config-migrate.ts');
      io.write(await migrateConfiguration(file, { isWritten: write }));
    });

  program
    .command('version')
    .description('Print the version.')
    .action(() => io.write(`curfew ${VERSION}\n`));

  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    return toExitCode(error, { io, failure });
  }
  return code;
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  if (!/^[A-Za-z0-9.:-]{1,253}$/.test(value)) throw new InvalidArgumentError('It is not a DNS name or an IP address.');
  return [...previous, value];
}

/** Seconds; certificates have whole ones, and two thirds of a life must be more than one. */
function toLifetime(value: string): number {
  const seconds = parseSeconds(value);
  if (seconds === undefined || seconds < SHORTEST_LIFETIME || seconds > LONGEST_LIFETIME) {
    throw new InvalidArgumentError('It is not a duration such as 720h, from 5s to 876000h.');
  }
  return seconds;
}

function toSeconds(value: string): number {
  if (!/^[0-9]{1,4}$/.test(value)) throw new InvalidArgumentError('It is not a number of seconds.');
  return Number(value);
}

/** As the API server would take it (RFC 1123 label). */
function toNamespace(value: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) {
    throw new InvalidArgumentError('It is not the name of a namespace.');
  }
  return value;
}

/** The parser throws for `--help` too; it has then printed what there is to say. */
function toExitCode(error: unknown, { io, failure }: { readonly io: CommandIo; readonly failure: ExitCode }): ExitCode {
  if (error instanceof Error && 'exitCode' in error) return error.exitCode === 0 ? 0 : USAGE;
  io.writeError(`curfew: ${error instanceof Error ? error.message : String(error)}\n`);
  return failure;
}
