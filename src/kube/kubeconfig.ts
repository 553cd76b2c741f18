/**
 * Finds the kubeconfig and says what is wrong with it, in a sentence that names the file and the field. The library
 * that reads it is handed in: `client.ts` is the one file that imports it.
 */

import { X509Certificate } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { asArray, asString, member, valueAt } from '../objects/json.ts';

const IN_CLUSTER_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
const MAX_KUBECONFIG_BYTES = 4 * 1024 * 1024;

type Named = { readonly name: string };
type ClusterEntry = Named & {
  readonly server: string;
  readonly caData?: string;
  readonly caFile?: string;
  readonly skipTLSVerify: boolean;
  readonly proxyUrl?: string;
};
type UserEntry = Named & {
  readonly certFile?: string;
  readonly certData?: string;
  readonly keyFile?: string;
  readonly authProvider?: unknown;
};
type ContextEntry = Named & { readonly cluster: string; readonly user: string };

/** The part of client-node's KubeConfig that is used here. */
export type LoadedConfig = {
  clusters: ClusterEntry[];
  users: UserEntry[];
  contexts: ContextEntry[];
  currentContext: string;
  loadFromFile(file: string): void;
  loadFromCluster(): void;
};

export type KubeConfigTools<Config extends LoadedConfig> = {
  create(): Config;
  /** Parses YAML. */
  parse(text: string): unknown;
};

export type KubeConfigChoice = { readonly kubeconfig?: string; readonly context?: string };

/**
 * Loads the kubeconfig that kubectl would use: the file named, else the files in KUBECONFIG (first mention of a name
 * wins, missing files are skipped), else ~/.kube/config, else the service account of the pod this runs in. Throws an
 * Error with one sentence.
 */
export function loadKubeConfig<Config extends LoadedConfig>(
  tools: KubeConfigTools<Config>,
  { kubeconfig, context }: KubeConfigChoice,
): Config {
  const files = kubeconfig === undefined ? findDefaultFiles() : [kubeconfig];
  const [first, ...others] = files;
  if (first === undefined) return loadInCluster(tools, context);
  const config = loadFile(tools, first);
  for (const file of others) mergeFirstWins(config, loadFile(tools, file));
  if (context !== undefined) config.currentContext = context;
  checkContext(config, files.join(delimiter));
  return config;
}

function findDefaultFiles(): readonly string[] {
  const named = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  if (named.length > 0) {
    const existing = named.filter((file) => existsSync(file));
    if (existing.length === 0) throw new Error(`KUBECONFIG names ${named.join(' and ')}, which does not exist.`);
    return existing;
  }
  const usual = join(homedir(), '.kube', 'config');
  return existsSync(usual) ? [usual] : [];
}

function loadInCluster<Config extends LoadedConfig>(tools: KubeConfigTools<Config>, context?: string): Config {
  if (!existsSync(join(IN_CLUSTER_FOLDER, 'token')) || process.env['KUBERNETES_SERVICE_HOST'] === undefined) {
    throw new Error(
      'There is no kubeconfig: name one with --kubeconfig or KUBECONFIG, or run in a pod that has a service account token.',
    );
  }
  if (context !== undefined) {
    throw new Error(`There is no kubeconfig, so there is no context ${JSON.stringify(context)} either.`);
  }
  const config = tools.create();
  // The token file is read again by client-node's FileAuth when the last read is older than 60 s.
  config.loadFromCluster();
  return config;
}

function loadFile<Config extends LoadedConfig>(tools: KubeConfigTools<Config>, file: string): Config {
  const config = tools.create();
  try {
    if (statSync(file).size > MAX_KUBECONFIG_BYTES) {
      throw new Error(`it is larger than ${MAX_KUBECONFIG_BYTES} bytes`);
    }
    config.loadFromFile(file);
    readTokenFiles(config, tools.parse(readFileSync(file, 'utf8')), file);
  } catch (error) {
    throw new Error(`Kubeconfig ${file}: ${describeLoadError(error)}.`);
  }
  return config;
}

