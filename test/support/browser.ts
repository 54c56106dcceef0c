/**
 * # A real browser
 *
 * Pages are looked at by Chromium where one is installed (`CHROMIUM`, or one of its usual names);
 * elsewhere the tests that need it are skipped and say so.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Path of a Chromium, or undefined where there is none. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const candidates = folders.flatMap((folder) => NAMES.map((name) => path.join(folder, name)));
  return [process.env.CHROMIUM ?? '', ...candidates].find(
    (file) => file !== '' && existsSync(file),
  );
}

export function launch(executablePath: string): Promise<Browser> {
  return puppeteer.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}

/** What went wrong while a page was open: errors of its scripts, and requests to elsewhere. */
export function watch(page: Page, isOwn: (url: string) => boolean): string[] {
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`script: ${String(error)}`));
  page.on('request', (request) => {
    if (!isOwn(request.url())) problems.push(`request to ${request.url()}`);
  });
  return problems;
}

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/**
 * What axe-core, which checks pages for people who see or hear otherwise, finds wrong.
 *
 * @param within a selector
 * @param rules names of rules or of groups of them
 */
export async function violations(
  page: Page,
  within: string,
  rules: readonly string[],
): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(
    async (selector, runOnly) => {
      // biome-ignore lint/suspicious/noExplicitAny: axe puts itself into the page
      const found = await (globalThis as any).axe.run(selector, { runOnly });
      return found.violations.map(
        (one: { id: string; nodes: { html: string }[] }) =>
          `${one.id}: ${one.nodes[0]?.html.slice(0, 120)}`,
      );
    },
    within,
    rules,
  );
}
