/**
 * Writes what schema/event.yml says as TypeScript and as the users' field reference, what schema/kernel.yml says as
 * C and as TypeScript, the techniques that behaviours and checks tell of, and the guide's pages of settings, logs, behaviours, checks and tables for hunting from the code that knows them.
 * `npm run gen` writes; `npm run gen -- --check` exits 1 when a generated file is stale.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { sampleConfig } from '../src/agent/config-sample.ts';
import { behaviours } from '../src/behaviours/catalogue.ts';
import { checks } from '../src/checks/catalogue.ts';
import { formats } from '../src/formats/catalogue.ts';
import { programs } from '../src/programs/catalogue.ts';
import { liveTables } from '../src/hunt/catalogue.ts';
import { storedTables } from '../src/hunt/stored.ts';
import { type Where, where } from '../src/cli/remote/where.ts';
import { kernelHeader, kernelReader } from './kernel-records.ts';

interface FieldSpec { type: 'string' | 'number' | 'string[]' | 'number[]' | 'record'; ecs?: string; zh: string; en: string; sigma?: Record<string, string[]> }
interface LogsourceSpec { product?: string; category?: string; service?: string }
interface KindSpec extends LogsourceSpec { also?: LogsourceSpec[]; stored?: boolean }
interface Schema { fields: Record<string, FieldSpec>; kinds: Record<string, KindSpec> }

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const schema = parse(readFileSync(join(root, 'schema/event.yml'), 'utf8')) as Schema;
const head = '// Generated from schema/event.yml by `npm run gen`. Do not edit.\n';
const tsType: Record<FieldSpec['type'], string> = {
  string: 'string', number: 'number', 'string[]': 'string[]', 'number[]': 'number[]', record: 'Record<string, unknown>',
};
const always = new Set(['id', 'time', 'kind']);

function eventSource(): string {
  const fields = Object.entries(schema.fields);
  const kinds = Object.keys(schema.kinds);
  const declare = fields.map(([name, f]) =>
    `  /** ${f.en}${f.ecs ? ` (ECS ${f.ecs})` : ''} */\n  declare ${name}: ${name === 'kind' ? 'Kind' : tsType[f.type]}${always.has(name) ? '' : ' | undefined'};`);
  const assign = fields.map(([name]) => `    this.${name} = ${always.has(name) ? name : 'undefined'};`);
  const full = (k: KindSpec): LogsourceSpec[] => {
    const { also = [], stored: _stored, ...own } = k;
    // A kind's alternatives keep its product unless they name their own.
    return [own, ...also.map((a) => ({ ...(own.product ? { product: own.product } : {}), ...a }))];
  };
  return `${head}
export type Kind = ${kinds.map((k) => `'${k}'`).join(' | ')};

/** One normalised observation. All instances share one hidden class. */
export class Event {
${declare.join('\n')}

  constructor(id: string, time: number, kind: Kind) {
${assign.join('\n')}
  }
}

/** Writes every field of an event to \`to\`, in schema order: a tenth of what it takes to read them by name one after the other. */
export function readFields(event: Event, to: unknown[]): void {
${fields.map(([name], n) => `  to[${n}] = event.${name};`).join('\n')}
}

export type FieldName = Exclude<keyof Event, 'extra'>;

/** Every field in schema order. */
export const eventFields: readonly (keyof Event)[] = [${fields.map(([n]) => `'${n}'`).join(', ')}];

export const fieldTypes: Readonly<Record<keyof Event, 'string' | 'number' | 'string[]' | 'number[]' | 'record'>> = {
${fields.map(([n, f]) => `  ${n}: '${f.type}',`).join('\n')}
};

export interface Logsource { product?: string; category?: string; service?: string }

/** The Sigma log sources that each kind satisfies, its own first. */
export const kindLogsources: Readonly<Record<Kind, readonly Logsource[]>> = {
${Object.entries(schema.kinds).map(([k, v]) => `  ${k}: ${JSON.stringify(full(v))},`).join('\n')}
};

/** Kinds that are judged but not kept in the event history. */
export const unstoredKinds: ReadonlySet<Kind> = new Set<Kind>([${Object.entries(schema.kinds).filter(([, v]) => v.stored === false).map(([k]) => `'${k}'`).join(', ')}]);
`;
}

function eventTexts(): string {
  return `${head}
import type { Text } from '../../core/text.ts';

