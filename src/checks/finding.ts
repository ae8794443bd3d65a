/** How checks make findings. */
import { createHash } from 'node:crypto';
import { fixActionsMax, type Evidence, type Finding, type FixAction } from '../core/finding.ts';
import type { Text } from '../core/text.ts';

const valueMax = 2000;
const evidenceMax = 20;

/** A finding of `check`; `key` says which of its findings it is: the same state has the same key at the next look. */
export function finding(check: string, key: string, more: Omit<Finding, 'id' | 'check'>): Finding {
  const id = createHash('sha256').update(`${check}\0${key}`).digest('hex').slice(0, 16);
  return { id, check, ...more, evidence: more.evidence.slice(0, evidenceMax) };
}

/** One fact, cut to a bearable length. */
export const fact = (what: Text, value: string): Evidence => ({ what, value: value.length > valueMax ? `${value.slice(0, valueMax)}…` : value });

/** `/etc/crontab:12`, for people to find it. */
export const lineFact = (path: string, line: number, text: string): Evidence => ({ ...fact({ zh: `${path} 第 ${line} 行`, en: `${path} line ${line}` }, text), path, line });

export const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

/** Takes rights of a mode away, and hands the file to `owner` (`root:root`) where that is said. */
export const lessRights = (path: string, mode: number, taken: number, owner?: string): readonly FixAction[] => [{ action: 'change-mode', input: { path, mode: octal(mode & 0o7777 & ~taken), ...(owner !== undefined && { owner }) } }];

/** Takes one line out; `text` as it stands there, without its end. */
export const withoutLine = (path: string, line: number, text: string): readonly FixAction[] => [{ action: 'remove-line', input: { path, line, text } }];

export const putAway = (path: string): readonly FixAction[] => [{ action: 'quarantine-file', input: { path } }];

export const asShipped = (...paths: string[]): readonly FixAction[] => paths.slice(0, fixActionsMax).map((path) => ({ action: 'restore-file', input: { path } }));

/** Gives a setting of a service another value, in this main file of its configuration. */
export const serviceSetting = (kind: 'redis' | 'mysql' | 'php' | 'nginx', key: string, value: string, config: string): FixAction => ({ action: 'change-setting', input: { kind, key, value, config } });
