/** Hunting: SQL of people over the documented views, in the killable process that `moat query` uses; and the queries they keep. */
import { MoatError } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import { StoreError } from '../../stores/error.ts';
import { querySqlite } from '../../stores/sqlite/query.ts';
import { huntViews, viewColumns } from '../../stores/sqlite/schema.ts';

const rowsMost = 5000, secondsMost = 30, bytesMost = 8 << 20, memoryMost = 384 << 20;
/** Each is a process of its own. */
const atOnce = 2, waitingMost = 20;
const titles: Readonly<Record<string, Text>> = {
  events: { zh: '事件（归一化的观察）', en: 'events: normalised observations' }, alerts: { zh: '告警', en: 'alerts' }, receipts: { zh: '处置记录', en: 'receipts of actions' },
  blocks: { zh: '封禁', en: 'blocked addresses and networks' }, playbook_runs: { zh: '预案执行', en: 'runs of playbooks' }, incidents: { zh: '事件（案件）', en: 'incidents' }, incident_members: { zh: '事件包含的告警与发现', en: 'what incidents hold' },
};
const examples: readonly { title: Text; sql: string }[] = [
  { title: { zh: '登录失败最多的地址', en: 'addresses with most failed log-ons' }, sql: "SELECT source_ip, count(*) AS n FROM events WHERE action = 'login' AND outcome = 'failure' GROUP BY 1 ORDER BY n DESC LIMIT 20" },
  { title: { zh: '最近用 sudo 做的事', en: 'what was done with sudo lately' }, sql: "SELECT at, user, process_cmdline FROM events WHERE service = 'sudo' ORDER BY time DESC LIMIT 50" },
  { title: { zh: '最近一天的新告警，按规则', en: 'alerts of the last day by rule' }, sql: "SELECT rule_id, level, count(*) AS alerts FROM alerts WHERE time > (unixepoch() - 86400) * 1000 GROUP BY 1, 2 ORDER BY 3 DESC" },
];

export class HuntView {
  private readonly dataFolder: string;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(dataFolder: string) { this.dataFolder = dataFolder; }

  schema(): object {
    return {
      views: huntViews.map((name) => ({ name, title: titles[name] ?? { zh: name, en: name }, columns: viewColumns(name) })),
      limits: { rows: rowsMost, seconds: secondsMost, bytes: bytesMost }, examples,
    };
  }

  /** Throws MoatError 'bad-input' for wrong SQL, 'refused', 'too-long'. */
  async run(argument: unknown): Promise<object> {
    const { sql, rows = 1000, seconds = 10 } = argument as { sql: string; rows?: number; seconds?: number };
    const began = performance.now();
    return await this.turn(async () => {
      try {
        const { columns, rows: found, cut } = await querySqlite(this.dataFolder, sql, { maxRows: Math.min(rowsMost, rows), timeoutMs: Math.min(secondsMost, seconds) * 1000, maxBytes: bytesMost, maxMemory: memoryMost, views: huntViews });
        return { columns, rows: found, ...(cut && { cut }), ms: Math.round(performance.now() - began) };
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        throw new MoatError(error.code === 'query' ? 'bad-input' : error.code === 'timeout' ? 'too-long' : error.code === 'refused' ? 'refused' : 'unavailable', error.message, { hint: error.hint, cause: error });
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