/** What each field of an event means. */
export const eventTexts: Readonly<Record<string, Text>> = {
${Object.entries(schema.fields).map(([name, { zh, en }]) => `  ${name}: ${JSON.stringify({ zh, en })},`).join('\n')}
};
`;
}

function huntPage(): string {
  const rows = (columns: readonly { name: string; type: string; text: { zh: string; en: string } }[]): string => columns.map(({ name, type, text }) => `| \`${name}\` | ${type} | ${cell(text.en)} | ${cell(text.zh)} |`).join('\n');
  const table = (columns: Parameters<typeof rows>[0]): string => `| column 列 | type 类型 | meaning | 含义 |\n|---|---|---|---|\n${rows(columns)}`;
  return `${generated('src/hunt')}# Tables for hunting 可查询的表

What \`moat query\` (or \`moat hunt\`), the page Hunt and \`POST /api/v1/hunt\` can ask; \`moat query --tables\` tells the same. How they are asked: [hunt.md](hunt.md). \`moat query\`（即 \`moat hunt\`）、猎捕页与 API 能查的表；用法见 [hunt.md](hunt.md)。

# Live state 实时状态

Looked at when a question names the table, at that moment. 查询提到某张表时才去看，看到的是那一刻的样子。

${liveTables.map(({ name, title, blind, columns }) => `## ${name}

${title.en} · ${title.zh}

Not in it 不包含: ${blind.en} · ${blind.zh}

${table(Object.entries(columns).map(([column, rest]) => ({ name: column, ...rest })))}
`).join('\n')}
# Stored 已存储

${storedTables.map(({ name, title, columns }) => `## ${name}

${title.en} · ${title.zh}

${name === 'events' ? 'The fields of [event-fields.md](event-fields.md), and `at`: the time as UTC text. 字段见 [event-fields.md](event-fields.md)，另有 `at`：UTC 时间文本。' : table(columns)}
`).join('\n')}`;
}

function sigmaSource(): string {
  const seen = new Map<string, string>();
  for (const [name, f] of Object.entries(schema.fields)) {
    for (const names of Object.values(f.sigma ?? {})) {
      for (const sigma of names) {
        const twin = seen.get(sigma) ?? (sigma in schema.fields && sigma !== name ? sigma : undefined);
        if (twin && twin !== name) throw new Error(`schema/event.yml: Sigma name ${sigma} is given to both ${twin} and ${name}`);
        seen.set(sigma, name);
      }
    }
  }
  return `${head}
import type { FieldName } from './event.ts';

/** Sigma taxonomy name → event field. A name that is not here stands in \`extra\` under itself. */
export const sigmaFields: Readonly<Record<string, FieldName>> = {
${[...seen].map(([s, n]) => `  ${JSON.stringify(s)}: '${n}',`).join('\n')}
};
`;
}

function reference(): string {
  const sigma = (f: FieldSpec) => Object.entries(f.sigma ?? {}).map(([k, v]) => `${v.join(', ')} (${k})`).join('; ');
  const rows = Object.entries(schema.fields).map(([n, f]) => `| \`${n}\` | ${f.type} | ${f.en} | ${f.zh} | ${f.ecs ?? ''} | ${sigma(f)} |`);
  const kinds = Object.entries(schema.kinds).map(([k, v]) => {
    const text = (l: LogsourceSpec) => ['product', 'category', 'service'].flatMap((p) => { const x = l[p as keyof LogsourceSpec]; return x ? [`${p}: ${x}`] : []; }).join(', ');
    return `| \`${k}\` | ${text(v)} | ${(v.also ?? []).map(text).join('; ')} | ${v.stored === false ? 'no 否' : 'yes 是'} |`;
  });
  return `<!-- Generated from schema/event.yml by \`npm run gen\`. Do not edit. -->
# Event fields 事件字段

The names below are the same in rules, \`moat query\`, \`moat replay --events\` and the store.
以下字段名在规则、\`moat query\`、\`moat replay --events\` 与存储中一致。

| field | type | meaning | 含义 | ECS | Sigma |
|---|---|---|---|---|---|
${rows.join('\n')}

## Kinds 来源种类

| kind | Sigma logsource | also satisfies | kept in history 入库 |
|---|---|---|---|
${kinds.join('\n')}
`;
}

const generated = (from: string): string => `<!-- Generated from ${from} by \`npm run gen\`. Do not edit. -->\n`;

