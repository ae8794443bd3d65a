/** Hunting: SQL of people over the stored views and the live state, in the killable process that `moat query` uses. */
import { MoatError } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import { StoreError } from '../../stores/error.ts';
import { liveTables } from '../../hunt/catalogue.ts';
import { querySqlite } from '../../hunt/query.ts';
import { storedTables } from '../../hunt/stored.ts';
import type { KnownHere } from './known.ts';

const rowsMost = 5000, secondsMost = 30, bytesMost = 8 << 20, memoryMost = 384 << 20;
/** Each is a process of its own. */
const atOnce = 2, waitingMost = 20;
const examples: readonly { title: Text; sql: string }[] = [
  { title: { zh: '登录失败最多的地址', en: 'addresses with most failed log-ons' }, sql: "SELECT source_ip, count(*) AS n FROM events WHERE action = 'login' AND outcome = 'failure' GROUP BY 1 ORDER BY n DESC LIMIT 20" },
  { title: { zh: '最近用 sudo 做的事', en: 'what was done with sudo lately' }, sql: "SELECT at, user, process_cmdline FROM events WHERE service = 'sudo' ORDER BY time DESC LIMIT 50" },
  { title: { zh: '最近一天的新告警，按规则', en: 'alerts of the last day by rule' }, sql: "SELECT rule_id, level, count(*) AS alerts FROM alerts WHERE time > (unixepoch() - 86400) * 1000 GROUP BY 1, 2 ORDER BY 3 DESC" },
  { title: { zh: '从外面登录进来的人此刻在运行什么', en: 'what runs now in trees that began with a log-on from outside' }, sql: "SELECT pid, user, cmdline, origin_user, origin_ip, started FROM processes WHERE origin = 'login' AND origin_ip IS NOT NULL ORDER BY started DESC" },
  { title: { zh: '不属于任何软件包、却连着外网的程序', en: 'programs of no package that speak to other machines' }, sql: "SELECT p.pid, p.path, p.user, c.remote_ip, c.remote_port, p.origin, p.origin_ip FROM connections AS c JOIN processes AS p ON p.pid = c.pid WHERE p.package IS NULL AND c.remote_ip NOT LIKE '127.%' AND c.remote_ip <> '::1'" },
  { title: { zh: '程序文件已被删除、仍在运行的进程', en: 'processes that run though their program was deleted' }, sql: 'SELECT pid, path, cmdline, user, origin, origin_ip, started FROM processes WHERE deleted = 1' },
  { title: { zh: '引发过告警、此刻仍连着的地址', en: 'addresses with alerts that are connected now' }, sql: 'SELECT c.remote_ip, c.local_port, c.name, count(DISTINCT a.id) AS alerts, max(a.last_time) AS last FROM connections AS c JOIN alerts AS a ON a.source_ip = c.remote_ip GROUP BY 1, 2, 3 ORDER BY alerts DESC' },
  { title: { zh: '监听的端口、程序与软件包', en: 'ports that are listened on, with program and package' }, sql: 'SELECT l.protocol, l.address, l.port, l.name, p.package, l.user FROM listeners AS l LEFT JOIN processes AS p ON p.pid = l.pid ORDER BY l.port' },
  { title: { zh: '最近 7 天改动过的启动项：定时任务与单元', en: 'cron jobs and units that changed within 7 days' }, sql: "SELECT 'cron' AS what, path, user, command, changed FROM cron WHERE changed > (unixepoch() - 604800) * 1000 UNION ALL SELECT 'unit', path, user, exec, changed FROM units WHERE changed > (unixepoch() - 604800) * 1000 ORDER BY changed DESC" },
  { title: { zh: '能登录的账号、密码状态与公钥数', en: 'accounts that may log on, their passwords and keys' }, sql: 'SELECT u.name, u.uid, u.groups, u.password, count(k.fingerprint) AS keys FROM users AS u LEFT JOIN keys AS k ON k.user = u.name WHERE u.can_log_on = 1 GROUP BY u.name ORDER BY keys DESC' },
];
/** What may be asked: the settings are Moat's own, and the audit log has a permission of its own. */
const tables = [...storedTables, ...liveTables].map(({ name }) => name);

export class HuntView {
  private readonly dataFolder: string;
  private readonly known: KnownHere;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(dataFolder: string, known: KnownHere) {
    this.dataFolder = dataFolder;
    this.known = known;
  }

  schema(): object {
    return {
      views: [
        ...liveTables.map(({ name, title, blind, columns }) => ({ name, title, live: true, blind, columns: Object.entries(columns).map(([column, { type, text }]) => ({ name: column, type, text })) })),
        ...storedTables.map((table) => ({ ...table, live: false })),
      ],
      limits: { rows: rowsMost, seconds: secondsMost, bytes: bytesMost }, examples,
    };
  }

  /** Throws MoatError 'bad-input' for wrong SQL, 'refused', 'too-long'. */
  async run(argument: unknown): Promise<object> {
    const { sql, rows = 1000, seconds = 10 } = argument as { sql: string; rows?: number; seconds?: number };
    const began = performance.now();
    return await this.turn(async () => {
      try {
        const { columns, rows: found, cut, live } = await querySqlite(this.dataFolder, sql, { maxRows: Math.min(rowsMost, rows), timeoutMs: Math.min(secondsMost, seconds) * 1000, maxBytes: bytesMost, maxMemory: memoryMost, views: tables, agent: (what) => this.known.tell(what) });
        return { columns, rows: found, ...(cut && { cut }), live, ms: Math.round(performance.now() - began) };
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        throw new MoatError(error.code === 'query' ? 'bad-input' : error.code === 'timeout' ? 'too-long' : error.code === 'refused' ? 'refused' : 'unavailable', error.message, { text: error.text, hint: error.hintText ?? error.hint, cause: error });
      }
    });
  }

  private async turn<T>(work: () => Promise<T>): Promise<T> {
    while (this.running >= atOnce) {
      if (this.waiting.length >= waitingMost) throw new MoatError('busy', 'too many queries are under way', { zh: '同时进行的查询太多，请稍后' });
      await new Promise<void>((resolve) => { this.waiting.push(resolve); });
    }
    this.running++;
    try { return await work(); } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }
}
