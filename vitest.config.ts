import { defineConfig } from 'vitest/config';

/**
 * What computes and changes nothing that another file could see: these share their processes, so that the catalogues are loaded a few
 * times and not some three hundred times. None of them may change `process.env`, the working folder, timers or the state of a module.
 */
const sharing = ['engine', 'checks', 'notifiers', 'scan'].map((folder) => `src/${folder}/**/*.test.ts`).concat('src/formats/**/live.test.ts', 'src/programs/**/live.test.ts');
/** The same, and they start nothing: what watches the machine meanwhile sees no more than a busy program. */
const computing = ['core', 'sigma', 'webshell', 'behaviours', 'formats', 'programs'].map((folder) => `src/${folder}/**/*.test.ts`).concat('console/src/**/*.test.ts');
/**
 * What works on folders, namespaces, daemons and programs of its own and leaves nothing in its process: the same. Rooms
 * whose tests change their own process (agents, sensors with hooks in it) have a process for each file.
 */
const waiting = [...['actions', 'linux', 'stores', 'hunt', 'cli', 'baseline', 'evidence', 'report'].map((folder) => `src/${folder}/**/*.test.ts`), 'test/**/*.test.ts'];
/** In a browser, of one Moat that all of them share. */
const inBrowser = ['test/console/**/*.test.ts'];
/** Every page in every state: half of what the browser does, and it changes nothing of its Moat. */
const everyPage = ['test/console/states.test.ts', 'test/console/inert.test.ts'];
/** Each on a host of its own, whose alerts alone count. */
const scenarios = ['test/scenarios/**/*.test.ts'];
/** The kernel sensor sees the whole machine: what must end without an alert runs while no other test attacks it, or keeps it busy. */
const alone = ['test/alone/**/*.test.ts'];

const isSerial = process.argv.includes('--no-file-parallelism');
const project = (name: string, groupOrder: number, maxWorkers: number, files: { include: string[]; exclude?: string[]; isolate?: boolean; globalSetup?: string }) =>
  ({ extends: true as const, test: { name, ...files, maxWorkers: isSerial ? 1 : maxWorkers, fileParallelism: !isSerial && maxWorkers > 1, sequence: { groupOrder } } });

export default defineConfig({
  test: {
    setupFiles: ['test/seed.ts', 'test/spent.ts', 'test/own-folder.ts'],
    // Tests start real daemons; slow machines must not turn that into failures.
    testTimeout: 120_000,
    // What one project has translated the next need not.
    experimental: { fsModuleCache: true },
    hookTimeout: 120_000,
    projects: [
      project('sharing', 1, 2, { include: sharing, isolate: false }),
      project('computing', 1, 2, { include: computing, exclude: ['**/node_modules/**', ...sharing], isolate: false }),
      // They wait for daemons, for clocks and for processes that they kill nearly as long as they compute: five (one pool for both projects) keep two cores busy.
      project('waiting', 2, 5, { include: waiting, exclude: [...alone, ...scenarios, ...inBrowser], isolate: false }),
      project('apart', 2, 5, { include: ['src/**/*.test.ts', 'tools/**/*.test.ts'], exclude: ['**/node_modules/**', ...sharing, ...computing, ...waiting] }),
      project('console', 3, 1, { include: inBrowser, exclude: everyPage, isolate: false, globalSetup: 'test/console/global.ts' }),
      project('console-every-page', 3, 1, { include: everyPage, isolate: false, globalSetup: 'test/console/global.ts' }),
      // One after the other in one process, which loads what they share once.
      project('scenarios', 4, 1, { include: scenarios, isolate: false }),
      project('alone', 5, 1, { include: alone, isolate: false }),
    ],
  },
});
