/** Pages of a started Moat in Debian's Chromium. What a browser complains of (errors, refused by the content policy) is a fault of the console. */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import axe from 'axe-core';
import type { ConsoleMoat } from './moat.ts';

export const chromiumPath = '/usr/bin/chromium';
/** Root has no sandbox; the pages are our own. */
export const launchOptions = { executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars', '--font-render-hinting=none'] };

export interface Look { lang?: 'zh' | 'en'; theme?: 'light' | 'dark'; width?: number; height?: number; /** Not the owner but nobody, or another account's cookie (`name=value`). */ cookie?: string | undefined }
export interface Opened { page: Page; context: BrowserContext; /** What the browser complained of; empty it for what is meant. */ faults: string[]; close: () => Promise<void> }

type Target = Pick<ConsoleMoat, 'url' | 'cookie'>;

/** A browser profile of its own, logged on by `cookie`. */
export async function profile(browser: Browser, { url }: Target, lang: 'zh' | 'en', cookie: string): Promise<BrowserContext> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: lang === 'zh' ? 'zh-CN' : 'en-GB', timezoneId: 'Asia/Shanghai', reducedMotion: 'reduce' });
  // What a page remembers is forgotten when the next is opened, not when it is loaded again.
  await context.addInitScript("if (window === top && sessionStorage.getItem('begun') === null) { localStorage.clear(); sessionStorage.setItem('begun', ''); }");
  if (cookie !== '') {
    const [name, value] = [cookie.slice(0, cookie.indexOf('=')), cookie.slice(cookie.indexOf('=') + 1)];
    await context.addCookies([{ name, value, url, secure: true, httpOnly: true, sameSite: 'Strict' }]);
  }
  return context;
}

async function openIn(context: BrowserContext, url: string, { theme = 'light', width = 1280, height = 860 }: Look): Promise<Omit<Opened, 'close'>> {
  const page = await context.newPage();
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: theme });
  const faults: string[] = [];
  page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') faults.push(`${message.type()}: ${message.text()}`); });
  page.on('pageerror', (error) => { faults.push(`error: ${error.message}`); });
  await page.goto(url);
  await quiet(page);
  return { page, context, faults };
}

/** A page at `path`, in a browser profile of its own, waited for until it is quiet. */
export async function openPage(browser: Browser, moat: Target, path: string, look: Look = {}): Promise<Opened> {
  const context = await profile(browser, moat, look.lang ?? 'en', 'cookie' in look ? look.cookie ?? '' : moat.cookie);
  return { ...await openIn(context, moat.url + path, look), close: () => context.close() };
}

/** Opens pages like that, those of one language and person in one profile: what was loaded once is loaded no more. */
export function opener(browser: Browser, moat: Target): (path: string, look?: Look) => Promise<Opened> {
  const profiles = new Map<string, Promise<BrowserContext>>();
  return async (path, look = {}) => {
    const { lang = 'en' } = look;
    const cookie = 'cookie' in look ? look.cookie ?? '' : moat.cookie;
    const key = `${lang} ${cookie}`;
    let context = profiles.get(key);
    if (!context) profiles.set(key, context = profile(browser, moat, lang, cookie));
    // Nobody has not logged on before.
    if (cookie === '') await (await context).clearCookies();
    const opened = await openIn(await context, moat.url + path, look);
    return { ...opened, close: () => opened.page.close() };
  };
}

/** Until nothing is awaited any more: no skeleton, no chart that is not drawn. */
export async function quiet(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const { document } = globalThis as unknown as { document: { querySelector(selector: string): unknown } };
    return document.querySelector('#root > *') !== null && document.querySelector('.ant-skeleton, .ant-spin-spinning') === null;
  }, undefined, { timeout: 30_000 });
}

/** Serious and critical faults of accessibility, one a line. */
export async function accessFaults(page: Page): Promise<string[]> {
  // Beside the content policy: by the protocol of the browser, not by a script of the page.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate('axe.run(document, { resultTypes: ["violations"] })') as { violations: { id: string; impact: string; help: string; nodes: { target: string[]; failureSummary?: string }[] }[] };
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').flatMap(({ id, nodes }) => nodes.slice(0, 4).map(({ target, failureSummary = '' }) => `${id}: ${target.join(' ')} (${failureSummary.replace(/\s+/g, ' ').slice(0, 240)})`));
}

export const launch = (): Promise<Browser> => chromium.launch(launchOptions);
