// The test command: installs what the tests need from Debian (as root, saying so), runs the repository's
// own checks, then the tests. `npm test -- ARGS` hands ARGS to vitest and skips the checks; `npm test -- --times ARGS` does so and tells
// where the time goes, file by file.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => join(root, 'node_modules/.bin', name);

function run(title, command, args) {
  console.log(`\n== ${title}`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(error.message);
  if (status !== 0) { console.error(`failed: ${title}`); process.exit(status ?? 1); }
}

/** Lanes of checks, each lane one after the other; what each says is shown when it ends. All are heard before a failure ends the run. */
async function together(lanes) {
  const failed = [];
  const check = ([title, command, args]) => new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
    child.on('error', (error) => said.push(Buffer.from(`${error.message}\n`)));
    child.on('close', (status) => {
      console.log(`\n== ${title}`);
      process.stdout.write(Buffer.concat(said));
      if (status !== 0) failed.push(title);
      resolve();
    });
  });
  await Promise.all(lanes.map(async (lane) => { for (const one of lane) await check(one); }));
  if (failed.length > 0) { console.error(`failed: ${failed.join(', ')}`); process.exit(1); }
}

const { packages } = JSON.parse(readFileSync(join(root, 'test/debian.json'), 'utf8'));
const missing = Object.entries(packages).filter(([, file]) => !existsSync(file)).map(([name]) => name);
if (missing.length > 0) {
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log(`installing what the tests need from Debian: ${missing.join(' ')}`);
    // A package's service must not start by itself on the machine that runs the tests: Debian asks policy-rc.d.
    const policy = '/usr/sbin/policy-rc.d';
    const ours = !existsSync(policy);
    if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update', '-q'], { stdio: ['ignore', 'ignore', 'inherit'], env });
    const { status } = spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], { stdio: ['ignore', 'ignore', 'inherit'], env });
    if (ours) rmSync(policy);
    if (status !== 0) console.error('some packages could not be installed; the tests that need them are skipped with their reason');
  } else {
    console.log(`not root: the tests that need ${missing.join(', ')} are skipped with their reason`);
  }
}

/** The compiler keeps the digests of what it read and what it found, and the next run looks at what changed and at what depends on that. */
function remembered(name) { return ['--incremental', '--tsBuildInfoFile', join(root, `.cache/${name}.tsbuildinfo`)]; }

const extra = process.argv.slice(2);
if (extra.length === 0) {
  // Side by side: the compiler keeps one core busy for most of the time that all of them take.
  await together([
    [['types', bin('tsc'), ['-p', '.', ...remembered('types')]], ['types of the console', bin('tsc'), ['-p', 'console', ...remembered('types-console')]]],
    [
      ['generated files are fresh', bin('tsx'), ['tools/gen.ts', '--check']],
      ['kernel sensor is built from its source', bin('tsx'), ['tools/sensor.ts', '--check']],
      ['layers and catalogues', bin('tsx'), ['tools/check-layout.ts']],
      ['nothing unused', bin('knip'), ['--no-progress']],
      ['build', process.execPath, ['tools/build.mjs']],
      ['build of the console', process.execPath, ['tools/build-console.mjs']],
      ['lint', bin('oxlint'), ['--type-aware', 'src', 'tools', 'test', 'bench', 'console/src']],
    ],
  ]);
}
if (extra[0] === '--times') times(extra.slice(1));
else if (extra.length > 0) run('tests', bin('vitest'), ['run', ...extra]);
else {
  again(await tests('tests', ['sharing', 'waiting', 'apart']));
  // A scenario waits for more than half of its time, and asks only what happened on its own host: beside it runs what starts nothing that
  // an eye in the kernel could take for an attack.
  again((await Promise.all([
    tests('scenarios', ['scenarios']),
    tests('what only computes, and the console in a browser', ['computing', 'console'], { isBeside: true }),
    tests('every page of the console', ['console-every-page'], { isBeside: true }),
  ])).flat());
  again(await tests('tests that need the machine to themselves', ['alone']));
}

/** Runs these projects; resolves to the files that failed. `isBeside`: yields to what runs beside it, and is heard at its end. */
async function tests(title, projects, { isBeside = false } = {}) {
  const report = join(root, '.cache', `tests-${process.pid}-${projects[0]}.json`);
  if (!isBeside) console.log(`\n== ${title}`);
  const args = ['run', ...projects.map((project) => `--project=${project}`), '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn('nice', ['-n', isBeside ? '10' : '0', bin('vitest'), ...args], { cwd: root, stdio: ['ignore', isBeside ? 'pipe' : 'inherit', isBeside ? 'pipe' : 'inherit'] });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => said.push(chunk));
  const status = await new Promise((resolve) => { child.on('close', resolve); });
  if (isBeside) console.log(`\n== ${title}\n${Buffer.concat(said).toString()}`);
  const failed = status === 0 || !existsSync(report) ? [] : JSON.parse(readFileSync(report, 'utf8')).testResults.filter((file) => file.status !== 'passed').map((file) => relative(root, file.name));
  rmSync(report, { force: true });
  if (status !== 0 && failed.length === 0) { console.error(`failed: ${title}`); process.exit(status ?? 1); }
  return failed;
}

/**
 * Hundreds of tests start daemons, fill disks and cut networks side by side on two cores. A file that fails there is run once more with
 * the machine to itself; what fails again, or more than a few at once, is a failure, and what passes then is named at the end.
 */
function again(failed) {
  const mostAgain = 3;
  if (failed.length === 0) return;
  if (failed.length > mostAgain) { console.error(`failed: ${failed.join(' ')}`); process.exit(1); }
  console.log(`\n== once more, alone: ${failed.join(' ')}`);
  const { status } = spawnSync(bin('vitest'), ['run', '--no-file-parallelism', ...failed], { cwd: root, stdio: 'inherit' });
  if (status !== 0) { console.error(`failed, and one of them once more alone: ${failed.join(' ')}`); process.exit(status ?? 1); }
  process.on('exit', () => { console.log(`failed beside other tests, passed alone (look into these): ${failed.join(' ')}`); });
}

/** Runs the tests that `args` name and prints what each file cost: of its own process, of those it started, and what it only waited. */
function times(args) {
  const file = join(root, '.cache', `times-${process.pid}.jsonl`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  const { status } = spawnSync(bin('vitest'), ['run', ...args], { cwd: root, stdio: 'inherit', env: { ...process.env, MOAT_TEST_TIMES: file } });
  const rows = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : [];
  rmSync(file, { force: true });
  const number = (seconds) => seconds.toFixed(1).padStart(8);
  const line = ({ own, children, wall, file: name }) => console.log(`${number(own + children)}${number(own)}${number(children)}${number(Math.max(0, wall - own - children))}  ${name}`);
  console.log('\nprocessor seconds: in all, own, of its children; seconds it waited (for others, too, on a busy machine)');
  for (const row of rows.sort((a, b) => b.own + b.children - a.own - a.children)) line({ ...row, file: relative(root, row.file) });
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  line({ own: sum('own'), children: sum('children'), wall: sum('wall'), file: `in all (${rows.length} files)` });
  process.exit(status ?? 1);
}