/** client-node 2.0.1 reads `token-file`, which kubectl never writes, and drops `tokenFile`, which it does. */
function readTokenFiles(config: LoadedConfig, raw: unknown, file: string): void {
  for (const entry of asArray(member(raw, 'users'))) {
    const tokenFile = asString(valueAt(entry, ['user', 'tokenFile']));
    if (tokenFile === undefined || tokenFile === '') continue;
    const path = isAbsolute(tokenFile) ? tokenFile : join(dirname(file), tokenFile);
    config.users = config.users.map((user) =>
      user.name === member(entry, 'name')
        ? { ...user, authProvider: { name: 'tokenFile', config: { tokenFile: path } } }
        : user,
    );
  }
}

/** What client-node or its YAML parser said, without the lines of the file that the parser quotes: tokens are there. */
function describeLoadError(error: unknown): string {
  const reason = asString(member(error, 'reason'));
  const line = valueAt(error, ['mark', 'line']);
  if (reason !== undefined) return typeof line === 'number' ? `line ${line + 1}: ${reason}` : reason;
  const code = asString(member(error, 'code'));
  if (code === 'ENOENT') return 'it does not exist';
  if (code !== undefined) return `it cannot be read (${code})`;
  if (error instanceof TypeError) return 'a field in clusters, users or contexts has a value of the wrong type';
  return error instanceof Error ? error.message : 'it cannot be read';
}

function mergeFirstWins(config: LoadedConfig, other: LoadedConfig): void {
  const add = <Entry extends Named>(into: Entry[], from: readonly Entry[]) =>
    into.concat(from.filter((entry) => !into.some((known) => known.name === entry.name)));
  config.clusters = add(config.clusters, other.clusters);
  config.users = add(config.users, other.users);
  config.contexts = add(config.contexts, other.contexts);
  config.currentContext ||= other.currentContext;
}

function checkContext(config: LoadedConfig, file: string): void {
  const fail = (sentence: string) => {
    throw new Error(`Kubeconfig ${file}: ${sentence}.`);
  };
  const name = config.currentContext;
  if (typeof name !== 'string' || name === '') return fail('current-context is not set, and no context was named');
  const context = config.contexts.find((entry) => entry.name === name);
  if (context === undefined) return fail(`contexts has no entry named ${JSON.stringify(name)}`);
  const where = `contexts[${JSON.stringify(name)}].context`;
  const cluster = config.clusters.find((entry) => entry.name === context.cluster);
  if (cluster === undefined) return fail(`${where}.cluster is ${JSON.stringify(context.cluster)}, not in clusters`);
  const user = config.users.find((entry) => entry.name === context.user);
  if (user === undefined) return fail(`${where}.user is ${JSON.stringify(context.user ?? '')}, not in users`);
  const problem = findClusterProblem(cluster) ?? findUserProblem(user);
  if (problem !== undefined) return fail(problem);
}

function findClusterProblem(cluster: ClusterEntry): string | undefined {
  const where = `clusters[${JSON.stringify(cluster.name)}].cluster`;
  const url = URL.canParse(cluster.server) ? new URL(cluster.server) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return `${where}.server is no https address`;
  }
  if (url.protocol === 'http:' && !cluster.skipTLSVerify) {
    return `${where}.server is http, which needs insecure-skip-tls-verify: true`;
  }
  if (cluster.caFile !== undefined) return findFileProblem(cluster.caFile, `${where}.certificate-authority`);
  if (cluster.caData !== undefined && !isCertificate(cluster.caData)) {
    return `${where}.certificate-authority-data is no base64 of a PEM certificate`;
  }
  return undefined;
}

function findUserProblem(user: UserEntry): string | undefined {
  const where = `users[${JSON.stringify(user.name)}].user`;
  if (typeof user.certData === 'string' && !isCertificate(user.certData)) {
    return `${where}.client-certificate-data is no base64 of a PEM certificate`;
  }
  if (typeof user.certFile === 'string') return findFileProblem(user.certFile, `${where}.client-certificate`);
  return typeof user.keyFile === 'string' ? findFileProblem(user.keyFile, `${where}.client-key`) : undefined;
}

function findFileProblem(file: string, field: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return undefined;
  } catch {
    return `${field} is ${file}, which cannot be read`;
  }
}

function isCertificate(base64: string): boolean {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64')).subject !== undefined;
  } catch {
    return false;
  }
}