function configuration(): string {
  return `${generated('src/agent/config-schema.ts')}# Configuration 配置

One YAML file: \`/etc/moat/moat.yml\` for root, \`~/.config/moat/moat.yml\` for others, or \`--config FILE\` or \`MOAT_CONFIG\` in the environment. Every key may be left out. It is checked at the start, a fault is named with its line, and a saved change takes effect by itself; a change with a fault is reported and the old settings stay. \`moat config check\` looks without starting.
一个 YAML 文件：root 为 \`/etc/moat/moat.yml\`，其他用户为 \`~/.config/moat/moat.yml\`，或用 \`--config\`、环境变量 \`MOAT_CONFIG\` 指定。所有键都可省略；启动时检查并指出出错的行；保存后自动生效，改错时报告并沿用旧配置。\`moat config check\` 只检查不启动。

\`\`\`yaml
${sampleConfig('en')}\`\`\`

\`\`\`yaml
${sampleConfig('zh')}\`\`\`
`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

function logs(): string {
  return `${generated('src/formats and src/programs')}# What is read 读哪些日志

The journal first where systemd-journald runs; the files below as well, apart from those that repeat it. \`moat replay --format NAME\` takes the ids and aliases. 有 systemd-journald 时优先读 journal，并跟踪下列文件（与 journal 重复的除外）。

## Log files 日志文件

| id | what | 内容 | usual places 常见位置 |
|---|---|---|---|
${formats.map((f) => `| \`${f.id}\`${f.aliases?.length ? ` (${f.aliases.join(', ')})` : ''} | ${cell(f.title.en)} | ${cell(f.title.zh)} | ${f.paths.map((path) => `\`${path}\``).join(' ')} |`).join('\n')}

## Programs, through syslog and the journal 经 syslog 与 journal 的程序

| id | what | 内容 | tags 标签 |
|---|---|---|---|
${programs.map((p) => `| \`${p.id}\` | ${cell(p.title.en)} | ${cell(p.title.zh)} | ${p.tags.map((tag) => `\`${tag}\``).join(' ')} |`).join('\n')}
`;
}

function behaviourPage(): string {
  return `${generated('src/behaviours')}# Behaviours 行为检测

Detectors over time that a rule cannot say. Each key can be set under \`behaviours.<id>\` in the configuration; \`false\` switches one off. 规则无法表达的、随时间判断的检测；阈值写在配置的 \`behaviours.<id>\` 下，写 \`false\` 停用。

${behaviours.map((b) => `## ${b.id}

${b.title.en} · ${b.title.zh}

${b.means.en}. ${b.means.zh}。

What to do 怎么办: ${b.advice.en} ${b.advice.zh}

Cannot see 看不见: ${b.blind.en} ${b.blind.zh}

| setting 设置 | default 默认 | meaning | 含义 |
|---|---|---|---|
${Object.entries(b.settings).map(([name, setting]) => `| \`${name}\` | ${cell(JSON.stringify(setting.default))} | ${cell(setting.text.en)} | ${cell(setting.text.zh)} |`).join('\n')}
`).join('\n')}`;
}

