/**
 * `npm run bench -- console`: the console in Debian's Chromium, of a Moat that holds 100,000 alerts. Interactions are measured as browsers do
 * (Event Timing: from the finger to the next picture); what is faster than the 16 ms that browsers tell of counts as 16. Wall times say
 * little while other programs keep the machine busy, so the processor time of the page's main thread stands beside them.
 * MOAT_BENCH_ALERTS and MOAT_BENCH_ROUNDS make it shorter; MOAT_BENCH_PROFILE=FOLDER keeps a profile of each kind.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { openSqliteStore } from '../src/stores/sqlite/store.ts';
import { launch, profile, quiet } from '../test/console/browser.ts';
import { fill } from '../test/console/fill.ts';
import { type ConsoleMoat, startConsole } from '../test/console/moat.ts';
import { quantile } from './process.ts';
import { row, type Row } from './report.ts';
import { storeAlerts } from './stored-alerts.ts';

const wanted = (name: string, usual: number): number => Number(process.env[name] ?? usual);
const alertsStored = wanted('MOAT_BENCH_ALERTS', 100_000), rounds = wanted('MOAT_BENCH_ROUNDS', 12);
const profiles = process.env['MOAT_BENCH_PROFILE'];
const loads = 5;
/** Of an interaction, from the finger to the next picture. */
const budgetMs = 100;
/** Of the first page, compressed. */
const scriptBudgetKb = 350;
/** What is faster than this no browser tells of. */
const finest = 16;
/** A person pauses; the server counts how often one asks. */
const pauseMs = 300;
const view = { width: 1440, height: 900 };

/** In the page: interactions by Event Timing, pictures after a turn of the wheel, long stretches of the main thread. */
const watch = `
  window.seen = { events: [], wheels: [], long: [] };
  new PerformanceObserver((list) => { for (const { interactionId, duration } of list.getEntries()) if (interactionId > 0) seen.events.push([interactionId, duration]); }).observe({ type: 'event', durationThreshold: ${finest}, buffered: true });
  new PerformanceObserver((list) => { for (const { startTime, duration } of list.getEntries()) seen.long.push([startTime, startTime + duration]); }).observe({ type: 'longtask', buffered: true });
  addEventListener('wheel', ({ timeStamp }) => { requestAnimationFrame(() => { setTimeout(() => { seen.wheels.push(performance.now() - timeStamp); }); }); }, { capture: true, passive: true });
`;

/** Of one kind, ms. */
interface Times { picture: number[]; answer: number[]; processor: number[] }

export async function benchConsole(): Promise<Row[]> {
  const moat = await startConsole({ prepare: (data) => {
    fill(data);
    const store = openSqliteStore({ dir: data, maxAlerts: 2 * alertsStored });
    try { storeAlerts(store, alertsStored, Date.now()); } finally { store.close(); }
  } });
  const browser = await launch();
  try {
    return [...await firstLoads(browser, moat), ...await interactions(browser, moat)];
  } finally {
    await browser.close();
    await moat.stop();
  }
}

/** The overview, each time in a browser that never saw it. */
async function firstLoads(browser: Browser, moat: ConsoleMoat): Promise<Row[]> {
  const scripts: number[] = [], all: number[] = [], shown: number[] = [], ready: number[] = [], processor: number[] = [];
  for (let n = 0; n < loads; n++) {
    const context = await profile(browser, moat, 'en', moat.cookie);
    await context.addInitScript(watch);
    const page = await context.newPage();
    await page.setViewportSize(view);
    const cdp = await context.newCDPSession(page);
    const kinds = new Map<string, string>();
    const bytes = new Map<string, number>();
    cdp.on('Network.responseReceived', ({ requestId, type }) => { kinds.set(requestId, type); });
    cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => { const kind = kinds.get(requestId) ?? ''; bytes.set(kind, (bytes.get(kind) ?? 0) + encodedDataLength); });
    await cdp.send('Network.enable');
    const spent = await processorOf(cdp);
    await page.goto(moat.url);
    await page.locator('.o-verdict').waitFor();
    await quiet(page);
    const drawn = await page.evaluate('performance.now()') as number;
    processor.push(await spent());
    // Ready for the finger: nothing long comes after that for a second.
    await page.waitForFunction((since) => { const { seen, performance: { now } } = globalThis as unknown as { seen: { long: [number, number][] }; performance: { now: () => number } }; return now.call(performance) - Math.max(since, ...seen.long.map(([, end]) => end)) > 1000; }, drawn);
    ready.push(await page.evaluate(`Math.max(${drawn}, ...seen.long.map(([, end]) => end))`));
    shown.push(await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"));
    scripts.push((bytes.get('Script') ?? 0) / 1024);
    all.push([...bytes.values()].reduce((sum, one) => sum + one, 0) / 1024);
    await context.close();
  }
  const median = (of: readonly number[]): number => quantile(of, 0.5)!;
  return [
    row('first load of the overview, script', Math.max(...scripts), 'KB', { lowerIsBetter: true, budget: scriptBudgetKb, detail: `with style, fonts and answers ${median(all).toFixed(0)} KB` }),
    row('first load, something to see', median(shown), 'ms', { lowerIsBetter: true }),
    row('first load, ready for the finger', median(ready), 'ms', { lowerIsBetter: true, detail: `${median(processor).toFixed(0)} ms of processor` }),
  ];
}

