/** Loads rules and behaviours as the configuration says. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { behaviours } from '../behaviours/catalogue.ts';
import { MoatError } from '../core/error.ts';
import type { Event } from '../core/gen/event.ts';
import { network6Of } from '../core/networks.ts';
import { fieldPath, keywordsOf, logsourceKey, logsourcesOf } from '../engine/binding.ts';
import type { Knowledge } from '../core/ports.ts';
import { Detector, type BehaviourSetup } from '../engine/detector.ts';
import type { Exception } from '../engine/exceptions.ts';
import { compile, parse, type Binding, type Correlation, type Engine, type Prebuilt, readPrebuilt, type Rule, type SigmaError } from '../sigma/index.ts';
import type { Config } from './config-schema.ts';
import { installRoot } from './paths.ts';
import { prebuiltRules } from './prebuilt-rules.ts';

export type RulesErrorCode = 'no-folder' | 'too-many' | 'bad-setting';

export const binding: Binding<Event> = { field: fieldPath, time: (event) => event.time, logsource: logsourceKey, logsources: logsourcesOf, keywords: keywordsOf };

const usualPrefix6 = 64;
const filesMax = 50_000;
const fileSizeMax = 1 << 20;
const depthMax = 12;

export interface RuleFile {
  file: string;
  text: string;
  /** Why it was not read; `text` is empty then. */
  fault?: string;
}

function readRuleFile(file: string): RuleFile {
  try {
    const { size } = statSync(file);
    if (size > fileSizeMax) return { file, text: '', fault: `expected a file of at most ${fileSizeMax} bytes, got ${size}` };
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) { return { file, text: '', fault: `expected a readable file, got ${(error as Error).message}` }; }
}

