/** Reads and checks the configuration file; a fault is named with its line. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { MoatError, saidBy } from '../core/error.ts';
import { configSchema, type Config } from './config-schema.ts';
import { readYamlText, type YamlErrorCode } from './yaml.ts';

export type ConfigErrorCode = 'unreadable' | YamlErrorCode | 'invalid';
const sizeMax = 1 << 20;

/** The configuration in `path`; all defaults when the file is not there and was not asked for by name. */
export function loadConfig(path: string, { mustExist = false } = {}): Config {
  if (!existsSync(path)) {
    if (mustExist) throw new MoatError<ConfigErrorCode>('unreadable', `expected a configuration file at ${path}, got nothing there`, { zh: `没有配置文件 ${path}`, hint: { zh: 'moat config > moat.yml 写出一份样例', en: 'moat config > moat.yml writes a sample' } });
    return configSchema.parse({});
  }
  let text: string;
  try {
    if (statSync(path).size > sizeMax) throw new Error(`larger than ${sizeMax} bytes`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new MoatError<ConfigErrorCode>('unreadable', `cannot read ${path}: ${(error as Error).message}`, { zh: `读不了 ${path}：${saidBy(error).zh}`, cause: error });
  }
  return parseConfig(text, path);
}

/** Throws MoatError 'not-yaml' or 'invalid'; each fault reads `FILE:LINE: key: expected …`. */
export function parseConfig(text: string, path: string): Config {
  const { value, lineOf } = readYamlText(text, path);
  const result = configSchema.safeParse(withoutNulls(value ?? {}));
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
    return `${path}:${lineOf(keys)}: ${keys.map(String).join('.') || '(top)'}: ${issue.message}`;
  });
  throw new MoatError<ConfigErrorCode>('invalid', faults.join('\n'), { hint: { zh: 'moat config 列出每个设置及其含义', en: 'moat config prints every key with its meaning' } });
}

/** A key with nothing behind it (`logs:` with all its lines commented out) is a key left out. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null).map(([key, inner]) => [key, withoutNulls(inner)]));
}