function checksPage(): string {
  const groups = [...new Set(checks.map(({ group }) => group))].sort();
  const every = (minutes: number): string => (minutes === 0 ? '–' : minutes % 1440 === 0 ? `${minutes / 1440} d` : minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`);
  return `${generated('src/checks')}# Checks 检查项

What [\`moat scan\`](scan.md) looks at. \`--only\` and \`--skip\` take ids and groups. \`machine\` needs the running machine; \`tree\` works on a mounted disk or image as well. The period is how often \`moat up\` runs it by itself. \`moat scan\` 查什么；\`--only\`、\`--skip\` 可写编号或组名。\`machine\` 只能查正在运行的本机，\`tree\` 也能查挂载的磁盘或镜像；周期是 \`moat up\` 自动检查的间隔。

References in findings: \`attack:\` is a technique of MITRE ATT&CK; \`cis:\` a recommendation of the CIS Debian Linux 12 Benchmark v1.1.0 (numbers of other versions and of Ubuntu differ); \`dengbao:8.1.4.N\` a clause of GB/T 22239-2019 for level 3. \`cis:\` stands only where the benchmark asks for that very thing. 发现里的编号：\`attack:\` 是 MITRE ATT&CK 技术；\`cis:\` 是 CIS Debian Linux 12 Benchmark v1.1.0 的条目（其他版本和 Ubuntu 的编号不同），只在基准要求的正是这件事时才写；\`dengbao:8.1.4.N\` 是 GB/T 22239-2019 第三级的条款。

${groups.map((group) => `## ${group}

| id | what | 内容 | scope | period 周期 | cannot see | 看不见的 |
|---|---|---|---|---|---|---|
${checks.filter((check) => check.group === group).map((c) => `| \`${c.id}\` | ${cell(c.title.en)} | ${cell(c.title.zh)} | ${c.scope} | ${every(c.everyMinutes)} | ${cell(c.blind.en)} | ${cell(c.blind.zh)} |`).join('\n')}
`).join('\n')}`;
}

/** Techniques of ATT&CK that the code of a plug-in names: what it can tell of, whether it ever did or not. */
function coverage(): string {
  const named = (room: string, id: string): string[] => {
    const folder = join(root, 'src', room, id);
    const code = readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts')).map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
    return [...new Set(code.match(/\bT1\d{3}(?:\.\d{3})?\b/g))].sort();
  };
  const rows = [...behaviours.map(({ id }) => ['behaviour', id, named('behaviours', id)] as const), ...checks.map(({ id }) => ['check', id, named('checks', id)] as const)];
  return `// Generated from src/behaviours and src/checks by \`npm run gen\`. Do not edit.

/** Techniques of ATT&CK that a behaviour or check can tell of, by the \`rule_id\` of its alerts. */
export const coverage: Readonly<Record<string, readonly string[]>> = {
${rows.map(([kind, id, techniques]) => `  '${kind}.${id}': [${techniques.map((one) => `'${one}'`).join(', ')}],`).join('\n')}
};
`;
}

function remotePage(): string {
  const cell = (one: Where, lang: 'zh' | 'en'): string => {
    switch (one.is) {
      case 'far': return (lang === 'zh' ? '可以' : 'yes') + (one.note ? (lang === 'zh' ? `：${one.note.zh}` : `: ${one.note.en}`) : '');
      case 'both': return lang === 'zh' ? '可以；文件在这里的，在这里做' : 'yes; of a file of this machine it is done here';
      case 'here': return lang === 'zh' ? `只对本机：${one.why.zh}` : `this machine alone: ${one.why.en}`;
      case 'there': return lang === 'zh' ? `只在那台机器上：${one.why.zh}` : `on that machine alone: ${one.why.en}`;
    }
  };
  const rows = Object.entries(where).map(([words, one]) => `| \`${words}\` | ${cell(one, 'zh')} | ${cell(one, 'en')} | ${'since' in one ? one.since : ''} |`);
  return `# Commands from another machine 哪些命令可远程使用

<!-- Generated by \`npm run gen\` from src/cli/remote/where.ts. Do not edit. -->

\`moat --remote NAME …\` ([how 用法](server.md#from-another-machine-远程命令行)). The last column is the revision of the contract from which on a server knows it; \`moat remote check NAME\` says what that of a server is. 最后一列为服务端需要的接口修订号；\`moat remote check 名称\` 查看。

| command 命令 | 远程 | from afar | since |
|---|---|---|---|
${rows.join('\n')}
`;
}

const outputs: Record<string, string> = {
  'src/core/gen/event.ts': eventSource(),
  'src/core/gen/sigma-fields.ts': sigmaSource(),
  'src/agent/gen/coverage.ts': coverage(),
  'src/hunt/gen/event-texts.ts': eventTexts(),
  'docs/guide/event-fields.md': reference(),
  'docs/guide/configuration.md': configuration(),
  'docs/guide/logs.md': logs(),
  'docs/guide/behaviours.md': behaviourPage(),
  'docs/guide/checks.md': checksPage(),
  'docs/guide/hunt-tables.md': huntPage(),
  'docs/guide/remote-commands.md': remotePage(),
  'sensor/gen/records.h': kernelHeader(join(root, 'schema/kernel.yml')),
  'src/sensors/ebpf/gen/records.ts': kernelReader(join(root, 'schema/kernel.yml')),
};
const check = process.argv.includes('--check');
let stale = 0;
for (const [path, text] of Object.entries(outputs)) {
  const file = join(root, path);
  if (check) {
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) { console.error(`stale: ${path}; run \`npm run gen\``); stale++; }
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
process.exit(stale ? 1 : 0);