/** Thread time of the page since now, ms. */
async function processorOf(cdp: CDPSession): Promise<() => Promise<number>> {
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  const now = async (): Promise<number> => (await cdp.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')!.value * 1000;
  const before = await now();
  return async () => await now() - before;
}

async function interactions(browser: Browser, moat: ConsoleMoat): Promise<Row[]> {
  const context = await profile(browser, moat, 'en', moat.cookie);
  await context.addInitScript(watch);
  const page = await context.newPage();
  await page.setViewportSize(view);
  const faults: string[] = [];
  page.on('response', (response) => { if (response.status() >= 400) faults.push(`${response.status()} ${new URL(response.url()).pathname}`); });
  const cdp = await context.newCDPSession(page);
  const kinds = new Map<string, Times>();
  const measure: Measure = async (kind, act, answer) => {
    await page.evaluate('seen.events.length = seen.wheels.length = 0');
    const spent = await processorOf(cdp);
    const began = performance.now();
    await act();
    await answer?.();
    const took = performance.now() - began;
    // Entries are told after the picture.
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50)))');
    const { events, wheels } = await page.evaluate('seen') as { events: [number, number][]; wheels: number[] };
    const longest = new Map<number, number>();
    for (const [id, ms] of events) longest.set(id, Math.max(longest.get(id) ?? 0, ms));
    const times = kinds.get(kind) ?? { picture: [], answer: [], processor: [] };
    kinds.set(kind, times);
    times.picture.push(...wheels.length > 0 ? wheels : longest.size > 0 ? longest.values() : [finest]);
    times.processor.push(await spent());
    if (answer) times.answer.push(took);
    await page.waitForTimeout(pauseMs);
  };
  for (const walk of [pagesSwitched, rowsOpened, filtersTyped, listScrolled, ruleWritten, looksSwitched]) {
    if (profiles !== undefined) { await cdp.send('Profiler.enable'); await cdp.send('Profiler.start'); }
    await walk(page, moat, measure);
    if (profiles !== undefined) {
      mkdirSync(profiles, { recursive: true });
      writeFileSync(join(profiles, `${walk.name}.cpuprofile`), JSON.stringify((await cdp.send('Profiler.stop')).profile));
    }
  }
  await context.close();
  const every = [...kinds.values()].flatMap(({ picture }) => picture);
  return [
    ...[...kinds].map(([kind, times]) => rowOf(kind, times)),
    row('any of these, p95', quantile(every, 0.95), 'ms', { lowerIsBetter: true, budget: budgetMs, detail: `${every.length} interactions over ${alertsStored.toLocaleString('en-US')} alerts` }),
    row('answers that refused', faults.length, 'answers', { lowerIsBetter: true, budget: 0, ...(faults.length > 0 && { detail: [...new Set(faults)].slice(0, 4).join('; ') }) }),
  ];
}

function rowOf(kind: string, { picture, answer, processor }: Times): Row {
  const ms = (of: readonly number[], q: number): string => `${quantile(of, q)!.toFixed(0)} ms`;
  const waited = answer.length === 0 ? '' : `; the answer stands there: p50 ${ms(answer, 0.5)}, p95 ${ms(answer, 0.95)}`;
  return row(`${kind}, p95`, quantile(picture, 0.95), 'ms', { lowerIsBetter: true, budget: budgetMs, detail: `${picture.length}; p50 ${ms(picture, 0.5)}, p99 ${ms(picture, 0.99)}${waited}; processor: p50 ${ms(processor, 0.5)}, p95 ${ms(processor, 0.95)}` });
}

