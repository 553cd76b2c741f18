/** The places of an object where somebody may have pasted a credential as text, and the words for them. */

import { listContainers } from './containers.ts';
import type { JsonObject, JsonPath } from './json.ts';
import { asArray, asString, member, stringMembers, valueAt } from './json.ts';
import type { FoundPodSpec } from './pod-spec.ts';
import { findPodSpecs } from './pod-spec.ts';
import type { Subject } from './subject.ts';
import { quote } from './text.ts';

/** What `kubectl apply` keeps of the object that was applied: it repeats what is judged where it stands. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Longer names are no names, and one that begins as a token does may be a part of it. */
const VARIABLE_NAME = /^(?!.*eyJ)[A-Za-z_][\w.-]{0,62}$/;

export type PastedText = {
  readonly path: JsonPath;
  /** Stays the same when elements are reordered; several texts may share it, such as the arguments of a container. */
  readonly key: string;
  /** For a sentence: `key "token"`, `environment variable "TOKEN"`. */
  readonly name: string;
  readonly container?: string;
  readonly text: string;
  /** True if the API stores it as base64. */
  readonly isData: boolean;
};

/** Every such text of a Secret, a ConfigMap, a pod or a template of pods, and of its annotations. */
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
  return [...stringMembers(member(object, field))].map(([key, text]) => ({
    path: [field, key],
    key: `key ${key}`,
    name: `key ${quote(key)}`,
    text,
    isData,
  }));
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
      path: [...path, key],
      key: `${owner}annotation ${key}`,
      name: `annotation ${quote(key)}`,
      text,
      isData: false,
    }));
}

type Place = { readonly path: JsonPath; readonly owner: string; readonly container: string };

function listTextsOfContainer(container: JsonObject, place: Place): readonly PastedText[] {
  const { path, owner, container: name } = place;
  const variables = asArray(member(container, 'env')).flatMap((variable, index) => {
    const text = asString(member(variable, 'value'));
    if (text === undefined) return [];
    const called = asString(member(variable, 'name')) ?? '';
    const shown = VARIABLE_NAME.test(called) ? `environment variable ${quote(called)}` : 'an environment variable';
    return [
      {
        path: [...path, 'env', index, 'value'],
        key: `${owner}env ${called}`,
        name: shown,
        container: name,
        text,
        isData: false,
      },
    ];
  });
  const words = (['command', 'args'] as const).flatMap((field) =>
    asArray(member(container, field)).flatMap((text, index) =>
      typeof text === 'string'
        ? [
            {
              path: [...path, field, index],
              key: `${owner}${field}`,
              name: `field ${field}`,
              container: name,
              text,
              isData: false,
            },
          ]
        : [],
    ),
  );
  return [...variables, ...words];
}
