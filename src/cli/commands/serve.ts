/** `curfew serve` and `curfew probe`: what runs in pods. */

import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS } from '../../log/logger.ts';
import { parseSeconds } from '../../objects/duration.ts';
import type { ProbeOptions } from '../probe.ts';
import type { ServeOptions } from '../serve.ts';
import type { CommandContext } from './context.ts';
import { createContextOption, createKubeconfigOption } from './options.ts';

/** In seconds. */
const DAY = 24 * 3600;
const SHORTEST_LIFETIME = 5;
const LONGEST_LIFETIME = 36_500 * DAY;

export function addServe(program: Command, { io }: CommandContext): void {
  program
    .command('serve')
    .description('Serve the admission webhook.')
    .option('--config <file>', 'configuration file; without it every default is in force')
    .option('--webhook-listen <host:port>', 'where the API server calls (HTTPS)', '0.0.0.0:10250')
    .option('--operations-listen <host:port>', 'health, readiness and metrics (HTTP)', '0.0.0.0:8080')
    .option('--kubeconfig <file>', 'cluster to watch; default: KUBECONFIG, or the cluster the pod runs in')
    .addOption(createContextOption())
    .option('--without-cluster', 'watch no cluster: rules that look objects up only warn', false)
    .option('--namespace <name>', 'namespace Curfew runs in, where nothing is judged')
    .option('--replica-name <pod>', 'name of its pod: replicas of one Service tell each other of changes')
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
    .addHelpText(
      'after',
      `
Examples:
  curfew serve --without-cluster --webhook-listen 127.0.0.1:10250 --ca-out ca.pem
  curfew serve --config curfew.yaml --kubeconfig ~/.kube/config --compare-webhooks curfew
`,
    )
    .action(async (options: ServeOptions) => {
      // Loaded here, so that the other commands start without the server's libraries.
      const { serve } = await import('../serve.ts');
      await serve(options, io.signal);
    });

  program
    .command('probe')
    .description('Say whether the API server can call an installation; helm test runs it.')
    .requiredOption('--address <host:port>', 'where the Service is')
    .requiredOption('--serving-name <name>', 'what its certificate is for: SERVICE.NAMESPACE.svc')
    .requiredOption('--namespace <name>', 'namespace Curfew runs in')
    .option('--webhooks <name>', 'name of the webhook configurations', 'curfew')
    .addOption(createKubeconfigOption())
    .addOption(createContextOption())
    .option('--client-certificate <file>', 'show this one, where Curfew asks its callers for a client certificate')
    .option('--client-key <file>', 'its key')
    .addOption(new Option('--timeout-seconds <number>', 'how long to wait').argParser(toSeconds).default(30))
    .addHelpText(
      'after',
      `
Examples:
  curfew probe --address curfew.curfew-system.svc:443 --serving-name curfew.curfew-system.svc --namespace curfew-system
`,
    )
    .action(async (options: ProbeOptions) => {
      const { probe } = await import('../probe.ts');
      io.write(await probe(options, io.signal));
    });
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
