/** The configurations that examples of checks run under, so few of them as can be. */

import { CHECKS } from '../src/checks/registry.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { type ExampleCase, isClusterScoped } from './example-case.ts';

/**
 * Sets of options that examples have, the first of each check, the second of each, and so on: what one check is told is
 * nothing to another, so one configuration serves them all.
 */
const ROUNDS: readonly ReadonlyMap<string, JsonObject>[] = toRounds();

/** Levels of namespaces are labels; all else that an example says about the configuration is here. */
export function configurationOf({ check, example }: ExampleCase): JsonObject {
  const { options, level, context, subject } = example;
  const round = options === undefined ? undefined : ROUNDS.find((sets) => sets.get(check.id) === options);
  // The level of what is in no namespace is nothing to the others, who may go with either.
  const clusterLevel = isClusterScoped(subject.object) ? level : 'restricted';
  return {
    enforceTemplates: true,
    levels: { clusterScoped: { enforce: clusterLevel, warn: clusterLevel } },
    ...(round === undefined ? {} : { checks: Object.fromEntries(round) }),
    ...(context?.acceptApiAccessFrom === undefined ? {} : { apiAccess: { acceptFrom: context.acceptApiAccessFrom } }),
  };
}

function toRounds(): readonly ReadonlyMap<string, JsonObject>[] {
  const rounds: Map<string, JsonObject>[] = [];
  for (const check of CHECKS) {
    const sets = check.examples.flatMap(({ options }) => (options === undefined ? [] : [options]));
    for (const [index, set] of sets.entries()) {
      rounds[index] ??= new Map();
      rounds[index].set(check.id, set);
    }
  }
  return rounds;
}
