import type { Preset } from './format.ts';

/** What `preset` reads of service accounts and namespaces: keys that the index must keep for it. */
export function listSchemeKeys(preset: Preset): readonly string[] {
  const { parameters = {}, trigger, expiration, overrideEnv, unsupported = [] } = preset;
  const { skipContainers, onlyContainers } = preset;
  return [
    ...Object.values(parameters).map(({ annotation }) => annotation),
    trigger?.accountAnnotation,
    trigger?.namespaceLabel?.key,
    ...(trigger?.skip ?? []),
    expiration?.annotation,
    overrideEnv?.key,
    skipContainers?.annotation,
    onlyContainers?.annotation,
    ...unsupported.map(({ annotation, on }) => (on === 'ServiceAccount' ? annotation : undefined)),
  ].filter((key) => key !== undefined);
}
