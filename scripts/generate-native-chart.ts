/**
 * The policies that the chart ships: those of the default configuration, with marks where the chart writes what its values
 * say. Helm cannot run our renderer; what the marks cannot say must be rendered by `curfew render policies`.
 */

import { quoteCel } from '../src/checks/cel/cel-text.ts';
import { findClusterFacts } from '../src/cli/cluster-facts.ts';
import { toYaml } from '../src/cli/render-policies.ts';
import { configuredCel, levelCel } from '../src/native/levels.ts';
import { appliedLevelCel, FIRST_MINOR } from '../src/native/mutating.ts';
import type { NativeOptions } from '../src/native/native-options.ts';
import { renderPolicies } from '../src/native/render-policies.ts';
import { RENDERED_KEYS, WRITTEN_KEYS } from '../src/native/rendered-from.ts';
import { asString, type JsonObject, valueAt } from '../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../src/policy/configuration.ts';
import { AUDIT_KEYS } from '../src/policy/labels.ts';
import { SYSTEM_NAMESPACE, UNWATCHED_NAMESPACES } from '../src/policy/scope.ts';
import { GENERATED } from './generate-markdown.ts';

const MODES = ['enforce', 'warn', 'audit'] as const;
const AUDIENCES = mark('audiences');

function mark(name: string): string {
  return `@@${name}@@`;
}

/** `files/native-policies.yaml`. */
export function renderChartPolicies(): string {
  const options = optionsOf({});
  const markValues = createMarker(options);
  const live = renderPolicies(options).objects;
  const dry = new Map(renderPolicies(optionsOf({ dryRun: true })).objects.map((object) => [keyOf(object), object]));
  const objects = live.map((object) => {
    const other = dry.get(keyOf(object));
    return JSON.parse(
      markValues(other === undefined ? JSON.stringify(object) : markDryRun(object, other)),
    ) as JsonObject;
  });
  return [
    `# ${GENERATED} The policies of the default configuration; templates/_native.tpl writes values in place of @@…@@.`,
    toYaml(objects),
  ].join('\n');
}

function optionsOf(keys: JsonObject): NativeOptions {
  const read = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, ...keys });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return {
    engine: 'native',
    nodeTokens: 'enforce',
    configuration: read.configuration,
    cluster: { apiAudiences: [AUDIENCES], issuers: [] },
    ownNamespace: mark('own'),
    level: undefined,
    now: 0,
    minor: FIRST_MINOR,
  };
}

function keyOf(object: JsonObject): string {
  return `${asString(object['kind'])} ${asString(valueAt(object, ['metadata', 'name']))}`;
}

/** What differs with dryRun are words, a key and an action: marks stand for them. */
function markDryRun(live: JsonObject, dry: JsonObject): string {
  const isBinding = asString(live['kind'])?.endsWith('Binding') === true;
  const isDenying = keyOf(live).includes('.enforce.');
  const [denying, warning] = ['"validationActions":["Deny"]', '"validationActions":["Warn"]'];
  const text = JSON.stringify(dry);
  if (!isDenying) return text;
  const marked = isBinding
    ? text.replace(warning, `"validationActions":["${mark('denyAction')}"]`)
    : text
        .replaceAll(' (would deny)', mark('wouldDeny'))
        .replaceAll(`"${AUDIT_KEYS.wouldDeny}"`, `"${mark('denyKey')}"`);
  const back = isBinding
    ? marked.replace(warning, denying).replace(mark('denyAction'), 'Deny')
    : marked.replaceAll(mark('wouldDeny'), '').replaceAll(mark('denyKey'), AUDIT_KEYS.deny);
  if (back !== JSON.stringify(live))
    throw new Error(`${keyOf(live)} differs with dryRun in more than there are marks for`);
  return marked;
}

/** Puts marks in place of what the values of the chart say. Every object is asked the same, so what it looks for is written once. */
function createMarker(options: NativeOptions): (text: string) => string {
  const escape = (cel: string) => JSON.stringify(cel).slice(1, -1);
  const own = [...UNWATCHED_NAMESPACES, mark('own')];
  const replacements: readonly (readonly [string, string])[] = [
    ...[
      ...MODES.map((mode) => [levelCel(mode, options), markedLevel(mode, options)] as const),
      [appliedLevelCel(options), mark('mutateLevel')] as const,
      // As a list within a list, whatever stands before it.
      [quoteCel(AUDIENCES), AUDIENCES] as const,
    ].map(([cel, marked]) => [escape(cel), escape(marked)] as const),
    [JSON.stringify([...own].toSorted()), JSON.stringify([mark('namespaces')])],
    [JSON.stringify([...own, SYSTEM_NAMESPACE].toSorted()), JSON.stringify([mark('namespacesAndSystem')])],
  ];
  return (text) => replacements.reduce((all, [found, marked]) => all.replaceAll(found, marked), text);
}

/** The two levels that the configuration gives are marked: of what is in no namespace, and of the namespaces. */
function markedLevel(mode: (typeof MODES)[number], options: NativeOptions): string {
  const { configuration } = options;
  const cel = levelCel(mode, options);
  const start = `namespaceObject == null ? ${quoteCel(configuration.clusterScoped[mode])} : `;
  const end = configuredCel(mode, configuration);
  if (!cel.startsWith(start) || !cel.endsWith(` : ${end}`))
    throw new Error(`the level of ${mode} is written otherwise`);
  const middle = cel.slice(start.length, -end.length);
  return `namespaceObject == null ? ${mark(`clusterScoped.${mode}`)} : ${middle}${mark(`levels.${mode}`)}`;
}

/** `templates/_native-defaults.tpl`: what the chart compares and writes, as JSON and CEL. */
export function renderNativeDefaults(): string {
  const options = optionsOf({});
  const { configuration } = options;
  const { levels, clusterScoped, dryRun, mutateMode, enforceTemplates, apiAccess } = configuration;
  const defaults = {
    dryRun,
    mutateMode,
    enforceTemplates,
    levels: { ...levels, clusterScoped },
    apiAccess: { acceptFrom: apiAccess.acceptFrom },
    cluster: { apiAudiences: findClusterFacts(configuration, undefined).facts.apiAudiences },
  };
  const applied = levelCel('mutate', options).replace(
    new RegExp(`${configuredCel('mutate', configuration)}$`),
    mark('levels.mutate'),
  );
  const define = (name: string, text: string) => [`{{- define "curfew.native.${name}" -}}`, text, '{{- end }}'];
  return [
    `{{- /* ${GENERATED} From src/native/rendered-from.ts and src/native/levels.ts. */}}`,
    ...define('defaults', JSON.stringify(defaults)),
    ...define('writtenKeys', JSON.stringify(WRITTEN_KEYS)),
    ...define('renderedKeys', JSON.stringify(RENDERED_KEYS)),
    ...define('reportedMutateLevel', appliedLevelCel(optionsOf({}))),
    ...define('appliedMutateLevel', applied),
    ...define('firstMutatingVersion', `1.${FIRST_MINOR}`),
    '',
  ].join('\n');
}
