/**
 * The annotation `curfew.dev/injected`: what Curfew added to this pod. In a second round, or when a stored pod is applied
 * again, it tells our work from the author's, so that ours can be made anew and theirs is never touched.
 */

import { INJECTED_ANNOTATION } from '../objects/injection-keys.ts';
import type { JsonObject } from '../objects/json.ts';
import { asArray, asString, isObject, member, stringMembers, valueAt } from '../objects/json.ts';
import type { Plan } from './plan.ts';

/** No record of ours is larger, and one that somebody made is not worth more work. */
const MOST_CHARACTERS = 65_536;
const MOST_PARTS = 32;

/** One token's part of the record. */
export type Recorded = {
  readonly volumes: ReadonlySet<string>;
  readonly mountPaths: ReadonlySet<string>;
  readonly env: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  readonly part: JsonObject;
  /** The part as it is written, to see whether it is still the same. */
  readonly text: string;
};

export function toRecorded(plan: Plan): JsonObject {
  const { volumes, mounts, env, annotations, contents, only, except } = plan;
  const keys = new Map([...annotations, ...[...contents.keys()].map((key) => [key, ''] as const)]);
  return {
    volumes: volumes.map(({ name }) => name),
    mountPaths: mounts.map(({ mountPath }) => mountPath),
    env: Object.fromEntries(env.map(({ name, value }) => [name, value])),
    ...(keys.size === 0 ? {} : { annotations: Object.fromEntries(keys) }),
    ...(only === undefined ? {} : { only }),
    ...(except.length === 0 ? {} : { except }),
  };
}

/** What the pod's annotation says; nothing if it is not there or not of our form. Anybody may have written it. */
export function readRecord(pod: JsonObject): ReadonlyMap<string, Recorded> {
  const text = asString(valueAt(pod, ['metadata', 'annotations', INJECTED_ANNOTATION])) ?? '';
  const parsed = parse(text);
  if (!isObject(parsed)) return new Map();
  return new Map(
    Object.entries(parsed)
      .slice(0, MOST_PARTS)
      .flatMap(([name, part]) => {
        if (!isObject(part)) return [];
        const strings = (key: string) =>
          new Set(asArray(member(part, key)).filter((entry) => typeof entry === 'string'));
        const recorded: Recorded = {
          volumes: strings('volumes'),
          mountPaths: strings('mountPaths'),
          env: stringMembers(member(part, 'env')),
          annotations: stringMembers(member(part, 'annotations')),
          part,
          text: JSON.stringify(part),
        };
        return [[name, recorded] as const];
      }),
  );
}

function parse(text: string): unknown {
  if (text === '' || text.length > MOST_CHARACTERS) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
