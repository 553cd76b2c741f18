/** The places of an object where somebody may have pasted a credential as text, and the words for them. */

import { listContainers } from '../containers.ts';
import type { JsonObject, JsonPath } from '../json.ts';
import { asArray, asString, isObject, member, stringMembers, valueAt } from '../json.ts';
import type { FoundPodSpec } from '../pod-spec.ts';
import { findPodSpecs } from '../pod-spec.ts';
import type { Subject } from '../subject.ts';
import { quote } from '../text.ts';
import { LEAST_TOKEN_CHARACTERS } from './find-tokens.ts';

/** What `kubectl apply` keeps of the object that was applied: it repeats what is judged where it stands. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Longer names are no names, and one that begins as a token does may be a part of it. */
const VARIABLE_NAME = /^(?!.*eyJ)[A-Za-z_][\w.-]{0,62}$/;

export type PastedText = {
  readonly text: string;
  /** True if the API stores it as base64. */
  readonly isData: boolean;
  /** Where it stands. Asked for where something was found only: a Secret may have thousands of values. */
  readonly locate: () => PastedPlace;
};

export type PastedPlace = {
  readonly path: JsonPath;
  /** Stays the same when elements are reordered; several texts may share it, such as the arguments of a container. */
  readonly key: string;
  /** For a sentence: `key "token"`, `environment variable "TOKEN"`. */
  readonly name: string;
  readonly container?: string;
};

/** Every such text of a Secret, a ConfigMap, a pod or a template of pods, and of its annotations; of data no short one. */
export function listPastedTexts(subject: Subject): readonly PastedText[] {
  const pods = findPodSpecs(subject);
  return [
    ...(subject.resource.name === 'secrets'
      ? [...listData(subject, 'data', true), ...listData(subject, 'stringData')]
      : []),
    ...(subject.resource.name === 'configmaps'
      ? [...listData(subject, 'data'), ...listData(subject, 'binaryData', true)]
      : []),
    ...listAnnotations(subject, { path: ['metadata', 'annotations'], owner: '' }),
    ...pods.flatMap((pod) => listTextsOfPod(subject, pod)),
  ];
}

function listData({ object }: Subject, field: string, isData = false): readonly PastedText[] {
  const data = member(object, field);
  if (!isObject(data)) return [];
  // Its keys, not its entries: those take five times as long where there are thousands.
  return Object.keys(data).flatMap((key) => {
    const text = data[key];
    if (typeof text !== 'string' || text.length < LEAST_TOKEN_CHARACTERS) return [];
    return { text, isData, locate: () => ({ path: [field, key], key: `key ${key}`, name: `key ${quote(key)}` }) };
  });
}

function listTextsOfPod(subject: Subject, pod: FoundPodSpec): readonly PastedText[] {
  const owner = pod.identity === '' ? '' : `${pod.identity}: `;
  const metadata = [...pod.path.slice(0, -1), 'metadata'];
  const annotations =
    metadata.length === 1
      ? []
      : listAnnotations(subject, { path: [...metadata, 'annotations'], owner: `${owner}pod ` });
  const containers = listContainers(pod.spec).flatMap(({ path, name, container }) =>
    listTextsOfContainer(container, {
      path: [...pod.path, ...path],
      owner: `${owner}${name}/`,
      container: name,
    }),
  );
  return [...annotations, ...containers];
}

function listAnnotations(
  { object }: Subject,
  { path, owner }: { readonly path: JsonPath; readonly owner: string },
): readonly PastedText[] {
  return [...stringMembers(valueAt(object, path))]
    .filter(([key]) => key !== LAST_APPLIED)
    .map(([key, text]) => ({
      text,
      isData: false,
      locate: () => ({
        path: [...path, key],
        key: `${owner}annotation ${key}`,
        name: `annotation ${quote(key)}`,
      }),
    }));
}

type Place = { readonly path: JsonPath; readonly owner: string; readonly container: string };

function listTextsOfContainer(container: JsonObject, place: Place): readonly PastedText[] {
  const { path, owner, container: name } = place;
  const variables = asArray(member(container, 'env')).flatMap((variable, index) => {
    const text = asString(member(variable, 'value'));
    if (text === undefined) return [];
    const called = asString(member(variable, 'name')) ?? '';
    const locate = () => ({
      path: [...path, 'env', index, 'value'],
      key: `${owner}env ${called}`,
      name: VARIABLE_NAME.test(called) ? `environment variable ${quote(called)}` : 'an environment variable',
      container: name,
    });
    return [{ text, isData: false, locate }];
  });
  return [...variables, ...listWordFields(container).flatMap((field) => listWords(container, { ...place, field }))];
}

/** Where a container's words stand: its own command line, those that the kubelet runs in it, and headers it sends. */
function listWordFields(container: JsonObject): readonly JsonPath[] {
  const handlers = [
    ...['livenessProbe', 'readinessProbe', 'startupProbe'].map((probe) => [probe]),
    ...['postStart', 'preStop'].map((hook) => ['lifecycle', hook]),
  ].filter((path) => isObject(valueAt(container, path)));
  return [
    ['command'],
    ['args'],
    ...handlers.flatMap((path) => [
      [...path, 'exec', 'command'],
      [...path, ...HEADERS],
    ]),
  ];
}

const HEADERS = ['httpGet', 'httpHeaders'];

function listWords(container: JsonObject, place: Place & { readonly field: JsonPath }): readonly PastedText[] {
  const { path, owner, container: name, field } = place;
  const called = field.join('.');
  return asArray(valueAt(container, field)).flatMap((word, index) => {
    const text = typeof word === 'string' ? word : asString(member(word, 'value'));
    if (text === undefined) return [];
    const locate = () => ({
      path: [...path, ...field, index, ...(typeof word === 'string' ? [] : ['value'])],
      key: `${owner}${called}`,
      name: `field ${called}`,
      container: name,
    });
    return [{ text, isData: false, locate }];
  });
}
