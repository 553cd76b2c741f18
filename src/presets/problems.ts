/** What the schema of presets cannot say: names that lead nowhere. Told when a configuration is read. */

import { suggest } from '../objects/closest.ts';
import { isObject } from '../objects/json.ts';

import { quote } from '../objects/text.ts';
import type { Preset, Presets } from './format.ts';
import { listPlaceholders, NUMBER, PLACEHOLDERS } from './format.ts';

export type PresetProblem = { readonly path: string; readonly problem: string };

/** Values of parameters by preset: what the administrator gives to everybody. */
export type PresetParameters = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** @param reserved - keys of the annotation, which a parameter cannot be called */
export function listPresetProblems(
  own: Readonly<Record<string, Preset>>,
  {
    triggers,
    presets,
    reserved,
    given = {},
  }: {
    readonly triggers: readonly string[];
    readonly presets: Presets;
    readonly reserved: readonly string[];
    readonly given?: PresetParameters;
  },
): readonly PresetProblem[] {
  const ofTriggers = triggers.flatMap((name, index) => {
    const path = `/triggers/${index}`;
    const preset = presets.get(name);
    if (preset === undefined)
      return [{ path, problem: `${quote(name)} is no preset${suggest(name, [...presets.keys()])}` }];
    if (preset.trigger === undefined) return [{ path, problem: `preset ${quote(name)} has no trigger` }];
    const { accountAnnotation, podLabel, namespaceLabel } = preset.trigger;
    if (accountAnnotation === undefined && podLabel === undefined && namespaceLabel === undefined) {
      const problem = `preset ${quote(name)} has a trigger by which nothing asks; give it accountAnnotation, podLabel or namespaceLabel`;
      return [{ path, problem }];
    }
    const wanted = JSON.stringify(preset.trigger);
    // Both would add their token to the same pods, and set the same variables.
    const twin = triggers.slice(0, index).find((other) => JSON.stringify(presets.get(other)?.trigger) === wanted);
    return [
      ...(twin === undefined ? [] : [{ path, problem: `preset ${quote(name)} has the trigger of ${quote(twin)}` }]),
      ...listLacking(name, preset, given).map((problem) => ({ path, problem })),
    ];
  });
  return [
    ...ofTriggers,
    ...listGivenProblems(given, presets),
    ...Object.entries(own).flatMap(([name, preset]) => listOwnProblems(name, preset, reserved)),
  ];
}

/** What a triggered preset must have and no account can give: every pod that triggers it would be refused. */
function listLacking(name: string, preset: Preset, given: PresetParameters): readonly string[] {
  const ofCluster = new Map(Object.entries(given)).get(name) ?? {};
  const lacking = listUngiven(preset, { given: ofCluster, isEveryPod: false });
  if (lacking === undefined) return [];
  const { needing, missing } = lacking;
  const it = missing.length === 1 ? 'it' : 'them';
  return [
    `preset ${quote(name)} needs ${needing.join(' and ')}, and nothing gives ${missing.join(' and ')}; set ${it} in presetParameters`,
  ];
}

/**
 * Parameters that need a value and have none, and what is missing of them; undefined if there are none.
 *
 * @param isEveryPod - true where an annotation of the service account is not enough, since some have none
 */
export function listUngiven(
  { parameters = {} }: Preset,
  { given, isEveryPod }: { readonly given: Readonly<Record<string, string>>; readonly isEveryPod: boolean },
): { readonly needing: readonly string[]; readonly missing: readonly string[] } | undefined {
  const possible = new Set(Object.keys(given));
  const lacking = new Set<string>();
  const needing: string[] = [];
  // In their order: a default names parameters before it.
  for (const [key, { annotation, default: template, isOptional = false }] of Object.entries(parameters)) {
    const missing = template === undefined ? [key] : listPlaceholders(template).filter((one) => !possible.has(one));
    if ((annotation !== undefined && !isEveryPod) || missing.length === 0) possible.add(key);
    if (possible.has(key) || isOptional) continue;
    needing.push(key);
    for (const one of missing) lacking.add(one);
  }
  return needing.length === 0 ? undefined : { needing, missing: [...lacking] };
}

function listGivenProblems(given: PresetParameters, presets: Presets): readonly PresetProblem[] {
  return Object.entries(given).flatMap(([name, values]) => {
    const path = `/presetParameters/${name}`;
    const preset = presets.get(name);
    if (preset === undefined)
      return [{ path, problem: `${quote(name)} is no preset${suggest(name, [...presets.keys()])}` }];
    const parameters = new Map(Object.entries(preset.parameters ?? {}));
    const known = [...parameters.keys()];
    return Object.entries(values).flatMap(([key, value]) => {
      const parameter = parameters.get(key);
      const problem =
        parameter === undefined
          ? `${quote(key)} is no parameter of preset ${quote(name)}${suggest(key, known)}`
          : `${quote(value)} is no number`;
      const isRight = parameter !== undefined && (parameter.isNumber !== true || NUMBER.test(value));
      return isRight ? [] : [{ path: `${path}/${key}`, problem }];
    });
  });
}

