import { InvalidArgumentError, type Command } from 'commander';
import type { Listeners } from '../../api/contract/host.ts';
import type { Finding } from '../../api/contract/scans.ts';
import type { AllowEntry } from '../../api/contract/response.ts';
import { type Level, levels } from '../../core/level.ts';
import { askMoat } from '../ask.ts';
import { colour } from '../colour.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { operator } from '../receipt-text.ts';
import { clock, jsonLine, levelWord, safe } from '../terminal.ts';

interface Common { why?: string; json?: boolean }
interface FindingOptions { level?: Level; check?: string; gone?: boolean; limit: number; json?: boolean }

/** What the running Moat knows and keeps, beside alerts and incidents: allow, listeners, findings. */
export function addLook(cli: Cli): void {
  addAllow(cli);
  addListeners(cli);
  addFindings(cli);
}

function addAllow({ program, t }: Cli): void {
  const json = [t('每行一个 JSON 对象', 'one JSON object a line')] as const;
  const common = (command: Command): Command => command.option('--why <text>', t('原因，记入审计', 'the reason, for the audit log')).option('--json', ...json);
  const show = async (entries: readonly AllowEntry[], isJson: boolean | undefined): Promise<void> => {
    const out = new Output();
    for (const one of entries) {
      if (isJson) { out.line(jsonLine({ ...one, ...(one.created !== undefined && { created: new Date(one.created).toISOString() }) })); continue; }
      out.line(`${colour.green('✓')} ${safe(one.network)}  ${colour.dim(`${one.from === 'configuration' ? t('配置文件', 'configuration file') : safe(one.by ?? '')}${one.why === undefined || one.why === '' ? '' : `: ${safe(one.why)}`}`)}`);
    }
    await out.end();
    if (entries.length === 0 && !isJson) console.log(t('允许名单是空的', 'the allow list is empty'));
  };
  const group = program.command('allow').description(t('允许名单：永不封禁的地址与网段', 'the allow list: addresses and networks that are never blocked'));
  group.command('list', { isDefault: true }).description(t('列出', 'list it')).option('--json', ...json)
    .action(async ({ json: isJson }: Common) => show(await askMoat(program, 'allow-list') as AllowEntry[], isJson));
  common(group.command('add <network>').description(t('加入', 'add an address or network')))
    .action(async (network: string, { why, json: isJson }: Common) => show(await askMoat(program, 'allow-add', { network, by: operator(), why: why ?? '' }) as AllowEntry[], isJson));
  common(group.command('remove <network>').description(t('去掉（写在配置文件里的，在文件中改）', 'take one away; what stands in the configuration file is changed there')))
    .action(async (network: string, { why, json: isJson }: Common) => show(await askMoat(program, 'allow-remove', { network, by: operator(), why: why ?? '' }) as AllowEntry[], isJson));
}

function addListeners({ program, lang, t }: Cli): void {
  program.command('listeners').description(t('监听的端口、哪个程序、谁能到达', 'what listens, which program, and who gets there')).option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async ({ json }: Common) => {
      const { items, why } = await askMoat(program, 'host-listeners') as Listeners;
      const reach = { any: t('所有人', 'everybody'), some: t('部分来源', 'some'), channel: t('管理通道', 'the management channel'), nobody: t('只有本机', 'this machine') };
      const out = new Output();
      for (const one of items) out.line(json ? jsonLine(one) : `${one.port}/${one.protocol}  ${safe(one.address)}  ${safe(one.program ?? '?')}  ${reach[one.for]}${one.from.length === 0 ? '' : colour.dim(`  ${safe(one.from.join(', '))}`)}`);
      await out.end();
      if (why !== undefined) console.error(colour.yellow(safe(why[lang])));
    });
}

function addFindings({ program, lang, t }: Cli): void {
  program.command('findings').description(t('定时检查与 moat scan 至今的发现；现在检查：moat scan', 'what scans found and still stands; to scan now: moat scan'))
    .option('--level <level>', `${t('至少这一级', 'at least this level')}: ${levels.join(', ')}`, (text) => { const found = levels.find((one) => one === text); if (!found) throw new InvalidArgumentError(`expected one of ${levels.join(', ')}`); return found; })
    .option('--check <id>', t('只看这项检查', 'only of this check')).option('--gone', t('看已消失的', 'those that are gone'))
    .option('--limit <n>', t('最多多少条', 'at most so many'), Number, 200).option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async ({ level, check, gone, limit, json }: FindingOptions) => {
      const found = await askMoat(program, 'findings', { limit, gone: gone === true, ...(level && { level }), ...(check !== undefined && { check }) }) as Finding[];
      const out = new Output();
      for (const one of found) out.line(json ? jsonLine({ ...one, first: new Date(one.first).toISOString(), last: new Date(one.last).toISOString() }) : `${levelWord(one.level, lang)} ${safe(one.title[lang])}${one.path === undefined ? '' : `  ${safe(one.path)}`}  ${colour.dim(`${safe(one.check)}  ${clock(one.first)}`)}`);
      await out.end();
      if (found.length === 0 && !json) console.log(t('没有发现', 'nothing was found'));
    });
}
