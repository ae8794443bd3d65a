/** Tells what is followed and what cannot be, each once, and never about more than a bounded number of names. */
import type { SensorContext } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';

export type Skip = 'directory' | 'special-file' | 'symlink-loop' | 'compressed' | 'unknown-format' | 'second-name' | 'copy';

const skipText: Record<Skip, Text | undefined> = {
  'directory': { zh: '名称匹配但它是目录，不是日志文件', en: 'matches a pattern but is a folder, not a log file' },
  'special-file': { zh: '名称匹配但它是管道、套接字或设备，不会读取', en: 'matches a pattern but is a pipe, socket or device: it is not read' },
  'symlink-loop': { zh: '符号链接成环，无法打开', en: 'is a loop of symbolic links and cannot be opened' },
  'unknown-format': { zh: '没有任何日志格式认得它的内容；文件明显变大后会再试', en: 'no log format knows its lines; tried again when it has grown' },
  // These take nothing from view: the same lines are read elsewhere, or were.
  'compressed': undefined,
  'second-name': undefined,
  'copy': undefined,
};
const maxParts = 100;
const maxNames = 10_000;

export class Reporter {
  readonly #context: SensorContext;
  readonly #said = new Map<string, string>();
  readonly #parts = new Set<string>();
  #folders = new Set<string>();
  #summary = '';
  #overLimit = 0;

  constructor(context: SensorContext) { this.#context = context; }

  skipped(path: string, why: Skip): void {
    if (!this.#news(path, why)) return;
    this.#context.count(`skipped-${why}`);
    this.#context.log.debug(`${path}: ${why}`);
    const text = skipText[why];
    if (text) this.#blind(path, text); else this.#live(path);
  }

  blind(path: string, code: string): void {
    if (!this.#news(path, code)) return;
    this.#context.count('unreadable');
    this.#blind(path, code === 'EACCES' || code === 'EPERM'
      ? { zh: '没有读取权限；请以 root 运行，或把运行账号加入 adm 组', en: 'no permission to read it; run as root or put the account into the group adm' }
      : { zh: `读取失败（${code}），会继续重试`, en: `cannot be read (${code}); tried again and again` });
  }

  /** It is readable, or gone: whatever was said is over. */
  seen(path: string): void {
    if (this.#said.delete(path)) this.#live(path);
  }

  unreadableFolders(now: ReadonlyMap<string, string>): void {
    for (const folder of this.#folders) if (!now.has(folder)) this.seen(folder);
    for (const [folder, code] of now) this.blind(folder, code);
    this.#folders = new Set(now.keys());
  }

  watches(failed: ReadonlyMap<string, string>): void {
    if (failed.size === 0) { this.seen('inotify'); return; }
    const [why] = failed.values();
    if (!this.#news('inotify', `${failed.size} ${why}`)) return;
    this.#blind('inotify', {
      zh: `${failed.size} 个目录无法监视（${why}），其中的日志只能每隔数秒检查一次；可调大 fs.inotify.max_user_watches`,
      en: `${failed.size} folders cannot be watched (${why}); their logs are only looked at every few seconds; raise fs.inotify.max_user_watches`,
    });
  }

  overLimit(): void { this.#overLimit++; }

  summary(logs: number, truncated: boolean): void {
    if (this.#overLimit > 0 || truncated) {
      if (this.#news('limit', String(this.#overLimit))) {
        this.#context.count('logs-over-limit', this.#overLimit);
        this.#blind('limit', { zh: `日志文件过多，有 ${this.#overLimit} 个以上没有跟踪；请缩小匹配范围`, en: `too many log files: at least ${this.#overLimit} are not followed; make the patterns narrower` });
      }
    } else this.seen('limit');
    this.#overLimit = 0;
    const text = String(logs);
    if (text === this.#summary) return;
    this.#summary = text;
    this.#context.health('files', logs > 0 ? 'live' : 'waiting', logs > 0
      ? { zh: `正在跟踪 ${logs} 个日志文件`, en: `following ${logs} log files` }
      : { zh: '还没有找到日志文件', en: 'no log file found yet' });
  }

  #news(path: string, why: string): boolean {
    if (this.#said.get(path) === why) return false;
    if (this.#said.size >= maxNames) {
      const [oldest] = this.#said.keys();
      if (oldest !== undefined) this.#said.delete(oldest);
    }
    this.#said.set(path, why);
    return true;
  }

  #blind(part: string, text: Text): void {
    if (!this.#parts.has(part) && this.#parts.size >= maxParts) return;
    this.#parts.add(part);
    this.#context.health(part, 'blind', text);
  }

  #live(part: string): void {
    if (this.#parts.delete(part)) this.#context.health(part, 'live');
  }
}
