import { describe, expect, it } from 'vitest';
import type { Alert } from '../../core/alert.ts';
import { sampleAlert } from '../../stores/contract.ts';
import { headOf, itemOf } from './item.ts';
import { routed } from './route.ts';

const alert = (change: Partial<Alert> = {}): Alert => sampleAlert('3f2a90c1d4e5b677', { source_ip: '203.0.113.9', source_country: 'NL', user: 'wang', service: 'sshd', ...change });

describe('what a notice says', () => {
  it('the story, what it means, and what to run next', () => {
    const item = itemOf(alert({ origin: 'ssh log-on of root from 203.0.113.9 → bash', path: '/tmp/x' }), 'en', 'en');
    expect(item).toMatchObject({ title: 'SSH brute force', level: 'medium', count: 12, host: 'shop-1', means: expect.stringContaining('guesses passwords') as string, next: ['moat origin 203.0.113.9', 'moat alerts show 3f2a90c1d4e5b677'] });
    expect(item.facts.map(({ label }) => label)).toEqual(['what happened', 'address', 'account', 'service', 'program or file', 'origin']);
    const next = (change: Partial<Alert>): string => itemOf(alert({ source_ip: undefined, ...change }), 'zh', 'zh').next[0]!;
    expect([next({ pid: 4711, path: '/tmp/x' }), next({ path: '/tmp/x', origin_ip: '203.0.113.9' }), next({ origin_ip: '203.0.113.9' })]).toEqual(['moat origin 4711', 'moat origin /tmp/x', 'moat origin 203.0.113.9']);
  });

  it('with what the rule advises, and what it says of itself where its technique is not known', () => {
    const words = { description: { zh: '有人在猜', en: 'They guess.\n  Fast.' }, advice: { zh: '封锁', en: 'Block it' } };
    expect(itemOf(alert(), 'en', 'en', words)).toMatchObject({ means: expect.stringContaining('guesses passwords') as string, advice: 'Block it' });
    expect(itemOf(alert({ attack: [] }), 'en', 'en', words)).toMatchObject({ means: 'They guess. Fast.', advice: 'Block it' });
    expect(itemOf(alert({ attack: [] }), 'zh', 'zh', words)).toMatchObject({ means: '有人在猜', advice: '封锁' });
    expect(itemOf(alert({ attack: [] }), 'zh', 'zh')).not.toHaveProperty('means');
  });

  it('in the other language leaves out what was only said in the first', () => {
    const item = itemOf(alert(), 'zh', 'en');
    expect(item.title).toBe('SSH 暴力破解');
    expect(item.facts.map(({ label }) => label)).toEqual(['来源地址', '账号', '服务']);
  });

  it.each(['/tmp/$(reboot)', '/tmp/a b', "/tmp/x';reboot;'", '/tmp/x\nreboot', '/tmp/`id`', '/tmp/__x', '-rf', '/tmp/x;reboot', '/tmp/‮x', '/tmp/*'])('never puts %j into a command', (path) => {
    expect(itemOf(alert({ path, source_ip: undefined }), 'zh', 'zh').next).toEqual(['moat alerts show 3f2a90c1d4e5b677']);
    expect(itemOf(alert({ path, source_ip: '203.0.113.9; reboot' }), 'zh', 'zh').next).toEqual(['moat alerts show 3f2a90c1d4e5b677']);
  });

  it('holds no secret, even where nobody masked it before', () => {
    const item = itemOf(alert({ summary: 'ran mysql -uroot -pHunter22', origin: 'cron → curl -u admin:Hunter22 https://x', path: '/usr/bin/env PGPASSWORD=Hunter22' }), 'en', 'en');
    expect(JSON.stringify(item)).not.toContain('Hunter22');
  });
});

describe('which channel is told', () => {
  const route = { name: 'a', level: 'high' as const, rules: [], except: [] };
  const folded = (change: Partial<Alert>, isNew = true, isWorse = false) => ({ alert: alert({ level: 'high', ...change }), isNew, isWorse });
  const told = (routes: Parameters<typeof routed>[1], ...all: ReturnType<typeof folded>[]): string[] => (routed(all, routes, 10, 5)?.rows ?? []).map(({ channel, subject }) => `${channel} ${subject}`);

  it('goes by level and rule', () => {
    const routes = [route, { ...route, name: 'b', level: 'low' as const, rules: ['ssh_*', 'behaviour.miner'] }, { ...route, name: 'c', level: 'info' as const, except: ['ssh_brute_force'] }];
    expect(told(routes, folded({ id: '1' }), folded({ id: '2', level: 'medium' }), folded({ id: '3', level: 'critical', rule_id: 'behaviour.miner' }), folded({ id: '4', rule_id: 'web_scan' }))).toEqual(['a 1', 'a 3', 'a 4', 'b 1', 'b 2', 'b 3', 'c 3', 'c 4']);
  });

  it('tells repeats only when they have become worse', () => {
    expect(told([route], folded({ id: '1' }, false), folded({ id: '2' }, false, true), folded({ id: '3', status: 'closed' }))).toEqual(['a 2']);
    expect(routed([folded({}, false)], [route], 10, 5)).toBeUndefined();
  });

  it('of too many at once takes the worst and counts the others', () => {
    const all = Array.from({ length: 50 }, (_, i) => folded({ id: String(i), level: i % 25 === 0 ? 'critical' : 'high' }));
    const rows = routed(all, [route], 10, 5)!;
    expect(rows.rows.map(({ subject }) => subject)).toEqual(['0', '25', '42', '43', '44', '45', '46', '47', '48', '49']);
    expect(rows.dropped?.get('a')).toBe(40);
  });

  it('keeps a head of bounded size', () => {
    expect(JSON.stringify(headOf(alert({ summary: 'x'.repeat(9000), origin: 'y'.repeat(9000), path: 'z'.repeat(9000), user: 'u'.repeat(9000), key: 'k'.repeat(9000) }))).length).toBeLessThan(4000);
  });
});
