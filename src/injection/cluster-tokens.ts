/** What is wrong with tokens that the configuration gives to every pod: each mistake would refuse all of them. */

import { quote } from '../objects/text.ts';
import type { PresetProblem } from '../presets/problems.ts';
import { listUngiven } from '../presets/problems.ts';
import { parseToken } from './annotation.ts';
import type { InjectionSettings } from './asks.ts';
import { limitsOf } from './asks.ts';

export function listTokenProblems(settings: InjectionSettings): readonly PresetProblem[] {
  const { presets, presetParameters } = settings;
  return [...settings.tokens].flatMap(([name, text]) => {
    const path = `/tokens/${name}`;
    const parsed = parseToken(name, text, { presets, limitsOf: (preset) => limitsOf(preset, settings) });
    if (parsed.state === 'wrong')
      return parsed.problems.map(({ problem }) => ({ path, problem: `is wrong: ${problem}` }));
    if (parsed.state === 'off') return [];
    const { preset: id = '', parameters } = parsed.token;
    const preset = presets.get(id);
    if (preset === undefined) return [];
    const given = { ...presetParameters[id], ...Object.fromEntries(parameters) };
    // A service account may give it, but not each of them will.
    const lacking = listUngiven(preset, { given, isEveryPod: true });
    if (lacking === undefined) return [];
    const { needing, missing } = lacking;
    const problem = `needs ${needing.join(' and ')} for preset ${quote(id)}, and not every service account gives ${missing.join(' and ')}; set it here or in presetParameters`;
    return [{ path, problem }];
  });
}
