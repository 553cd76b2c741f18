/** The chart as Helm renders it. */

import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { runProgram } from '../../scripts/run-program.ts';
import { findTools } from '../../scripts/tools.ts';
import { asArray, asString, isObject, type JsonObject, member, valueAt } from '../../src/objects/json.ts';

export const CHART = join(import.meta.dirname, '..', '..', 'charts', 'curfew');
export const HELMS = ['helm', 'helm3'] as const;
/** Offline, Helm assumes the version it was linked with: 1.20 if none was, which is below the chart's floor. */
export const KUBERNETES = ['--kube-version', '1.36.0'];

let found: ReturnType<typeof findTools<(typeof HELMS)[number]>> | undefined;

/** Both Helms; a cold machine builds them first, so call it in a hook. */
export async function findHelms(): Promise<Readonly<Record<(typeof HELMS)[number], string>>> {
  found ??= findTools(HELMS);
  return await found;
}

export function values(file: string | undefined): readonly string[] {
  return file === undefined ? [] : ['--values', join(CHART, 'ci', file)];
}

export async function render(
  helm: (typeof HELMS)[number],
  file: string | undefined,
  settings: readonly string[] = [],
): Promise<string> {
  const args = ['template', 'curfew', CHART, '--namespace', 'curfew-system', ...KUBERNETES, ...values(file)];
  args.push(...settings.flatMap((setting) => ['--set', setting]));
  const { code, stdout, stderr } = await runProgram((await findHelms())[helm], args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

export type RefusedValues = {
  readonly settings: readonly string[];
  readonly release?: string;
  readonly namespace?: string;
};

/** What Helm prints on standard error when it refuses to render; throws if it renders. */
export async function refusalOf(
  helm: (typeof HELMS)[number],
  { settings, release = 'curfew', namespace = 'curfew-system' }: RefusedValues,
): Promise<string> {
  const set = settings.flatMap((setting) => ['--set', setting]);
  const args = ['template', release, CHART, '--namespace', namespace, ...KUBERNETES, ...set];
  const { code, stderr } = await runProgram((await findHelms())[helm], args);
  if (code !== 1) throw new Error(`${helm} ended with exit code ${code} for ${settings.join(', ')}`);
  return stderr;
}

/** The sentence of a template; Helm puts the place before it: execution error at (curfew/templates/validate.yaml:1:2): */
export function sentenceOf(refusal: string): string {
  const told = refusal.split(/(?:validate|native-policies)\.yaml:\d+:\d+\): /).at(-1) ?? '';
  return told.split('\n')[0] ?? '';
}

export function parse(text: string): readonly JsonObject[] {
  return parseAllDocuments(text)
    .map((document): unknown => {
      // A key that stands twice is an error here; Helm would take one of the two.
      if (document.errors.length > 0) throw new Error(document.errors.join('\n'));
      return document.toJS();
    })
    .filter(isObject);
}

export function find(objects: readonly JsonObject[], kind: string): JsonObject | undefined {
  return objects.find((object) => member(object, 'kind') === kind);
}

export function argumentsOf(objects: readonly JsonObject[]): readonly unknown[] {
  return asArray(valueAt(find(objects, 'Deployment'), ['spec', 'template', 'spec', 'containers', 0, 'args']));
}

export function configurationOf(objects: readonly JsonObject[]): JsonObject {
  const text = valueAt(find(objects, 'ConfigMap'), ['data', 'configuration.yaml']);
  return parse(asString(text) ?? '')[0] ?? {};
}
