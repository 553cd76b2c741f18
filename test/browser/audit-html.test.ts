/** The HTML report in a real Chromium: what people do with it, and what it must not do. */

import axeCore from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NO_CHROMIUM } from '../../scripts/chromium.ts';
import { createEmptyReport, createReport } from '../audit-reports.ts';
import type { ReportBrowser } from './open-report.ts';
import { CHROMIUM, startBrowser } from './open-report.ts';

const PHONE = { viewport: { width: 360, height: 760 }, isMobile: true, hasTouch: true };

const SMALL = createReport(120);
/** Each section with a few rows: axe-core looks at every node. */
const TINY = createReport(8);
const LARGE = createReport(5_000);

describe.skipIf(CHROMIUM === undefined)(`The HTML report in a browser (${CHROMIUM ?? NO_CHROMIUM})`, () => {
  let browser: ReportBrowser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterEach(async () => {
    await browser.closePages();
  });
  afterAll(async () => {
    await browser.close();
  });

  const rowsOf = (page: Page, id: string) => page.locator(`#${id} tbody tr`);
  const countOf = (page: Page, id: string) => page.locator(`#${id} [data-count]`);

  it('complains of nothing and asks nobody for anything, whatever the report', async () => {
    for (const report of [SMALL, createEmptyReport(), LARGE]) {
      const { page, complaints } = await browser.open(report);
      expect(await page.title()).toContain(report.cluster);
      expect(complaints).toEqual([]);
      await browser.closePages();
    }
  });

  it('runs no script that is not its own, even one that was written into it', async () => {
    const { page, complaints } = await browser.open(SMALL);
    await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "taken"';
      document.body.append(script);
    });
    expect(await page.title()).not.toBe('taken');
    expect(complaints.join()).toContain('Content Security Policy');
  });

  it('finds rows by words, and says how many of how many', async () => {
    const { page } = await browser.open(LARGE);
    await expect.poll(() => countOf(page, 'findings').textContent()).toBe('5,000 findings');
    const [{ object }] = LARGE.findings as [(typeof LARGE.findings)[number]];
    await page.getByLabel('Search in Findings').fill(`${object.name.toUpperCase()} ${object.namespace}`);
    const texts = await rowsOf(page, 'findings').allTextContents();
    expect(texts.length).toBeGreaterThan(0);
    for (const text of texts) expect(text).toContain(object.name);
    await page.getByLabel('Search in Findings').fill('no such thing');
    expect(await rowsOf(page, 'findings').count()).toBe(0);
    expect(await page.getByText('No findings match.').isVisible()).toBe(true);
  });

  it('holds a page of rows in the document, however many there are', async () => {
    const { page } = await browser.open(LARGE);
    expect(await rowsOf(page, 'findings').count()).toBe(50);
    const nodes = () => page.evaluate(() => document.querySelectorAll('*').length);
    const before = await nodes();
    expect(before).toBeLessThan(12_000);
    await page.locator('#findings').getByRole('button', { name: 'Next' }).click();
    expect(await page.locator('#findings [data-page]').textContent()).toBe('Page 2 of 100');
    await page.getByLabel('Search in Findings').fill('a');
    await page.locator('#findings').getByRole('button', { name: 'Check' }).click();
    expect(await nodes()).toBeLessThan(before + 1_000);
  });

  it('orders by any column, one way and the other, and says which', async () => {
    const { page } = await browser.open(LARGE);
    const header = page.locator('#findings th', { hasText: 'Object' });
    const names = async () => await page.locator('#findings tbody td.is-name:nth-child(3)').allTextContents();
    const compare = new Intl.Collator('en', { numeric: true }).compare;
    await header.getByRole('button').click();
    expect(await header.getAttribute('aria-sort')).toBe('ascending');
    const first = await names();
    expect(first).toEqual(first.toSorted(compare));
    await header.getByRole('button').click();
    expect(await header.getAttribute('aria-sort')).toBe('descending');
    const last = await names();
    expect(last).toEqual(last.toSorted((a, b) => compare(b, a)));
    expect(last).not.toEqual(first);
    expect(await page.locator('#findings th[aria-sort]').count()).toBe(1);
  });

  it('leads from a bar to the rows that it counts', async () => {
    const { page } = await browser.open(SMALL);
    const chart = page.locator('.chart', { hasText: 'Findings by namespace' });
    const bar = chart.locator('a').first();
    const [label, value] = [await bar.locator('.label').textContent(), await bar.locator('.value').textContent()];
    await bar.click();
    expect(await countOf(page, 'findings').textContent()).toBe(`${value} of 120 findings`);
    expect(await page.locator('#findings select[data-facet="1"]').inputValue()).toBe(label);
  });

  it('can be used by the keyboard alone', async () => {
    const { page } = await browser.open(SMALL);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the report');
    await page.getByLabel('Search in Findings').focus();
    await page.keyboard.type('pod-automount');
    const reach = async (selector: string) => {
      for (let step = 0; step < 30; step += 1) {
        await page.keyboard.press('Tab');
        if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
      }
      throw new Error(`Tab does not lead to ${selector}`);
    };
    await reach('th button');
    await page.keyboard.press('Enter');
    expect(await page.locator('#findings th[aria-sort]').count()).toBe(1);
    await page.getByLabel('Search in Findings').fill('');
    await reach('summary');
    await page.keyboard.press('Space');
    expect(await page.locator('#findings details[open]').count()).toBe(1);
    expect(await page.locator('#findings details[open] dd').first().isVisible()).toBe(true);
    // What has the focus shows it.
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
    expect(outline).not.toBe('none');
  });

  it.each([
    ['light', 'every section', TINY, undefined],
    ['light', 'nothing found', createEmptyReport(), undefined],
    ['light', 'a phone', TINY, PHONE.viewport],
    ['dark', 'every section', TINY, undefined],
  ] as const)('is accessible: %s, %s', async (colorScheme, _, report, viewport) => {
    const { page } = await browser.open(report, { colorScheme, bypassCSP: true, ...(viewport && { viewport }) });
    if (report === TINY) await page.locator('#findings summary').first().click();
    expect(await findBarriers(page)).toEqual([]);
  });

  it('is dark where the system is, and light or dark where somebody says so', async () => {
    const { page } = await browser.open(SMALL, { colorScheme: 'dark' });
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await background();
    await page.getByRole('button', { name: 'Colours' }).click();
    const light = await background();
    expect(new Set([dark, light]).size).toBe(2);
    await page.getByRole('button', { name: 'Colours' }).click();
    expect(await background()).toBe(dark);
  });

  it('needs no scrolling sideways on a phone', async () => {
    const { page } = await browser.open(fillNames(SMALL), PHONE);
    await page.locator('#findings summary').first().click();
    const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    expect(width).toBeLessThanOrEqual(room ?? 0);
    expect(room).toBe(PHONE.viewport.width);
  });

  it('is printed with everything open and every address', async () => {
    const { page } = await browser.open(SMALL, { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print' });
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)');
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    expect(await rowsOf(page, 'findings').count()).toBe(120);
    expect(await page.locator('#findings details:not([open])').count()).toBe(0);
    const link = page.locator('#findings dd a').first();
    const after = await link.evaluate((node) => getComputedStyle(node, '::after').content);
    expect(after).toContain('https://');
    expect(await page.locator('.controls').first().isVisible()).toBe(false);
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    expect(await rowsOf(page, 'findings').count()).toBe(50);
    const pdf = await page.pdf({ format: 'A4' });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
  });

  it('has headers that Chromium repeats on each page: without a button, and not to be broken', async () => {
    const { page } = await browser.open(TINY);
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('thead button:visible').count()).toBe(0);
    const header = page.locator('#findings thead');
    expect(await header.innerText()).toContain('What is wrong');
    const style = await header.evaluate((node) => {
      const { display, breakInside } = getComputedStyle(node);
      return { display, breakInside };
    });
    expect(style).toEqual({ display: 'table-header-group', breakInside: 'avoid' });
    await page.emulateMedia({ media: 'screen' });
    expect(await page.locator('#findings thead .printed-only:visible').count()).toBe(0);
  });

  it('shows the rows that stay as they were while somebody types', async () => {
    const { page } = await browser.open(SMALL);
    const first = rowsOf(page, 'findings').first();
    await first.evaluate((row) => row.setAttribute('data-seen', ''));
    await page.getByLabel('Search in Findings').fill(await first.locator('td').nth(1).innerText());
    expect(await page.locator('#findings tr[data-seen]').count()).toBe(1);
    await page.getByLabel('Search in Findings').fill('nothing has these words');
    expect(await rowsOf(page, 'findings').count()).toBe(0);
    await page.getByLabel('Search in Findings').fill('');
    expect(await rowsOf(page, 'findings').count()).toBe(50);
  });

  it('says on paper what is not on it', async () => {
    const { page } = await browser.open(LARGE);
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    expect(await page.getByText('The first 1,000 of 5,000 findings; 4,000 are left out.').isVisible()).toBe(true);
    expect(await rowsOf(page, 'findings').count()).toBe(1_000);
  });

  it('shows the first rows and what they open to without a script, and says where the rest is', async () => {
    const { page, complaints } = await browser.open(LARGE, { javaScriptEnabled: false });
    expect(await rowsOf(page, 'findings').count()).toBe(50);
    expect(await page.locator('#findings input').isVisible()).toBe(false);
    await page.locator('#findings summary').first().click();
    expect(await page.locator('#findings dd').first().isVisible()).toBe(true);
    expect(await page.getByText('4,950 more findings').isVisible()).toBe(true);
    expect(complaints).toEqual([]);
  });
});

/** What axe-core calls serious or critical, with where it is. */
async function findBarriers(page: Page): Promise<readonly string[]> {
  await page.addScriptTag({ content: axeCore.source });
  return await page.evaluate(async () => {
    type Violation = {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string }[];
    };
    const { axe } = globalThis as unknown as {
      readonly axe: { run(): Promise<{ readonly violations: readonly Violation[] }> };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
  });
}

/** With the longest names that the API server takes. */
function fillNames(report: typeof SMALL): typeof SMALL {
  const name = 'a'.repeat(253);
  return {
    ...report,
    findings: report.findings.map((finding) => ({
      ...finding,
      object: { ...finding.object, name, namespace: name.slice(0, 63) },
    })),
    tokens: report.tokens.map((token) => ({ ...token, account: name, owner: { ...token.owner, name } })),
    accounts: report.accounts.map((account) => ({ ...account, name })),
  };
}
