/** The runbook has a place for each alert, and its links lead somewhere. Its commands are run by `e2e/cluster`. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { asArray, asString, member, valueAt } from '../../src/objects/json.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = async (path: string) => await readFile(join(ROOT, path), 'utf8');

const ALERTS = asArray(valueAt(parse(await read('charts/curfew/files/alerts.yaml')), ['groups'])).flatMap((group) =>
  asArray(member(group, 'rules')).flatMap((rule) => {
    const alert = asString(member(rule, 'alert'));
    return alert === undefined ? [] : [{ alert, url: asString(valueAt(rule, ['annotations', 'runbook_url'])) }];
  }),
);

const PAGES = [
  'docs/runbook.md',
  'docs/threat-model.md',
  'docs/guides/network-policy.md',
  'docs/guides/verify.md',
  'docs/releasing.md',
];

describe('The runbook', () => {
  it.each(ALERTS)('has a section for the alert $alert, where its link leads', async ({ alert, url }) => {
    const anchors = listAnchors(await read('docs/runbook.md'));
    expect(anchors).toContain(alert.toLowerCase());
    if (url !== undefined) expect(url.endsWith(`docs/runbook.md#${alert.toLowerCase()}`)).toBe(true);
  });

  it('is asked about alerts that there are', () => {
    expect(ALERTS.length).toBeGreaterThan(5);
  });
});

describe.each(PAGES)('%s', (page) => {
  it('links to files and headings that are there', async () => {
    const links = [...withoutCode(await read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const wrong: string[] = [];
    for (const link of links.filter((each) => !each.startsWith('https://'))) {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(page, '..', path);
      const text = await read(target).catch(() => undefined);
      const isThere = text !== undefined && (anchor === undefined || listAnchors(text).includes(anchor));
      if (!isThere) wrong.push(link);
    }
    expect(wrong).toEqual([]);
  });
});

/** As GitHub makes them: lower case, no punctuation, dashes for spaces. */
function listAnchors(page: string): readonly string[] {
  return [...withoutCode(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function withoutCode(page: string): string {
  return page.replaceAll(/^```[^\n]*\n[\s\S]*?^```$/gm, '');
}
