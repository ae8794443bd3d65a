/** A day of ordinary administration, put before all rules at once, must not call anybody. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { loadRules, ownRules } from '../src/agent/detector.ts';
import { decodeText } from '../src/agent/rule-tests.ts';
import type { Event } from '../src/core/gen/event.ts';
import { atLeast } from '../src/core/level.ts';

const now = Date.parse('2026-12-31T23:59:59Z');
const { engine } = loadRules([ownRules()]);

/** What Debian's links make of a name that is not written out as a path. */
const links: Record<string, string> = { sh: 'dash', python3: 'python3.11', nc: 'nc.openbsd', vim: 'vim.basic', awk: 'mawk' };

function imageOf(commandLine: string): string {
  const first = commandLine.split(' ', 1)[0]!.replace(/:$/, '');
  if (first.startsWith('/')) return links[basename(first)] ? `/usr/bin/${links[basename(first)]}` : first;
  return `/usr/bin/${links[first] ?? basename(first)}`;
}

function raised(events: (evaluate: (event: Event) => void) => void): string[] {
  const out: string[] = [];
  events((event) => engine.evaluate(event, ({ rule }) => {
    if (atLeast(rule.level, 'low')) out.push(`${rule.name} (${rule.level}): ${event.process_cmdline ?? event.message}`);
  }));
  return out;
}

test('commands of package managers, agents, backups, builds and people', () => {
  const lines = readFileSync(new URL('ordinary/processes.txt', import.meta.url), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines.length).toBeGreaterThan(100);
  const records = lines.map((line, i) => {
    const [User, ParentImage, ParentCommandLine, ...rest] = line.split(' | ');
    const CommandLine = rest.join(' | ');
    return { logsource: { product: 'linux', category: 'process_creation' }, '@timestamp': new Date(now - 1e6 + i * 1000).toISOString(), User, ParentImage, ParentCommandLine, CommandLine, Image: imageOf(CommandLine), ParentProcessId: 400 };
  });
  expect(raised((evaluate) => decodeText(records.map((record) => JSON.stringify(record)).join('\n'), 'sigma-json', now, evaluate))).toEqual([]);
});

test('messages of an ordinary system log', () => {
  engine.reset();
  const text = readFileSync(new URL('ordinary/syslog.txt', import.meta.url), 'utf8');
  expect(raised((evaluate) => decodeText(text, 'syslog', now, evaluate))).toEqual([]);
});
