/** Which level is in force for each mode in a namespace: its label, else the configuration's override, else the default. */

import type { Level } from '../objects/level.ts';
import { LEVELS, parseLevel } from '../objects/level.ts';
import { quote } from '../objects/text.ts';
import type { Lookup, NamespaceView } from '../objects/views.ts';
import type { Configuration, Levels } from './configuration.ts';
import { LEVEL_LABELS } from './labels.ts';

export type EffectiveLevels = Levels & {
  /** True if the namespace's own label asks for mutation: then it is applied, whatever `mutateMode` says. */
  readonly mutateByLabel: boolean;
  /** Sentences about labels that could not be read or understood, and so did not count. */
  readonly notes: readonly string[];
};

/**
 * The levels for `namespace`; with an empty name, those of cluster-scoped objects. A namespace that could not be read has the levels of the configuration, and a note says
 * so; a label with another value than a level's name counts as not set, and a note says so.
 */
export function effectiveLevels(
  configuration: Configuration,
  name: string,
  namespace: Lookup<NamespaceView>,
): EffectiveLevels {
  if (name === '') return { ...configuration.clusterScoped, mutate: 'off', mutateByLabel: false, notes: [] };
  const override = configuration.namespaces.get(name);
  const configured = override === undefined ? configuration.levels : { ...configuration.levels, ...override };
  if (namespace.state !== 'found') {
    const why = namespace.state === 'unknown' ? namespace.why : 'it does not exist';
    return { ...configured, mutateByLabel: false, notes: [`labels of namespace ${name} were not read: ${why}`] };
  }

  const notes: string[] = [];
  const fromLabel = (mode: keyof Levels): Level | undefined => {
    const text = namespace.value.labels.get(LEVEL_LABELS[mode]);
    if (text === undefined) return undefined;
    const level = parseLevel(text);
    if (level === undefined) {
      notes.push(
        `label ${LEVEL_LABELS[mode]}=${quote(text)} of namespace ${name} is none of ${LEVELS.join(', ')}; ${configured[mode]} is in force`,
      );
    }
    return level;
  };
  const mutate = fromLabel('mutate');
  return {
    enforce: fromLabel('enforce') ?? configured.enforce,
    warn: fromLabel('warn') ?? configured.warn,
    audit: fromLabel('audit') ?? configured.audit,
    mutate: mutate ?? configured.mutate,
    mutateByLabel: mutate !== undefined,
    notes,
  };
}