/** The rule files below a folder, without the `.test.yml` beside them, in a stable order. Links are not followed. */
export function ruleFiles(folder: string): RuleFile[] {
  const out: RuleFile[] = [];
  const walk = (at: string, depth: number): void => {
    for (const entry of readdirSync(at, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(at, entry.name);
      if (entry.isDirectory() && depth < depthMax) walk(path, depth + 1);
      if (!entry.isFile() || !/\.ya?ml$/.test(entry.name) || /\.test\.ya?ml$/.test(entry.name)) continue;
      if (out.length >= filesMax) throw new MoatError<RulesErrorCode>('too-many', `expected at most ${filesMax} rule files, got more in ${folder}`);
      out.push(readRuleFile(path));
    }
  };
  try {
    if (statSync(folder).isFile()) return [readRuleFile(folder)];
    walk(folder, 0);
  } catch (error) {
    if (error instanceof MoatError) throw error;
    throw new MoatError<RulesErrorCode>('no-folder', `expected a folder of rules, got ${(error as Error).message}`);
  }
  return out;
}

/** Windows of correlations, by what they group: three quarters of a kilobyte each, and those longest untouched go first. */
const groupsMax = 50_000;

export interface LoadedRules { engine: Engine<Event>; all: readonly (Rule | Correlation)[]; errors: readonly SigmaError[] }

/** What the build made of the rules that ship. It lies beside the program and is as much to be trusted; without it every rule is read, which takes longer and says the same. */
function prebuilt(): Prebuilt | undefined {
  if (prebuiltRules === undefined) return undefined;
  try { return readPrebuilt(readFileSync(prebuiltRules, 'utf8')); } catch { return undefined; }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Compiles the rules of these folders; those that are refused stand in `errors`, the others work. */
export function loadRules(folders: readonly string[], disable: readonly string[] = [], prefix6 = usualPrefix6): LoadedRules {
  const files = folders.flatMap(ruleFiles);
  const unread = files.flatMap(({ file, fault }): SigmaError[] => (fault === undefined ? [] : [{ file, line: 1, code: 'limit', message: fault }]));
  const known = prebuilt();
  const parsed = parse(files.filter(({ fault }) => fault === undefined).map(({ file, text }) => ({ file, text, digest: known && digestOf(text) })), { prebuilt: known });
  const off = new Set(disable);
  const on = (rule: { id?: string | undefined; name?: string | undefined }): boolean => !(rule.id !== undefined && off.has(rule.id)) && !(rule.name !== undefined && off.has(rule.name));
  const kept = { ...parsed, rules: parsed.rules.filter(on), correlations: parsed.correlations.filter(on) };
  const engine = compile(kept, binding, { groupAs: sourcesBy(prefix6), maxGroups: groupsMax });
  const refused = new Set(engine.errors.map((error) => `${error.file}:${error.line}`));
  const all = [...kept.rules, ...kept.correlations].filter((rule) => !refused.has(`${rule.file}:${rule.line}`));
  return { engine, all, errors: [...unread, ...parsed.errors, ...engine.errors] };
}

/** IPv6 addresses of one network are one source: who has a /64 has all its addresses. An event is asked about by several correlations in turn. */
function sourcesBy(prefix6: number): (field: string, value: string) => string {
  let last = '', said = '';
  return (field, value) => {
    if (!value.includes(':') || fieldPath(field)[0] !== 'source_ip') return value;
    if (value !== last) { said = network6Of(value, prefix6) ?? value; last = value; }
    return said;
  };
}

export const ownRules = (): string => join(installRoot(), 'rules');

export interface OpenDetectorOptions {
  config: Config;
  ruleFolders?: readonly string[];
  /** Learned state of a behaviour, by id. */
  learned?: (id: string) => string | undefined;
  warn: (text: string) => void;
  /** Counts what behaviours drop. */
  count?: (what: string, n?: number) => void;
  /** What the engine knows beside the events; a replay of logs knows nothing. */
  knowledge?: Knowledge;
}

export interface OpenedDetector { detector: Detector; rules: LoadedRules; behaviours: number; exceptions: readonly Exception[] }

/** Throws MoatError 'bad-setting' for a behaviour or setting that does not exist. */
export function openDetector({ config, ruleFolders = [], learned, warn, count, knowledge }: OpenDetectorOptions): OpenedDetector {
  const rules = loadRules([ownRules(), ...config.rules.dirs, ...ruleFolders], config.rules.disable, config.ipv6.prefix);
  for (const fault of rules.errors) warn(`${fault.file}:${fault.line}: ${fault.message}`);
  const setups = behaviourSetups(config, learned);
  return { detector: new Detector(rules.engine, setups, count, knowledge), rules, behaviours: setups.length, exceptions: exceptionsOf(config) };
}

export function behaviourSetups(config: Config, learned?: (id: string) => string | undefined): BehaviourSetup[] {
  for (const id of Object.keys(config.behaviours)) {
    if (!behaviours.some((behaviour) => behaviour.id === id)) throw new MoatError<RulesErrorCode>('bad-setting', `behaviours.${id}: expected one of ${behaviours.map((b) => b.id).join(', ')}`);
  }
  return behaviours.flatMap((behaviour) => {
    const given = config.behaviours[behaviour.id];
    if (given === false) return [];
    const settings: Record<string, number | string | boolean | string[]> = {};
    for (const [name, setting] of Object.entries(behaviour.settings)) settings[name] = setting.default;
    for (const [name, value] of Object.entries(given ?? {})) {
      const setting = behaviour.settings[name];
      const place = `behaviours.${behaviour.id}.${name}`;
      if (!setting) throw new MoatError<RulesErrorCode>('bad-setting', `${place}: expected one of ${Object.keys(behaviour.settings).join(', ')}`);
      if (typeof value !== typeof setting.default || Array.isArray(value) !== Array.isArray(setting.default)) throw new MoatError<RulesErrorCode>('bad-setting', `${place}: expected ${Array.isArray(setting.default) ? 'a list' : typeof setting.default}, got ${JSON.stringify(value)}`);
      if (typeof value === 'number' && (value < (setting.min ?? -Infinity) || value > (setting.max ?? Infinity))) throw new MoatError<RulesErrorCode>('bad-setting', `${place}: expected ${setting.min ?? '…'} to ${setting.max ?? '…'}, got ${value}`);
      settings[name] = value;
    }
    return [{ behaviour, settings, state: learned?.(behaviour.id) }];
  });
}

export function exceptionsOf(config: Config): Exception[] {
  // A date holds to its end.
  return config.exceptions.map(({ until, ...exception }) => ({ ...exception, ...(until !== undefined && { until: Date.parse(`${until}T23:59:59.999`) }) }));
}
