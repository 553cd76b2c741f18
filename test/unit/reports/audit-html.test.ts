/** The page as text: what a cluster holds stays text in it, whatever it is. */

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { renderAuditHtml } from '../../../src/reports/audit-html.ts';
import type { AuditView } from '../../../src/reports/audit-view.ts';
import { createEmptyReport, createReport } from '../../audit-reports.ts';
import { fc } from '../../properties.ts';

const HOSTILE = [
  '</script><script>alert(1)</script>',
  '<!--<script>',
  '<img src=x onerror=alert(1)>',
  '" onmouseover="alert(1)',
  "' autofocus onfocus='alert(1)",
  'javascript:alert(1)',
  '&lt;b&gt;',
  'a\u202Egnp.exe\u2066\u200B\u0000\u2028\u2029',
  '\uD800 lone',
  '__proto__',
  ']]>{{7*7}}${7*7}',
] as const;

/** A report in which every text of the cluster is this one. */
function fill(text: string): AuditView {
  const replace = (value: unknown, key = ''): unknown => {
    if (Array.isArray(value)) return value.map((one) => replace(one));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, replace(one, name)]));
    }
    const isWord = ['mode', 'level', 'source', 'verdict', 'cleaning', 'to'].includes(key);
    return typeof value === 'string' && !isWord ? text : value;
  };
  return replace(createReport(40)) as AuditView;
}

/** What stands between tags, and what tags there are; written for the pages of this file, not for HTML at large. */
function readTags(html: string): ReadonlySet<string> {
  const markup = html.replaceAll(/<(script|style)[^>]*>[\s\S]*?<\/\1>/g, '<$1>');
  return new Set([...markup.matchAll(/<([a-z][a-z0-9]*)/gi)].map(([, tag = '']) => tag.toLowerCase()));
}

const TAGS = readTags(renderAuditHtml(createReport(40)));

function readData(html: string): unknown {
  const [, json = ''] = /<script type="application\/json" id="report-data">([\s\S]*?)<\/script>/.exec(html) ?? [];
  return JSON.parse(json);
}

describe('The HTML report', () => {
  it.each(HOSTILE)('holds %j as text', (text) => {
    const html = renderAuditHtml(fill(text));
    expect([...readTags(html)].filter((tag) => !TAGS.has(tag))).toEqual([]);
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html.match(/<\/script>/g)).toHaveLength(2);
    expect(html).not.toMatch(/[\u202E\u2066\u200B\u0000\u2028\u2029]/);
    expect(html.isWellFormed()).toBe(true);
    // An attribute of an event would stand outside of quotes.
    expect(html.replaceAll(/"[^"]*"/g, '""')).not.toMatch(/<[a-z][^>]*\son[a-z]+\s*=/i);
    expect(readData(html)).toHaveProperty('tables');
  });

  it('holds any text as text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const html = renderAuditHtml(fill(text));
        expect([...readTags(html)].filter((tag) => !TAGS.has(tag))).toEqual([]);
        readData(html);
      }),
      { numRuns: 20 },
    );
  });

  it('is bounded where a text is not', () => {
    const long = 'x'.repeat(10_000);
    const html = renderAuditHtml(fill(long));
    expect(html).not.toContain('x'.repeat(2_001));
    expect(html).toContain(`${'x'.repeat(2_000)}…`);
  });

  it('lets nothing run or load but its own script and style, by their hashes', () => {
    const html = renderAuditHtml(createReport(3));
    const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
    const hash = (text = '') => `&#39;sha256-${createHash('sha256').update(text).digest('base64')}&#39;`;
    const [, script] = /<script>([\s\S]*)<\/script>/.exec(html) ?? [];
    const [, style] = /<style>([\s\S]*)<\/style>/.exec(html) ?? [];
    expect(policy.split('; ')).toEqual([
      'default-src &#39;none&#39;',
      `script-src ${hash(script)}`,
      `style-src ${hash(style)}`,
      'base-uri &#39;none&#39;',
      'form-action &#39;none&#39;',
    ]);
    expect(html).not.toMatch(/\sstyle="|\ssrc="|@import|url\((?!#)/);
  });

  it('leaves out what the report does not hold, and says so of what could not be seen', () => {
    const { tokens: _, access: __, scorecard: ___, accounts: ____, ...rest } = createReport(5);
    const html = renderAuditHtml(rest);
    for (const id of ['tokens', 'paths', 'scorecard', 'accounts']) expect(html).not.toContain(`id="${id}"`);
    expect(html).toContain('configmaps is forbidden');
    expect(html).toContain('this report does not say which tokens pods hold');
  });

  it('says that nothing is left where nothing is', () => {
    const html = renderAuditHtml(createEmptyReport());
    expect(html).toContain('Nothing would be refused, and nothing long-lived is left.');
    expect(html).not.toContain('What could not be seen');
  });

  it('does not call a cluster clean of which it saw a part', () => {
    const empty = createEmptyReport();
    const faults = [{ message: '/api/v1/pods cannot be listed: HTTP 403' }];
    const html = renderAuditHtml({ ...empty, faults, summary: { ...empty.summary, faults: 1 } });
    expect(html).toContain('Nothing would be refused of what could be seen; not all of it could.');
  });

  it('tells every finding with its fix, and how to learn more', () => {
    const report = createReport(60);
    const text = JSON.stringify(readData(renderAuditHtml(report)));
    for (const { check, fix, object } of report.findings) {
      expect(text).toContain(`curfew explain ${check}`);
      expect(text).toContain(fix);
      expect(text).toContain(object.name);
    }
  });
});
