/** Commands of history files, each with its line and, where the shell keeps it, its time. */

export type HistoryKind = 'shell' | 'mysql' | 'psql' | 'redis' | 'python';

export interface Command { line: number; text: string; /** Unix ms. */ time: number | undefined }

const lineMax = 4096;

/** bash (`#time` before), zsh (`: time:0;command`), fish (`- cmd:` and `when:`), and editline's escapes of MySQL and psql. */
export function commandsIn(text: string): Command[] {
  const out: Command[] = [];
  let time: number | undefined;
  const lines = text.split('\n');
  const fish = text.startsWith('- cmd: ');
  const escaped = text.startsWith('_HiStOrY_V2_');
  for (const [i, raw] of lines.entries()) {
    const line = raw.length > lineMax ? raw.slice(0, lineMax) : raw;
    if (fish) {
      const when = /^ {2}when: (\d{9,11})$/.exec(line);
      if (when && out.length > 0) out.at(-1)!.time = Number(when[1]) * 1000;
      else if (line.startsWith('- cmd: ')) out.push({ line: i + 1, text: line.slice(7), time: undefined });
      continue;
    }
    const stamp = /^#(\d{9,11})$/.exec(line);
    if (stamp) { time = Number(stamp[1]) * 1000; continue; }
    const zsh = /^: (\d{9,11}):\d+;/.exec(line);
    const bare = (zsh ? line.slice(zsh[0].length) : escaped ? line.replaceAll(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) : line).trim();
    if (bare !== '' && !bare.startsWith('#')) out.push({ line: i + 1, text: bare, time: zsh ? Number(zsh[1]) * 1000 : time });
    time = undefined;
  }
  return out;
}

export interface Suspect { level: 'high' | 'critical'; zh: string; en: string; attack: string }

/** What is typed into databases to get out of them; each pattern is linear. */
const databases: Readonly<Record<'mysql' | 'psql' | 'redis', readonly (readonly [RegExp, Suspect])[]>> = {
  mysql: [
    [/\binto\s{1,20}dumpfile\b/i, { level: 'critical', zh: '让 MySQL 写出二进制文件', en: 'MySQL writes a binary file', attack: 'T1505' }],
    [/\binto\s{1,20}outfile\b[^;]{0,200}\.(?:php|jsp|asp|so|sh)\b/i, { level: 'critical', zh: '让 MySQL 写出程序', en: 'MySQL writes a program', attack: 'T1505.003' }],
    [/\bsoname\b/i, { level: 'high', zh: '给 MySQL 装上外来函数库', en: 'a foreign library becomes functions of MySQL', attack: 'T1505' }],
    [/\bsys_(?:exec|eval)\s{0,10}\(/i, { level: 'critical', zh: '由 MySQL 运行系统命令', en: 'MySQL runs a command', attack: 'T1059' }],
    [/\bload_file\s{0,10}\(\s{0,10}['"]\/(?:etc|root)\//i, { level: 'high', zh: '让 MySQL 读系统文件', en: 'MySQL reads files of the system', attack: 'T1005' }],
  ],
  psql: [
    [/\b(?:from|to)\s{1,20}program\b/i, { level: 'critical', zh: '由 PostgreSQL 运行系统命令', en: 'PostgreSQL runs a command', attack: 'T1059' }],
    [/\blo_export\s{0,10}\(/i, { level: 'high', zh: '让 PostgreSQL 写出文件', en: 'PostgreSQL writes a file', attack: 'T1505' }],
    [/\blanguage\s{1,20}['"]?c['"]?\b[^;]{0,200}(?:strict|;|$)|\bas\s{1,20}'\/(?:tmp|dev\/shm|var\/tmp)\//i, { level: 'high', zh: '给 PostgreSQL 装上外来函数库', en: 'a foreign library becomes functions of PostgreSQL', attack: 'T1505' }],
  ],
  redis: [
    [/\bconfig\s{1,20}set\s{1,20}dir\s{1,20}\S{0,200}(?:\.ssh|cron|init\.d|\/html|\/www|\/etc)/i, { level: 'critical', zh: '让 Redis 写进 SSH、cron 或网站目录', en: 'Redis writes into SSH, cron or web folders', attack: 'T1098.004' }],
    [/\bconfig\s{1,20}set\s{1,20}dbfilename\s{1,20}\S{0,100}(?:authorized_keys|root|\.php|\.so|\.jsp)/i, { level: 'critical', zh: '让 Redis 写出公钥、任务或程序', en: 'Redis writes keys, jobs or programs', attack: 'T1098.004' }],
    [/\bmodule\s{1,20}load\s{1,20}\/(?:tmp|dev\/shm|var\/tmp)\//i, { level: 'critical', zh: '给 Redis 装上外来模块', en: 'a foreign module is loaded into Redis', attack: 'T1505' }],
    [/\b(?:slaveof|replicaof)\s{1,20}\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/i, { level: 'high', zh: '让 Redis 听另一台机器的', en: 'Redis obeys another machine', attack: 'T1505' }],
  ],
};

export function databaseSuspect(kind: 'mysql' | 'psql' | 'redis', text: string): Suspect | undefined {
  return databases[kind].find(([pattern]) => pattern.test(text))?.[1];
}
