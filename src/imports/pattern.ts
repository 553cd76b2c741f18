/** Patterns of Kyverno: an object whose values an object must have, with anchors in parentheses around its keys. */

import type { JsonPath, JsonValue } from '../objects/json.ts';
import { isObject, toPointer } from '../objects/json.ts';
import { quote } from '../objects/text.ts';
import type { Reading } from './reading.ts';
import { claim, claimSubject, joinReadings, leave, NOTHING } from './reading.ts';

const MOST_LEAVES = 200;
const MOST_DEPTH = 20;

type Leaf = {
  /** Without anchors and indexes: `/subjects/[]/name`. */
  readonly pointer: string;
  readonly value: JsonValue;
  /** An anchor on the way that asks for the value only where there is one. */
  readonly isOptional: boolean;
  /** An anchor whose meaning is another one. */
  readonly anchor: string | undefined;
  readonly at: JsonPath;
};

/** Where a pod spec is in the kinds that have one. */
const POD_SPEC = /^\/spec(?:\/template\/spec|\/jobTemplate\/spec\/template\/spec)?\//;

/** What a rule with a `pattern` refuses: whatever does not have its values. */
export function readPattern(pattern: JsonValue, at: JsonPath): Reading {
  const leaves = listLeaves(pattern, at);
  if (leaves === undefined) return leave(at, `a pattern of more than ${MOST_LEAVES} values is not read`);
  if (leaves.length === 0) return leave(at, 'the pattern asks for nothing');
  return joinReadings(leaves.map(readLeaf));
}

function readLeaf({ pointer, value, isOptional, anchor, at }: Leaf): Reading {
  if (anchor !== undefined) return leave(at, `the anchor ${quote(anchor)} is not read`);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const by = `the pattern ${pointer}: ${quote(text)}`;
  // Whatever it is, as long as there is something: Kubernetes fills these fields.
  if (text === '*') return NOTHING;
  if (pointer === '/type' && text === '!kubernetes.io/service-account-token') return claim('tokenSecret', at, by);
  if (pointer === '/roleRef/name' && text === '!cluster-admin') return claim('clusterAdmin', at, by);
  if (pointer === '/automountServiceAccountToken' && isFalse(value)) return claim('accountOptOut', at, by);
  if (/^\/subjects\/\[\]\/name$/.test(pointer) && /^![^!&|*?]+$/.test(text)) return claimSubject(text.slice(1), at);
  const ofPod = POD_SPEC.test(pointer) ? pointer.replace(POD_SPEC, '') : undefined;
  if (ofPod === 'automountServiceAccountToken' && isFalse(value))
    return claim(isOptional ? 'podNotTrue' : 'podOptOut', at, by);
  if (ofPod === 'serviceAccountName' && text === '!default') return claim('defaultAccount', at, by);
  return leave(at, `no check asks for ${pointer}: ${quote(text)}`);
}

function isFalse(value: JsonValue): boolean {
  return value === false || value === 'false' || value === '!true';
}

/** Undefined if there are too many. Iterative: a pattern may be as deep as its writer likes. */
function listLeaves(pattern: JsonValue, at: JsonPath): readonly Leaf[] | undefined {
  const leaves: Leaf[] = [];
  const open: (Omit<Leaf, 'pointer'> & { readonly steps: readonly string[] })[] = [
    { value: pattern, steps: [], isOptional: false, anchor: undefined, at },
  ];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const { value, steps, isOptional, anchor, at: here } = next;
    if (leaves.length + open.length > MOST_LEAVES || steps.length > MOST_DEPTH) return undefined;
    if (Array.isArray(value)) {
      for (const [index, entry] of value.entries())
        open.push({ value: entry, steps: [...steps, '[]'], isOptional, anchor, at: [...here, index] });
    } else if (isObject(value)) {
      for (const [key, entry] of Object.entries(value)) {
        const [, mark, name] = /^([=^X<+]?)\((.*)\)$/.exec(key) ?? [];
        const isEquality = mark === '=';
        open.push({
          value: entry,
          steps: [...steps, name ?? key],
          isOptional: isOptional || isEquality,
          anchor: anchor ?? (mark === undefined || isEquality ? undefined : key),
          at: [...here, key],
        });
      }
    } else leaves.push({ pointer: toPointer(steps), value, isOptional, anchor, at: here });
  }
  return leaves;
}