/** Of names of presets that are injected beside a foreign webhook: one that never stands back is a mistake. */
export function listBesideProblems(beside: readonly string[], presets: Presets): readonly PresetProblem[] {
  return beside.flatMap((name, index) => {
    const path = `/besideForeignWebhooks/${index}`;
    const preset = presets.get(name);
    if (preset === undefined) {
      return [{ path, problem: `${quote(name)} is no preset${suggest(name, [...presets.keys()])}` }];
    }
    return preset.foreignWebhooks === undefined
      ? [{ path, problem: `preset ${quote(name)} names no foreignWebhooks, so it never stands back` }]
      : [];
  });
}

function listOwnProblems(name: string, preset: Preset, reserved: readonly string[]): readonly PresetProblem[] {
  const path = `/presets/${name}`;
  const parameters = Object.keys(preset.parameters ?? {});
  const known = [...parameters, ...PLACEHOLDERS];
  const taken = parameters.filter((parameter) => reserved.includes(parameter) && parameter !== 'audience');
  const filled = parameters.filter((name) => PLACEHOLDERS.some((one) => one === name) && !taken.includes(name));
  const unknown = listTexts(preset)
    .flatMap(listPlaceholders)
    .filter((one) => !known.includes(one));
  const { credential } = preset;
  const isHalf = (credential?.volume === undefined) !== (credential?.mountPath === undefined);
  const isOneFile =
    credential !== undefined && credential.volume === undefined && credential.path === (preset.path ?? 'token');
  // The API server's ServiceAccount plugin goes by this prefix alone, and would mount it as the API token.
  const isApiToken = [preset.volume, preset.credential?.volume].some((volume) =>
    volume?.startsWith('kube-api-access-'),
  );
  return [
    ...(isApiToken ? [{ path, problem: 'has a volume called kube-api-access-…, which is the API token’s name' }] : []),
    ...(isHalf
      ? [{ path: `${path}/credential`, problem: 'has one of volume and mountPath; give both or neither' }]
      : []),
    ...(isOneFile
      ? [{ path: `${path}/credential/path`, problem: 'is the file of the token; choose another name' }]
      : []),
    ...filled.map((parameter) => ({
      path: `${path}/parameters/${parameter}`,
      problem: `is filled in by Curfew; choose another name`,
    })),
    ...taken.map((parameter) => ({
      path: `${path}/parameters/${parameter}`,
      problem: `is a key of the annotation already; choose another name`,
    })),
    ...listPlaceholders(preset.audience)
      .filter((one) => new Map(Object.entries(preset.parameters ?? {})).get(one)?.isOptional === true)
      .map((one) => ({
        path: `${path}/audience`,
        problem: `has \${${one}}, which is optional: without it the token would be one for the Kubernetes API; take isOptional away`,
      })),
    ...[...new Set(unknown)].map((one) => ({
      path,
      problem: `has \${${one}}, which is no parameter of it${suggest(one, known)}`,
    })),
    ...listEarlyTexts(preset).flatMap(({ at, text, names }) =>
      listPlaceholders(text)
        .filter((one) => !names.includes(one))
        .map((one) => ({
          path: `${path}${at}`,
          problem: `has \${${one}}, which is no parameter before it${suggest(one, names)}`,
        })),
    ),
  ];
}

/** Texts that are filled in before there is a file: each with the parameters that are known there. */
function listEarlyTexts({ tokenFile = '', parameters = {} }: Preset) {
  const names = Object.keys(parameters);
  const defaults = Object.entries(parameters).map(([name, parameter], index) => ({
    at: `/parameters/${name}/default`,
    text: parameter.default ?? '',
    names: names.slice(0, index),
  }));
  return [{ at: '/tokenFile', text: tokenFile, names }, ...defaults];
}

/** Every text of a preset that is filled in. The content may be of any form, so it is walked without recursion. */
function listTexts({ audience, env = [], podAnnotations = {}, credential }: Preset): readonly string[] {
  const texts = [audience, ...env.map(({ value }) => value), ...Object.values(podAnnotations)];
  const open: unknown[] = credential === undefined ? [] : [credential.content];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next === 'string') texts.push(next);
    else if (Array.isArray(next) || isObject(next)) open.push(...Object.values(next).map((one: unknown) => one ?? ''));
  }
  return texts;
}
