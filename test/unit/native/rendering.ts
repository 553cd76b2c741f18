/** Policies for a configuration, as `curfew render policies` makes them. */

import type { NativeOptions } from '../../../src/native/native-options.ts';
import { renderPolicies } from '../../../src/native/render-policies.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asString, valueAt } from '../../../src/objects/json.ts';
import { configure } from '../judging.ts';

export type Setting = { readonly apiAudiences?: readonly string[] } & Partial<
  Pick<NativeOptions, 'level' | 'minor' | 'engine' | 'nodeTokens' | 'now' | 'ownNamespace'>
>;

export function renderAll(keys: JsonObject, { apiAudiences = ['https://api.example'], ...setting }: Setting = {}) {
  return renderPolicies({
    configuration: configure(keys),
    cluster: { apiAudiences, issuers: [] },
    ownNamespace: 'curfew-system',
    level: undefined,
    now: 0,
    minor: 37,
    engine: 'native',
    nodeTokens: 'off',
    ...setting,
  });
}

/** Every policy for a configuration, as JSON by its name. */
export function render(keys: JsonObject, setting: Setting = {}) {
  const { objects } = renderAll(keys, setting);
  const policies = objects.filter(({ kind }) => asString(kind)?.endsWith('Binding') !== true);
  return new Map(
    policies.map((policy) => [asString(valueAt(policy, ['metadata', 'name'])) ?? '', JSON.stringify(policy)]),
  );
}

export function textOf(policies: ReadonlyMap<string, string>, rule: string): string {
  return [...policies].flatMap(([name, text]) => (name.startsWith(rule) ? [text] : [])).join('\n');
}
