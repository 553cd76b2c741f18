/** What the schema of presets cannot say: names that lead nowhere. Told when a configuration is read. */

import { suggest } from '../objects/closest.ts';
import { isObject } from '../objects/json.ts';

import { quote } from '../objects/text.ts';
import type { Preset, Presets } from './format.ts';
import { listPlaceholders, PLACEHOLDERS } from './format.ts';

export type PresetProblem = { readonly path: string; readonly problem: string };

/** @param reserved - keys of the annotation, which a parameter cannot be called */
export function listPresetProblems(
  own: Readonly<Record<string, Preset>>,
  {
    triggers,
    presets,
    reserved,
  }: {
    readonly triggers: readonly string[];
    readonly presets: Presets;
    readonly reserved: readonly string[];
  },
): readonly PresetProblem[] {
  const ofTriggers = triggers.flatMap((name, index) => {
    const path = `/triggers/${index}`;
    const preset = presets.get(name);
    if (preset === undefined)
      return [{ path, problem: `${quote(name)} is no preset${suggest(name, [...presets.keys()])}` }];
    return preset.trigger === undefined ? [{ path, problem: `preset ${quote(name)} has no trigger` }] : [];
  });
  return [...ofTriggers, ...Object.entries(own).flatMap(([name, preset]) => listOwnProblems(name, preset, reserved))];
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
  const unknown = listTexts(preset)
    .flatMap(listPlaceholders)
    .filter((one) => !known.includes(one));
  // The API server's ServiceAccount plugin goes by this prefix alone, and would mount it as the API token.
  const isApiToken = [preset.volume, preset.credential?.volume].some((volume) =>
    volume?.startsWith('kube-api-access-'),
  );
  return [
    ...(isApiToken ? [{ path, problem: 'has a volume called kube-api-access-…, which is the API token’s name' }] : []),
    ...taken.map((parameter) => ({
      path: `${path}/parameters/${parameter}`,
      problem: `is a key of the annotation already; choose another name`,
    })),
    ...[...new Set(unknown)].map((one) => ({
      path,
      problem: `has \${${one}}, which is no parameter of it${suggest(one, known)}`,
    })),
  ];
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
