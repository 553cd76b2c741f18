/** Reports in a real Chromium, from a file as people open them. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { findChromium } from '../../scripts/chromium.ts';
import { renderAuditHtml } from '../../src/reports/audit-html.ts';
import type { AuditView } from '../../src/reports/audit-view.ts';

export const CHROMIUM = await findChromium();

export type Opened = {
  readonly page: Page;
  /** What the browser complained about, and every address that it was asked for but the page's own. */
  readonly complaints: readonly string[];
};

export type ReportBrowser = {
  open(report: AuditView, how?: BrowserContextOptions): Promise<Opened>;
  /** Ends the pages that are open: a large one goes on taking time. */
  closePages(): Promise<void>;
  close(): Promise<void>;
};

export async function startBrowser(): Promise<ReportBrowser> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-browser-'));
  // As root, in which containers run tests, Chromium starts without its sandbox alone; it opens nothing but our own file.
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox'] });
  let count = 0;
  return {
    async open(report, how = {}) {
      count += 1;
      const file = join(folder, `report-${count}.html`);
      await writeFile(file, renderAuditHtml(report));
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...how });
      const page = await context.newPage();
      const complaints: string[] = [];
      const address = pathToFileURL(file).href;
      page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => {
        if (request.url().split('#')[0] !== address) complaints.push(`request: ${request.url()}`);
      });
      await page.goto(address);
      return { page, complaints };
    },
    async closePages() {
      await Promise.all(browser.contexts().map(async (context) => await context.close()));
    },
    async close() {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
