/** One rule of another policy engine, as far as it was understood. */

import type { JsonObject, JsonPath, JsonValue } from '../objects/json.ts';
import { asString, member, valueAt } from '../objects/json.ts';
import { quote, toOneLine } from '../objects/text.ts';
import type { Reading } from './reading.ts';
import type { Scope, Untold } from './scope.ts';

export type ImportedMode = 'audit' | 'warn' | 'enforce';

export type ImportedRule = {
  /** `ClusterPolicy restrict-automount-sa-token`. */
  readonly policy: string;
  /** Its name in the policy; undefined where the policy is one rule. */
  readonly rule: string | undefined;
  readonly at: JsonPath;
  /** What it does with a check; a mutation is applied. */
  readonly mode: ImportedMode;
  /** Refuses Deployments and their like for what their pods would be. */
  readonly judgesTemplates: boolean;
  readonly scope: Scope;
  readonly reading: Reading;
  /** What else of it Curfew does not do. */
  readonly untold: readonly Untold[];
};

/** A field that cannot be what it is. */
export type PolicyFault = { readonly at: JsonPath; readonly message: string };

export type ImportedPolicy = {
  readonly rules: readonly ImportedRule[];
  readonly exceptions: readonly ImportedException[];
  readonly faults: readonly PolicyFault[];
};

/** A written exception to policies, which is an object of its own. */
export type ImportedException = {
  /** `PolicyException platform/allow-ci`. */
  readonly name: string;
  readonly at: JsonPath;
  /** Of each policy the rules that it is for; `*` stands in them. */
  readonly policies: readonly { readonly policy: string; readonly rules: readonly string[] }[];
  readonly scope: Pick<Scope, 'exempt' | 'unexempt'>;
};

export const NO_POLICY: ImportedPolicy = { rules: [], exceptions: [], faults: [] };

/** `ClusterPolicy require-labels`, `Policy shop/require-labels`. */
export function nameOfPolicy(object: JsonObject): string {
  const namespace = asString(valueAt(object, ['metadata', 'namespace']));
  const name = asString(valueAt(object, ['metadata', 'name'])) ?? '';
  const kind = asString(member(object, 'kind')) ?? '';
  return toOneLine(`${kind} ${namespace === undefined || namespace === '' ? '' : `${namespace}/`}${name}`);
}

/** `{"a":1} is not allowed; allowed: Enforce, Audit`. */
export function describeWrong(value: JsonValue | undefined, allowed: string): string {
  return `${quote(JSON.stringify(value) ?? 'nothing').slice(1, -1)} is not allowed; allowed: ${allowed}`;
}
