/** Once for all tests of the console: a Moat that has seen attacks, and a browser. */
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { lacks } from '../need.ts';
import { chromiumPath, launchOptions } from './browser.ts';
import { startConsole } from './moat.ts';

export interface Given { url: string; cookie: string; csrf: string; totp: string; folder: string; browser: string }
declare module 'vitest' { interface ProvidedContext { console: Given | undefined } }

export default async function begin(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (lacks({ files: [chromiumPath] })) { project.provide('console', undefined); return undefined; }
  const [moat, server] = await Promise.all([startConsole(), chromium.launchServer(launchOptions)]);
  const { url, cookie, csrf, totp, folder } = moat;
  project.provide('console', { url, cookie, csrf, totp, folder, browser: server.wsEndpoint() });
  return async () => {
    await server.close();
    await moat.stop();
  };
}
