/** From the options of `inject-token` to what injection runs on. All their defaults are here. */

import type { HeededLifetimes } from '../objects/token-limits.ts';
import { NO_LIFETIMES } from '../objects/token-limits.ts';
import type { Preset, Presets } from '../presets/format.ts';
import type { PresetParameters } from '../presets/problems.ts';
import { BUILT_IN_PRESETS } from '../presets/registry.ts';
import type { InjectionSettings } from './asks.ts';

/** As the configuration has them; it was checked against the schema. */
export type InjectionOptions = {
  readonly maxExpirationSeconds?: number;
  readonly jitterPercent?: number;
  readonly triggers?: readonly string[];
  readonly besideForeignWebhooks?: readonly string[];
  readonly presetParameters?: PresetParameters;
  readonly presets?: Readonly<Record<string, Preset>>;
  readonly tokens?: Readonly<Record<string, object>>;
};

/** The presets of an administrator are one object as long as the configuration is in force. */
const merged = new WeakMap<object, Presets>();

export function toSettings(options: InjectionOptions, lifetimes: HeededLifetimes = NO_LIFETIMES): InjectionSettings {
  const {
    maxExpirationSeconds = 86_400,
    jitterPercent = 0,
    triggers = [],
    besideForeignWebhooks = [],
    presetParameters = {},
    presets,
    tokens = {},
  } = options;
  return {
    maxExpirationSeconds,
    jitterPercent,
    lifetimes,
    triggers,
    besideForeignWebhooks,
    presetParameters,
    presets: presets === undefined ? BUILT_IN_PRESETS : mergePresets(presets),
    // JSON is YAML, so one parser reads what stands in an annotation and in the configuration.
    tokens: new Map(Object.entries(tokens).map(([name, token]) => [name, JSON.stringify(token)])),
  };
}

function mergePresets(own: Readonly<Record<string, Preset>>): Presets {
  const known = merged.get(own);
  if (known !== undefined) return known;
  const presets = new Map([...BUILT_IN_PRESETS, ...Object.entries(own)]);
  merged.set(own, presets);
  return presets;
}
