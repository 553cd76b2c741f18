/** The server as the Deployment in `objects` describes it, as a process on this machine with the chart's own account. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../src/objects/json.ts';
import { asString, member, valueAt } from '../src/objects/json.ts';
import { configurationText, RELEASE_NAMESPACE, serverArguments } from './chart.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Kubectl } from './kubectl.ts';
import type { ManagedProcess, Supervisor } from './processes.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');

/** What runs as the server. */
export type Program = {
  /** Flags of Node, then the file. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>> | undefined;
};

export type ServerSpec = {
  readonly cluster: {
    readonly controlPlane: Pick<ControlPlane, 'server' | 'certificateAuthority'>;
    readonly kubectl: Kubectl;
  };
  /** Rendered from the chart, or read from the cluster. */
  readonly objects: readonly JsonObject[];
  readonly name: string;
  /** HOST:PORT of both. */
  readonly webhook: string;
  readonly operations: string;
  /** Arguments beside those of the Deployment. */
  readonly more?: readonly string[];
  /** From the sources by default. */
  readonly program?: Program;
};

/** That of every server that `supervisor` starts: the chart's service account. */
export function kubeconfigOf({ folder }: Pick<Supervisor, 'folder'>): string {
  return join(folder, 'kubeconfig.json');
}

/** Starts it; it has the rights of the chart's service account and no more. */
export async function startServer(supervisor: Supervisor, spec: ServerSpec): Promise<ManagedProcess> {
  const { objects, name, webhook, operations, more = [], program = { args: [MAIN] } } = spec;
  const configFile = join(supervisor.folder, 'configuration.yaml');
  await writeFile(configFile, configurationText(objects));
  await writeKubeconfig(supervisor, spec);
  const args = replaceOptions(withoutReplicaName(serverArguments(objects)), {
    '--config': configFile,
    '--webhook-listen': webhook,
    '--operations-listen': operations,
  });
  return await supervisor.start({
    name,
    file: process.execPath,
    args: [...program.args, ...args, '--kubeconfig', kubeconfigOf(supervisor), ...more],
    env: program.env,
  });
}

/** Everybody can ask for a token of the chart's service account here. */
async function writeKubeconfig(supervisor: Supervisor, { cluster, objects }: ServerSpec): Promise<void> {
  const { controlPlane, kubectl } = cluster;
  const account = objects.find((object) => member(object, 'kind') === 'ServiceAccount');
  const name = asString(valueAt(account, ['metadata', 'name'])) ?? '';
  const { code, stdout, stderr } = await kubectl.run(['create', 'token', name, '--namespace', RELEASE_NAMESPACE]);
  if (code !== 0) throw new Error(`no token for the chart's service account: ${stderr}`);
  const reached = {
    server: controlPlane.server,
    'certificate-authority-data': Buffer.from(controlPlane.certificateAuthority).toString('base64'),
  };
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: reached }],
    users: [{ name: 'curfew', user: { token: stdout.trim() } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'curfew' } }],
    'current-context': 'test',
  };
  await writeFile(kubeconfigOf(supervisor), JSON.stringify(content), { mode: 0o600 });
}

/** No Service leads to a process, so nobody would find it under the name of a pod. */
function withoutReplicaName(args: readonly string[]): readonly string[] {
  const at = args.indexOf('--replica-name');
  return args.filter((_, index) => at < 0 || (index !== at && index !== at + 1));
}

/** `--name value` pairs, some with another value. */
function replaceOptions(args: readonly string[], values: Readonly<Record<string, string>>): readonly string[] {
  return args.map((arg, index) => {
    const before = args[index - 1];
    return (before === undefined ? undefined : values[before]) ?? arg;
  });
}
