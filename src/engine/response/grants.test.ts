import { beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import type { Alert, AlertEvidence } from '../../core/alert.ts';
import { actsIn, Grants } from './grants.ts';

let now: number, paused: number, undone: string[], counted: string[], grants: Grants, standing: Receipt[];
const minute = 60_000;
const alert = (evidence: AlertEvidence[], more: Partial<Alert> = {}): Alert => ({ id: 'a1', time: now, last_time: now, level: 'high', rule_id: 'behaviour.credential-read', rule_name: 'reads keys', title: { zh: '', en: '' }, host: 'web1', summary: 'reads all keys', count: 1, attack: [], matrix: [], key: '', status: 'open', evidence, ...more });
const tell = async (one: Alert): Promise<string[]> => { grants.onAlerts([one]); await grants.settled(); return undone.splice(0); };
const deed: AlertEvidence = { category: 'process', user: 'root', origin_user: 'deploy' };

beforeEach(() => {
  now = Date.parse('2026-11-22T00:00:00Z');
  paused = 0;
  undone = [];
  counted = [];
  standing = [{ id: 'g1', target: 'privilege deploy', created: now - minute, state: { user: 'deploy' } }, { id: 'g2', target: 'privilege wang', created: now - minute, state: { user: 'wang' } }] as unknown as Receipt[];
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  grants = new Grants({ runner: { undo: (id, { by, why }) => { undone.push(`${id} ${by}: ${why}`); return Promise.resolve(standing[0]!); } }, store: { receipts: () => standing }, log, now: () => now, count: (what) => counted.push(what), pausedUntil: () => paused });
});

describe('temporary privileges', () => {
  it('end at once when their holder acts oddly, also as root, and tell why; those of others stay', async () => {
    expect(await tell(alert([deed]))).toEqual(['g1 rule:behaviour.credential-read: its holder acts oddly: reads all keys (a1)']);
    expect(await tell(alert([{ category: 'privilege', user: 'wang', outcome: 'failure' }]))).toMatchObject([expect.stringMatching(/^g2 /)]);
  });

  it('stay with what is mild, closed, long over, from before they were granted, or paused', async () => {
    for (const more of [{ level: 'medium' as const }, { status: 'closed' as const }, { last_time: now - 11 * minute }, { last_time: now - 2 * minute }]) expect(await tell(alert([deed], more))).toEqual([]);
    paused = now + 1;
    expect(await tell(alert([deed]))).toEqual([]);
    expect(counted).toEqual(['grant not ended while paused']);
  });

  it.each<[AlertEvidence, boolean]>([
    [{ category: 'authentication', outcome: 'failure', user: 'deploy', source_ip: '203.0.113.9' }, false], [{ category: 'web', user: 'deploy' }, false], [{ user: 'deploy' }, false],
    [{ category: 'authentication', outcome: 'success', user: 'deploy' }, true], [{ category: 'file', origin_user: 'deploy' }, true], [{ category: 'process', user: 'deploy' }, true], [{ category: 'process', user: 'deployer' }, false],
  ])('whose name %j holds: a deed of the account is %s', (event, expected) => { expect(actsIn({ evidence: [event] }, 'deploy')).toBe(expected); });
});
