/**
 * The annotation `curfew.dev/injected`: what Curfew added to this pod. In a second round, or when a stored pod is applied
 * again, it tells our work from the author's, so that ours can be made anew and theirs is never touched.
 */

import { INJECTED_ANNOTATION } from '../objects/injection-keys.ts';
import type { JsonObject } from '../objects/json.ts';
import { asArray, asString, isObject, member, stringMembers, valueAt } from '../objects/json.ts';

/** The API server takes no more in all annotations of an object (TotalAnnotationSizeLimitB). */
const MOST_CHARACTERS = 262_144;
const MOST_PARTS = 32;

/** One token's part of the record: what is in the pod only because Curfew put it there. */
export type Recorded = {
  readonly volumes: ReadonlySet<string>;
  /** Names of volumes by the path at which they are mounted. */
  readonly mounts: ReadonlyMap<string, string>;
  readonly env: ReadonlyMap<string, string>;
  /** An empty value means whatever was written there: the content of a file. */
  readonly annotations: ReadonlyMap<string, string>;
  /** The containers that got mounts and variables. */
  readonly containers: ReadonlySet<string>;
  /** By container: paths and variables that it did not get, since it had them. */
  readonly except: ReadonlyMap<string, ReadonlySet<string>>;
  /** As it is written. */
  readonly part: JsonObject;
};

/** What Curfew put into the pod for one token, gathered while it does so. */
export type Added = {
  readonly volumes: Set<string>;
  readonly annotations: Map<string, string>;
  /** By container: volumes by path, and values by variable. No variable's name starts with a slash, and every path does. */
  readonly containers: Map<string, Map<string, string>>;
};

export function createAdded(): Added {
  return { volumes: new Set(), annotations: new Map(), containers: new Map() };
}

/** Adds a mount or a variable of a container. */
export function addEntry({ containers }: Added, container: string, [key, value]: readonly [string, string]): void {
  const entries = containers.get(container) ?? new Map<string, string>();
  containers.set(container, entries.set(key, value));
}

/** Whether that mount (path and volume) or variable of the container was added in an earlier round. */
export function hasEntry(
  recorded: Recorded | undefined,
  container: string,
  [key, value]: readonly [string, string],
): boolean {
  if (recorded === undefined || !recorded.containers.has(container)) return false;
  if (recorded.except.get(container)?.has(key) === true) return false;
  return (key.startsWith('/') ? recorded.mounts : recorded.env).get(key) === value;
}

/** What is written of it; undefined if nothing of it is ours. Containers mostly get the same, so that is said once. */
export function toPart({ volumes, annotations, containers }: Added): JsonObject | undefined {
  if (volumes.size === 0 && annotations.size === 0 && containers.size === 0) return undefined;
  const all = new Map([...containers.values()].flatMap((entries) => [...entries]));
  const except = [...containers].flatMap(([name, entries]) => {
    const lacking = [...all.keys()].filter((key) => !entries.has(key));
    return lacking.length === 0 ? [] : [[name, lacking] as const];
  });
  return {
    volumes: [...volumes],
    mounts: Object.fromEntries([...all].filter(([key]) => key.startsWith('/'))),
    env: Object.fromEntries([...all].filter(([key]) => !key.startsWith('/'))),
    ...(annotations.size === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
    containers: [...containers.keys()],
    ...(except.length === 0 ? {} : { except: Object.fromEntries(except) }),
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
        const except = member(part, 'except');
        const recorded: Recorded = {
          volumes: stringsOf(member(part, 'volumes')),
          mounts: stringMembers(member(part, 'mounts')),
          env: stringMembers(member(part, 'env')),
          annotations: stringMembers(member(part, 'annotations')),
          containers: stringsOf(member(part, 'containers')),
          except: new Map(
            Object.entries(isObject(except) ? except : {}).map(([key, list]) => [key, stringsOf(list)] as const),
          ),
          part,
        };
        return [[name, recorded] as const];
      }),
  );
}

function stringsOf(list: unknown): ReadonlySet<string> {
  return new Set(asArray(list).filter((entry) => typeof entry === 'string'));
}

function parse(text: string): unknown {
  if (text === '' || text.length > MOST_CHARACTERS) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
