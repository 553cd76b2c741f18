/** `curfew init`: a configuration file in which every default stands as a comment, with what it means. */

import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type { JsonObject, JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member } from '../objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../policy/configuration.ts';
import { ConfigurationSchema } from '../policy/configuration-schema.ts';
import { toEffectiveFile } from '../policy/effective-file.ts';
import { ConfigurationError } from './configuration-file.ts';

const WIDTH = 110;

/** Shown where there is no default. */
const EXAMPLES: JsonObject = {
  catalogue: '0.1',
  namespaces: { 'team-a': { enforce: 'restricted' } },
  excludedNamespaces: ['team-platform'],
  excludedNamespaceSets: ['gke'],
  cluster: { apiAudiences: ['https://kubernetes.default.svc'], issuers: ['https://kubernetes.default.svc'] },
  exemptions: {
    presets: ['argo-cd'],
    rules: [
      {
        name: 'old-build-server',
        match: { namespaces: ['ci'], names: ['build-token'] },
        checks: ['long-lived-token-secret'],
        reason: 'the build server cannot ask for tokens yet',
        owner: 'team-build',
        expires: '2027-03-01',
      },
    ],
  },
  callerAuthentication: { caFile: '/etc/curfew/config/callers-ca.crt', names: ['kube-apiserver'], enforce: false },
  tls: { certFile: '/etc/curfew/tls/tls.crt', keyFile: '/etc/curfew/tls/tls.key' },
};

/** The text of the file; it is valid as it stands, and with every comment sign before a key taken away. */
export function renderInitialConfiguration(): string {
  const lines = [
    `# yaml-language-server: $schema=${asString(member(ConfigurationSchema, '$id')) ?? ''}`,
    '##',
    '## Lines with one # are defaults and examples: take it away, with the space after it, to set a key.',
    '## "curfew config check FILE" checks the file, "curfew config show FILE" shows what is in force.',
    stringify(EMPTY_CONFIGURATION_FILE).trimEnd(),
  ];
  const defaults = listDefaults();
  for (const [key, schema] of Object.entries(ConfigurationSchema.properties)) {
    if (Object.hasOwn(EMPTY_CONFIGURATION_FILE, key)) continue;
    const value = member(defaults, key) ?? member(EXAMPLES, key) ?? {};
    const hasDefault = member(defaults, key) !== undefined;
    lines.push('', ...describe(schema, '## '), ...(hasDefault ? [] : ['## Not set. For example:']));
    lines.push(...renderValue({ [key]: value }, schema));
  }
  return `${lines.join('\n')}\n`;
}

/** @throws ConfigurationError if there is such a file already */
export async function writeNewFile(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new ConfigurationError(`${file} cannot be written (${code})`, { cause: error });
  }
}

function listDefaults(): JsonObject {
  const result = readConfiguration(EMPTY_CONFIGURATION_FILE);
  const file = result.ok ? toEffectiveFile(result.configuration) : {};
  return Object.fromEntries(Object.entries(file).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: JsonValue): boolean {
  return isObject(value) ? Object.keys(value).length === 0 : Array.isArray(value) && value.length === 0;
}

/** Keys with the comments of their schema between them, all commented out. */
function renderValue(value: JsonObject, parent: unknown): readonly string[] {
  const [[key, own] = []] = Object.entries(value);
  if (key === undefined || own === undefined) return [];
  const properties = member(parent, 'properties');
  if (!isObject(own) || !isObject(properties)) return commentOut(stringify(value, { lineWidth: 0 }));
  const below = Object.entries(own).flatMap(([name, each]) => [
    ...describe(member(properties, name), '## '),
    ...renderValue({ [name]: each }, member(properties, name)),
  ]);
  return [`# ${key}:`, ...below.map((line) => line.replace(/^(##?) /, '$1   '))];
}

function commentOut(yaml: string): readonly string[] {
  return yaml
    .trimEnd()
    .split('\n')
    .map((line) => `# ${line}`);
}

/** The description and the allowed values of a schema, in lines of a readable width. */
function describe(schema: unknown, prefix: string): readonly string[] {
  const allowed = asArray(member(schema, 'enum'));
  const words = [
    asString(member(schema, 'description')) ?? '',
    allowed.length === 0 ? '' : `Allowed: ${allowed.map(String).join(', ')}.`,
  ];
  const lines: string[] = [];
  for (const word of words.join(' ').trim().split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= WIDTH) lines.push(`${prefix}${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.filter((line) => line !== prefix);
}
