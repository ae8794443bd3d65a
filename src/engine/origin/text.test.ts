import { describe, expect, it } from 'vitest';
import type { Origin } from '../../core/lineage.ts';
import { originText, shortTime } from './text.ts';

const since = new Date(2026, 10, 22, 2, 27).getTime();
const now = since + 3_600_000;

describe('an origin in words', () => {
  it.each<[Partial<Origin>, string, string]>([
    [{ kind: 'login', user: 'root', source_ip: '203.0.113.9' }, 'ssh log-on of root from 203.0.113.9 at 02:27', 'root 于 02:27 从 203.0.113.9 经 SSH 登录'],
    [{ kind: 'login', user: 'wang' }, 'log-on of wang at 02:27', 'wang 于 02:27 登录'],
    [{ kind: 'web', name: 'nginx', source_ip: '203.0.113.9' }, 'web server nginx (request from 203.0.113.9)', 'Web 服务 nginx（来自 203.0.113.9 的请求）'],
    [{ kind: 'service', name: 'sshd', source_ip: '203.0.113.9' }, 'connection from 203.0.113.9 to sshd at 02:27, nobody logged on', '02:27 来自 203.0.113.9 的 sshd 连接，尚未登录'],
    [{ kind: 'service', name: 'chrony' }, 'service chrony', '服务 chrony'],
    [{ kind: 'cron', user: 'root', name: '/opt/backup.sh' }, 'cron job of root: /opt/backup.sh', 'root 的计划任务：/opt/backup.sh'],
    [{ kind: 'timer', name: 'logrotate' }, 'timer logrotate', '定时器 logrotate'],
    [{ kind: 'container', container: { id: 'ab'.repeat(32), name: 'shop', image: 'shop:1.4' } }, 'container shop (shop:1.4)', '容器 shop (shop:1.4)'],
    [{ kind: 'web', name: 'nginx', container: { id: 'ab'.repeat(32) } }, 'web server nginx in container abababababab', 'Web 服务 nginx（容器 abababababab 内）'],
    [{ kind: 'package', name: 'npm', user: 'wang', source_ip: '203.0.113.9' }, 'package script of npm run by wang from 203.0.113.9', 'npm 的安装脚本，由 wang 运行，来自 203.0.113.9'],
    [{ kind: 'cloud', name: 'aliyun-service' }, 'cloud assistant aliyun-service', '云助手 aliyun-service'],
    [{ kind: 'console', name: 'tty1', user: 'root' }, 'console tty1 (root)', '本机控制台 tty1（root）'],
    [{ kind: 'kernel' }, 'the kernel', '内核'],
    [{ kind: 'unknown' }, 'unknown origin', '来由不明'],
  ])('%j', (origin, en, zh) => {
    expect(originText({ since, ...origin } as Origin, 'en', now)).toBe(en);
    expect(originText({ since, ...origin } as Origin, 'zh', now)).toBe(zh);
  });

  it('a time of another day has its date', () => {
    expect(shortTime(since, now)).toBe('02:27');
    expect(shortTime(since, now + 86_400_000)).toBe('2026-11-22 02:27');
  });
});
