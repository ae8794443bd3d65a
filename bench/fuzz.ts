/**
 * Hostile input at every door: `npm run fuzz [-- --seconds N] [--seed N] [--corpora DIR]`. The same seed tries the
 * same inputs, as many as the time allows. Prints a table and, below it, each input that went wrong; exits 1
 * when there was one. DIR: a folder of Sigma rules to start mutations from, beside our own.
 */
import { parseArgs } from 'node:util';
import { performance } from 'node:perf_hooks';
import type { Tally } from './fuzz-door.ts';
import { fuzzApi } from './fuzz-api.ts';
import { fuzzConfig, fuzzControl, fuzzGeo, fuzzJson, fuzzSql, fuzzTerminal } from './fuzz-input.ts';
import { fuzzForgeries, fuzzFormats, fuzzPrograms, fuzzReader } from './fuzz-logs.ts';
import { seeded } from './fuzz-random.ts';
import { fuzzRuleTests, fuzzSigma } from './fuzz-rules.ts';
import { fuzzScan } from './fuzz-scan.ts';
import { seeds } from './fuzz-seeds.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' }, corpora: { type: 'string' }, only: { type: 'string' } } });
const seconds = Number(values.seconds);
const seed = Number(values.seed);
if (!(seconds > 0) || !Number.isSafeInteger(seed)) { console.error('expected --seconds above 0 and a whole number as --seed'); process.exit(2); }

const ms = seconds * 1000;
const found = seeds();
/** Each door with its share of the time and its own chance, so that one alone does what it does among all. */
const doors: readonly [name: string, run: () => Tally[] | Promise<Tally[]>][] = [
  ['formats', () => fuzzFormats(seeded(seed), found, ms * 0.2)],
  ['programs', () => fuzzPrograms(seeded(seed + 1), found, ms * 0.18)],
  ['forged', () => fuzzForgeries(seeded(seed + 2), ms * 0.14)],
  ['reader', async () => [await fuzzReader(seeded(seed + 3), ms * 0.04)]],
  ['sigma', () => fuzzSigma(seeded(seed + 4), found, ms * 0.14, values.corpora)],
  ['tests', () => [fuzzRuleTests(seeded(seed + 5), found, ms * 0.03)]],
  ['config', () => [fuzzConfig(seeded(seed + 6), ms * 0.03)]],
  ['json', () => fuzzJson(seeded(seed + 7), found, ms * 0.06)],
  ['control', async () => [await fuzzControl(seeded(seed + 8), ms * 0.02)]],
  ['sql', async () => [await fuzzSql(seeded(seed + 9), ms * 0.06)]],
  ['geo', () => [fuzzGeo(seeded(seed + 10), ms * 0.02)]],
  ['scan', () => fuzzScan(seeded(seed + 12), ms * 0.06)],
  ['api', async () => [await fuzzApi(seeded(seed + 13), ms * (values.only === 'api' ? 1 : 0.06))]],
  ['terminal', () => [fuzzTerminal(seeded(seed + 11), ms * 0.02)]],
];

const start = performance.now();
const all: Tally[] = [];
for (const [name, run] of doors) if (values.only === undefined || values.only === name) all.push(...await run());

const count = (n: number): string => n.toLocaleString('en-US');
console.log(`Node ${process.version}, seed ${seed}, ${Math.round((performance.now() - start) / 1000)} s\n`);
console.log('| door | inputs tried | refused with a clear error | counted as unparsed | events | crashes | slowest input, ms | |\n|---|---:|---:|---:|---:|---:|---:|---|');
const sum = (field: 'tried' | 'refused' | 'unparsed' | 'events' | 'crashCount'): number => all.reduce((total, t) => total + t[field], 0);
for (const t of all) console.log(`| ${t.door} | ${count(t.tried)} | ${count(t.refused)} | ${count(t.unparsed)} | ${count(t.events)} | ${t.crashCount} | ${t.slowestMs.toFixed(1)} | ${t.note} |`);
console.log(`| **all** | ${count(sum('tried'))} | ${count(sum('refused'))} | ${count(sum('unparsed'))} | ${count(sum('events'))} | ${sum('crashCount')} | ${Math.max(...all.map((t) => t.slowestMs)).toFixed(1)} | |`);
for (const t of all) for (const one of t.crashes) console.log(`\n${one}`);
const slow = all.filter((t) => t.slowestMs > 100);
if (slow.length > 0) console.log(`\nSlowest inputs:\n${slow.map((t) => `- ${t.door}: ${t.slowestMs.toFixed(0)} ms: ${t.slowest}`).join('\n')}`);
process.exitCode = sum('crashCount') > 0 ? 1 : 0;
