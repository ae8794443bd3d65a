import { describe, expect, it } from 'vitest';
import type { AgentStatus } from '../agent/agent.ts';
import { statusLines } from './status-text.ts';

const status = (response: Partial<AgentStatus['response']>): string => statusLines({
  version: '0', since: 0, pid: 1, rss: 0, cpuPercent: 0, rules: 0, behaviours: 0, openAlerts: 0, parts: {}, events: {}, counters: {}, learning: [], incidents: { open: { info: 0, low: 0, medium: 0, high: 0, critical: 0 }, clocks: [], watches: [] },
  response: { mode: 'guard', pausedUntil: undefined, blocked: 0, stuck: 0, running: 0, runs: [], ...response },
} as unknown as AgentStatus, 'en').join('\n');

describe('the status', () => {
  it('tells that this machine is isolated, and how it ends', () => {
    expect(status({})).not.toMatch(/isolated since|playbooks/);
    expect(status({ isolation: { since: 0, by: 'operator:wang', why: '' } })).toMatch(/this machine is isolated since .*operator:wang.*until moat release/);
    expect(status({ isolation: { since: 0, by: 'playbook:ransomware', why: '', confirmBy: 60_000 } })).toMatch(/unless confirmed \(moat isolate --confirm\)/);
  });

  it('tells which playbooks run, and which of them wait for a person; names are made safe', () => {
    const run = { id: 'r1', playbook: 'miner', name: { zh: '挖矿', en: 'Miner' }, target: 'pid 4711\u001b[2J', since: 0, waiting: 1 };
    const text = status({ running: 2, runs: [run, { ...run, id: 'r2', waiting: 0 }] });
    expect(text).toMatch(/2 playbooks under way/);
    expect(text.match(/wait for approval/g)).toHaveLength(1);
    expect(text).not.toContain('\u001b[2J');
  });
});
