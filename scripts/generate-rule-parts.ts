/** What the pages of checks and of mutations have in common. */

import type { ExampleContext } from '../src/objects/example-context.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { member, valueAt } from '../src/objects/json.ts';
import type { Need, Reads } from '../src/objects/rule-context.ts';
import { formatResource } from '../src/objects/subject.ts';
import { ConfigurationSchema } from '../src/policy/configuration-schema.ts';
import { listKeys, toTable, toYamlBlock } from './generate-markdown.ts';

export function describeReads(reads: readonly Reads[]): string {
  return reads
    .map(
      ({ group, resource, subresource = '', operations }) =>
        `\`${formatResource({ group, name: resource, subresource })}\` (${operations.join(', ')})`,
    )
    .join(', ');
}

export function describeNeeds(needs: readonly Need[]): string {
  return needs.length === 0 ? 'nothing' : needs.join(', ');
}

/** Read from the schema of the whole file, so that the page cannot say less than the configuration allows. */
export function renderOptions(
  section: 'checks' | 'mutations',
  { id, defaults }: { readonly id: string; readonly defaults: JsonObject },
): string {
  const rows = listKeys(valueAt(ConfigurationSchema, ['properties', section, 'properties', id]), '');
  const mode = section === 'checks' ? 'enforce' : 'apply';
  return toTable(
    ['key', 'allowed', 'default', 'meaning'],
    rows.map(([key = '', allowed = '', meaning = '']) => {
      const preset = key === '`mode`' ? mode : member(defaults, key.replaceAll('`', ''));
      return [
        key,
        allowed,
        preset === undefined ? '' : `\`${typeof preset === 'string' ? preset : JSON.stringify(preset)}\``,
        meaning,
      ];
    }),
  );
}

/** What an example says of the world around its object. */
export function describeContext(context: ExampleContext = {}): readonly string[] {
  const { serviceAccount, namespace, tokenSecrets, acceptApiAccessFrom } = context;
  const secrets = typeof tokenSecrets === 'object' ? Object.entries(tokenSecrets) : [];
  return [
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
