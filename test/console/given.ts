/** What a test of the console begins with: `describe.skipIf(noBrowser)`, `const { open, ask } = given()`. */
import { appendFileSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { expect, inject } from 'vitest';
import { accessFaults, type Look, type Opened, opener } from './browser.ts';
import type { LogLines } from './lines.ts';

const it = inject('console');
export const noBrowser = it === undefined;

let browser: Promise<Browser> | undefined;
/** Of all test files of one worker. */
export const theBrowser = (): Promise<Browser> => (browser ??= chromium.connect(it!.browser));

/** A page of the Moat that all tests share, as its owner unless told otherwise. */
export const open = async (path: string, look?: Look): Promise<Opened> => (opens ??= opener(await theBrowser(), it!))(path, look);
let opens: ReturnType<typeof opener> | undefined;

/** Of the shared Moat: data, logs, and files of the tests. */
export const folder = (): string => it!.folder;

/** More lines at the end of a log of the shared Moat. */
export const write = (lines: LogLines): void => { for (const [name, text] of Object.entries(lines)) appendFileSync(join(it!.folder, 'logs', name), text); };

/** Asks the API as the owner. `cookie`: of a session that was begun by that. */
export const ask = (method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown; cookie: string | undefined }> => new Promise((resolve, reject) => {
  const text = body === undefined ? undefined : JSON.stringify(body);
  request(`${it!.url}/api/v1${path}`, { method, ca: readFileSync(join(it!.folder, 'data/tls/ca.crt')), headers: { 'cookie': it!.cookie, 'x-moat-csrf': it!.csrf, ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }) } }, (response) => {
    let said = '';
    response.setEncoding('utf8').on('data', (chunk: string) => { said += chunk; }).on('end', () => { resolve({ status: response.statusCode!, body: said.startsWith('{') ? JSON.parse(said) : said, cookie: response.headers['set-cookie']?.[0]?.split(';')[0] }); });
  }).on('error', reject).end(text);
});

/** A page as it is must be accessible and without a fault of the browser. */
export async function expectClean({ page, faults }: Opened): Promise<void> {
  expect(await accessFaults(page)).toEqual([]);
  expect(faults).toEqual([]);
}

/** What is shown of hostile text is text: nothing of it ran, made an element or a link, or kept a sign that turns text around, hides, or speaks to a terminal. */
export async function expectInert({ page }: Opened): Promise<void> {
  expect(await page.evaluate('window.pwned')).toBeUndefined();
  expect(await page.locator('img[src="x"], a[href*="onerror"], [onerror]').count()).toBe(0);
  // eslint-disable-next-line no-control-regex -- these very signs must not be there
  expect(await page.evaluate('document.body.innerText')).not.toMatch(/[\u0000-\u0008\u001b\u200b\u202a-\u202e\u2066-\u2069]/);
}
