/** The pages and the table of checks and mutations, made of the rules themselves. */

import type { Check, Example } from '../src/checks/define-check.ts';
import { startLevel } from '../src/checks/define-check.ts';
import { CHECKS } from '../src/checks/registry.ts';
import { judge } from '../src/engine/evaluate.ts';
import { prepareExample, toExampleSubject } from '../src/engine/example-subject.ts';
import { toVerdict } from '../src/engine/verdict.ts';
import { MUTATIONS } from '../src/mutations/registry.ts';
import { member, valueAt } from '../src/objects/json.ts';
import { formatResource } from '../src/objects/subject.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../src/policy/configuration.ts';
import { ConfigurationSchema } from '../src/policy/configuration-schema.ts';
import { listKeys, toPage, toTable, toYamlBlock } from './generate-markdown.ts';

/** The README's table of rules. */
export function renderRulesTable(): string {
  const rows = [
    ...CHECKS.map((check) => [
      `[\`${check.id}\`](docs/reference/checks/${check.id}.md)`,
      startLevel(check),
      `refuses ${check.title}`,
    ]),
    ...MUTATIONS.map(({ id, level, title }) => [`\`${id}\` (mutation)`, level, title]),
  ];
  return toTable(['rule', 'from level', 'what it does'], rows);
}

/** The changelog's list of what each catalogue version starts to refuse, newest first. */
export function renderRefusals(): string {
  const versions = [...new Set(CHECKS.map(({ since }) => since))].toSorted((a, b) => minorOf(b) - minorOf(a));
  return versions
    .map((version) => {
      const rows = CHECKS.filter(({ since }) => since === version).map((check) => [
        `\`${check.id}\``,
        startLevel(check),
        check.title,
      ]);
      return [`Catalogue ${version}:`, '', toTable(['check', 'from level', 'refuses'], rows)].join('\n');
    })
    .join('\n');
}

/** Catalogue versions are `0.N`. */
function minorOf(version: string): number {
  return Number(version.split('.')[1]);
}

/** A check's page: what, why, what to do, and its executed examples with what they lead to. */
export function renderCheck(check: Check): string {
  const reads = check.reads.map(
    ({ group, resource, subresource, operations }) =>
      `\`${formatResource({ group, name: resource, subresource: subresource ?? '' })}\` (${operations.join(', ')})`,
  );
  return toPage(check.id, [
    `Refuses ${check.title}.`,
    '',
    toTable(
      ['', ''],
      [
        ['starts at level', startLevel(check)],
        ['since catalogue', check.since],
        ['reads', reads.join(', ')],
        ['looks up', check.needs.length === 0 ? 'nothing' : check.needs.join(', ')],
      ],
    ),
    '## Why',
    '',
    check.why,
    '',
    ...renderFix(check),
    '## Options',
    '',
    `In the configuration, below \`checks.${check.id}\`:`,
    '',
    renderOptions(check),
    '## Examples',
    '',
    'Each is executed by the unit tests, and applied to a real API server by the end-to-end suite.',
    '',
    ...check.examples.flatMap((example) => renderExample(check, example)),
  ]);
}

/** The sentence names what it is said about, so the page shows that of the first refused example, as `explain` does. */
function renderFix(check: Check): readonly string[] {
  const refused = check.examples.find(({ expect }) => Array.isArray(expect));
  if (refused === undefined) return [];
  return ['## Fix', '', `For “${refused.title}” below:`, '', '```', check.fix(toExampleSubject(refused)), '```', ''];
}

/** Read from the schema of the whole file, so that the page cannot say less than the configuration allows. */
function renderOptions(check: Check): string {
  const rows = listKeys(valueAt(ConfigurationSchema, ['properties', 'checks', 'properties', check.id]), '');
  return toTable(
    ['key', 'allowed', 'default', 'meaning'],
    rows.map(([key = '', allowed = '', meaning = '']) => {
      const preset = key === '`mode`' ? 'enforce' : member(check.defaults, key.replaceAll('`', ''));
      return [
        key,
        allowed,
        preset === undefined ? '' : `\`${typeof preset === 'string' ? preset : JSON.stringify(preset)}\``,
        meaning,
      ];
    }),
  );
}

function renderExample(check: Check, example: Example): readonly string[] {
  return [
    `### ${example.title}`,
    '',
    toYamlBlock(example.subject.object),
    '',
    ...describeCircumstances(check, example).flatMap((note) => [note, '']),
    ...renderResult(check, example),
    '',
  ];
}

/** All that an example says beside its object. */
function describeCircumstances(check: Check, { subject, context = {}, options }: Example): readonly string[] {
  const { oldObject, subresource, caller } = subject;
  const { serviceAccount, namespace, tokenSecrets, acceptApiAccessFrom } = context;
  const secrets = typeof tokenSecrets === 'object' ? Object.entries(tokenSecrets) : [];
  return [
    subresource === undefined ? undefined : `As a change of the subresource \`${subresource}\`.`,
    oldObject === undefined ? undefined : `An update of:\n\n${toYamlBlock(oldObject)}`,
    caller === undefined ? undefined : `By \`${caller.username}\`.`,
    options === undefined ? undefined : `With \`checks.${check.id}\`:\n\n${toYamlBlock(options)}`,
    acceptApiAccessFrom === undefined
      ? undefined
      : `With \`apiAccess.acceptFrom: [${acceptApiAccessFrom.join(', ')}]\`.`,
    serviceAccount === 'absent' ? 'Its service account does not exist.' : undefined,
    typeof serviceAccount === 'object' ? `With the service account:\n\n${toYamlBlock(serviceAccount)}` : undefined,
    namespace === undefined ? undefined : `With the namespace:\n\n${toYamlBlock(namespace)}`,
    tokenSecrets === 'unknown' ? 'With the index of token Secrets off.' : undefined,
    ...secrets.map(([name, account]) => `Secret \`${name}\` holds a token of service account \`${account}\`.`),
  ].filter((note) => note !== undefined);
}

function renderResult(check: Check, example: Example): readonly string[] {
  const text = judgeExample(check, example);
  const level = `\`${example.level}\``;
  if (text.denial !== undefined) return [`At ${level} it is refused:`, '', '```', text.denial.trim(), '```'];
  if (text.warnings.length > 0)
    return [`At ${level} it is allowed, with a warning:`, '', '```', ...text.warnings, '```'];
  return [`At ${level} it is allowed.`];
}

function judgeExample(check: Check, example: Example) {
  const result = readConfiguration({
    ...EMPTY_CONFIGURATION_FILE,
    ...(example.options === undefined ? {} : { checks: { [check.id]: example.options } }),
  });
  if (!result.ok) throw new Error(`options of "${example.title}": ${JSON.stringify(result.problems)}`);
  const { subject, context } = prepareExample(check, example);
  const { level } = example;
  const judgement = judge(subject, {
    checks: [check],
    configuration: result.configuration,
    scope: { ceiling: 'enforce', mayMutate: false, mayInject: false, isDryRun: false },
    levels: { enforce: level, warn: level, audit: level },
    context,
  });
  return toVerdict(subject, judgement, []);
}
