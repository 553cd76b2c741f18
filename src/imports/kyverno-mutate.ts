/** Mutations of Kyverno that take tokens away. */

import type { JsonPath, JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member } from '../objects/json.ts';
import { quote } from '../objects/text.ts';
import { normalize } from './cel.ts';
import type { Reading } from './reading.ts';
import { joinReadings, leave } from './reading.ts';

const MOST_CHARACTERS = 16_384;

type MutationForm = 'pod' | 'account';

/** `names` are those of the objects that are changed. */
export function readMutate(mutate: JsonValue, at: JsonPath, names: readonly string[] | undefined): Reading {
  if (!isObject(mutate)) return leave(at, 'it is no mutation');
  if (member(mutate, 'targets') !== undefined)
    return leave(
      [...at, 'targets'],
      'objects that exist already are not changed by Curfew; curfew audit --show accounts lists them',
    );
  const readings = Object.entries(mutate).map(([key, value]): Reading => {
    const path = [...at, key];
    switch (key) {
      case 'patchStrategicMerge':
        return readMerge(value, path, names);
      case 'patchesJson6902':
        return readJsonPatch(value, path, names);
      case 'foreach':
        return readRemovals(value, path);
      case 'mutateExistingOnPolicyUpdate':
        return value === true
          ? leave(path, 'objects that exist already are not changed by Curfew')
          : { claims: [], unread: [] };
      default:
        return leave(path, `no mutation is known for ${quote(key)}`);
    }
  });
  return joinReadings(readings);
}

function readMerge(patch: JsonValue, at: JsonPath, names: readonly string[] | undefined): Reading {
  const leaves: { readonly pointer: string; readonly value: JsonValue; readonly at: JsonPath }[] = [];
  const walk = (value: JsonValue, steps: readonly string[], here: JsonPath) => {
    // Deeper than a pod spec in a CronJob nothing of this is.
    if (!isObject(value) || steps.length > 8) leaves.push({ pointer: steps.join('/'), value, at: here });
    else
      for (const [key, entry] of Object.entries(value))
        walk(entry, [...steps, key.replace(/^\+\((.*)\)$/, '$1')], [...here, key]);
  };
  walk(patch, [], at);
  return joinReadings(
    leaves.map(({ pointer, value, at: here }) => {
      if (value === false && pointer === 'automountServiceAccountToken') return claimOptOut('account', here, names);
      if (value === false && pointer === 'spec/automountServiceAccountToken') return claimOptOut('pod', here, names);
      return leave(here, `no mutation of Curfew sets ${quote(pointer)}`);
    }),
  );
}

/** The text of a JSON patch in YAML; the one that is known has one operation. */
function readJsonPatch(value: JsonValue, at: JsonPath, names: readonly string[] | undefined): Reading {
  const text = asString(value) ?? '';
  const path = /(?:^|\n|\{|,)\s*(?:- )?"?path"?:\s*"?([^\s",}]+)/.exec(text.slice(0, MOST_CHARACTERS))?.[1];
  const count = text.slice(0, MOST_CHARACTERS).match(/"?\bop"?:/g)?.length ?? 0;
  const isFalse = /"?\bvalue"?:\s*false\b/.test(text.slice(0, MOST_CHARACTERS));
  if (count === 1 && isFalse && path === '/automountServiceAccountToken') return claimOptOut('account', at, names);
  if (count === 1 && isFalse && path === '/spec/automountServiceAccountToken') return claimOptOut('pod', at, names);
  return leave(at, 'no mutation is known for this JSON patch');
}

/** Volumes named kube-api-access-…, and their mounts, removed one by one. */
function readRemovals(value: JsonValue, at: JsonPath): Reading {
  const text = JSON.stringify(value).slice(0, MOST_CHARACTERS);
  const removes = /path: \/spec\/volumes\/\{\{ ?elementIndex\d? ?\}\}/.test(text) && /\bop: remove\b/.test(text);
  const isTokenVolume = text.includes('kube-api-access-') && text.includes('projected');
  const lists = asArray(value).map((entry) => asString(member(entry, 'list'))?.replaceAll(/\s/g, ''));
  const known = [
    'request.object.spec.volumes[]',
    'request.object.spec.containers[]',
    'request.object.spec.initContainers[]',
  ];
  if (!removes || !isTokenVolume || !lists.every((list) => list !== undefined && known.includes(list)))
    return leave(at, 'no mutation is known for this foreach');
  return claimOptOut('pod', at, undefined);
}

function claimOptOut(form: MutationForm, at: JsonPath, names: readonly string[] | undefined): Reading {
  const by = 'the patch of automountServiceAccountToken';
  if (form === 'pod') {
    const differs = [
      'a pod whose need of the API is documented (curfew.dev/api-access) keeps its token, and volume and mounts go with the field',
    ];
    return { claims: [{ id: 'automount-opt-out', does: 'mutation', at, by, loses: [], differs }], unread: [] };
  }
  const isDefault = names?.length === 1 && names[0] === 'default';
  const loses = isDefault
    ? []
    : ['service accounts other than default are not changed; service-account-automount refuses them'];
  return {
    claims: [{ id: 'default-service-account-opt-out', does: 'mutation', at, by, loses, differs: [] }],
    unread: [],
  };
}

const APPLY_ACCOUNT = /^Object\{automountServiceAccountToken:false\}$/;
const APPLY_POD = /^Object\{spec:Object\.spec\{automountServiceAccountToken:false\}\}$/;
const PATCH = /^\[JSONPatch\{op:'(?:add|replace)',path:'(\/(?:spec\/)?automountServiceAccountToken)',value:false\}\]$/;

/** An entry of `mutations` of a MutatingPolicy, of Kyverno or of Kubernetes. */
export function readCelMutation(entry: JsonValue, at: JsonPath, names: readonly string[] | undefined): Reading {
  const key = member(entry, 'jsonPatch') === undefined ? 'applyConfiguration' : 'jsonPatch';
  const expression = asString(member(member(entry, key), 'expression'));
  const path = [...at, key, 'expression'];
  if (expression === undefined || expression.length > MOST_CHARACTERS) return leave(at, 'no mutation is known for it');
  const text = normalize(expression).replaceAll(' ', '');
  const pointer = PATCH.exec(text)?.[1];
  if (APPLY_ACCOUNT.test(text) || pointer === '/automountServiceAccountToken')
    return claimOptOut('account', path, names);
  if (APPLY_POD.test(text) || pointer === '/spec/automountServiceAccountToken') return claimOptOut('pod', path, names);
  return leave(path, 'no mutation is known for this expression');
}