/** Does it and waits for what came of it. */
type Measure = (kind: string, act: () => Promise<unknown>, answer?: () => Promise<unknown>) => Promise<void>;
type Walk = (page: Page, moat: ConsoleMoat, measure: Measure) => Promise<void>;

const all = '/alerts?status=all&folded=no';
const rows = '[data-row-key]';

const pagesSwitched: Walk = async (page, moat, measure) => {
  await page.goto(moat.url);
  await quiet(page);
  const links = await page.locator('.m-side .m-nav a').all();
  for (let n = 0; n < Math.max(2, rounds / 3); n++) {
    for (const link of [...links.slice(1), links[0]!]) {
      const title = (await link.textContent())!;
      // The first time the code of the page is loaded too.
      await measure(n === 0 ? 'opening a page for the first time' : 'switching pages', () => link.click(), async () => { await page.getByRole('heading', { level: 1, name: title }).waitFor(); await quiet(page); });
    }
  }
};

const rowsOpened: Walk = async (page, moat, measure) => {
  await page.goto(moat.url + all);
  await page.locator(rows).first().waitFor();
  for (let n = 0; n < rounds; n++) {
    await measure('opening a row', () => page.locator(rows).nth(n % 8).click(), async () => { await page.getByRole('dialog').waitFor(); await quiet(page); });
    await measure('closing it', () => page.keyboard.press('Escape'), () => page.getByRole('dialog').waitFor({ state: 'hidden' }));
  }
};

const filtersTyped: Walk = async (page, moat, measure) => {
  await page.goto(moat.url + all);
  await page.locator(rows).first().waitFor();
  const settled = async (): Promise<void> => { await page.waitForLoadState('networkidle'); await quiet(page); };
  for (let n = 0; n < rounds; n++) {
    await page.getByRole('searchbox').or(page.locator('[data-search]')).first().click();
    for (const letter of `wp-login ${n}`) await measure('typing into a filter', () => page.keyboard.press(letter === ' ' ? 'Space' : letter));
    await measure('filtering', () => page.keyboard.press('Enter'), settled);
    await measure('opening a choice', () => page.getByRole('combobox', { name: 'Level' }).click(), () => page.getByTitle('High and worse').waitFor());
    await measure('choosing', () => page.getByTitle('High and worse').click(), settled);
    await page.goto(moat.url + all);
    await page.locator(rows).first().waitFor();
  }
};

const listScrolled: Walk = async (page, moat, measure) => {
  await page.goto(moat.url + all);
  await page.locator(rows).nth(4).hover();
  for (let n = 0; n < rounds * 8; n++) await measure('scrolling a long list', () => page.mouse.wheel(0, 700));
};

const ruleWritten: Walk = async (page, moat, measure) => {
  await page.goto(`${moat.url}/rules/new`);
  const editor = page.getByRole('combobox', { name: 'Text of the rule' });
  await editor.click();
  await page.keyboard.press('Control+End');
  for (let n = 0; n < rounds; n++) for (const key of ['Enter', '#', 'a', 'b', 'Space']) await measure('writing a rule', () => page.keyboard.press(key));
};

const looksSwitched: Walk = async (page, moat, measure) => {
  await page.goto(moat.url);
  await quiet(page);
  for (let n = 0; n < rounds; n++) {
    await measure('switching the language', () => page.getByRole('button', { name: n % 2 === 0 ? '中文' : 'English' }).click(), () => page.locator(`html[lang|="${n % 2 === 0 ? 'zh' : 'en'}"]`).waitFor());
    await measure('switching the theme', async () => {
      await page.getByRole('button', { name: /^(?:Theme|主题)$/ }).click();
      await page.getByRole('menuitem', { name: n % 2 === 0 ? /^(?:Dark|深色)$/ : /^(?:Light|浅色)$/ }).click();
    }, () => page.locator(`html[data-theme="${n % 2 === 0 ? 'dark' : 'light'}"]`).waitFor());
  }
};
