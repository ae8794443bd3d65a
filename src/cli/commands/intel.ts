import Table from 'cli-table3';
import { askMoat, targetOf } from '../ask.ts';
import { type Checked, checkOf, readLists, type ListState } from '../../agent/intelligence.ts';
import { colour } from '../colour.ts';
import { configOf, dataFolder } from '../globals.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { clock, levelWord, safe } from '../terminal.ts';

export function addIntel({ program, lang, t }: Cli): void {
  const intel = program.command('intel').description(t('情报列表：状态与查询', 'intelligence lists: their state, and what stands on them'));

  intel.command('list', { isDefault: true })
    .description(t('正在使用的列表：条目数、更新时间、出错原因', 'the lists in use: entries, when they were updated, what is wrong'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (options: { json?: boolean }) => {
      const states = (await askMoat(program, 'intelligence')) as ListState[];
      const out = new Output();
      if (options.json) for (const state of states) out.line(JSON.stringify(state));
      else {
        const head = [t('名称', 'name'), t('用途', 'known for'), t('级别', 'level'), t('地址', 'addresses'), t('域名', 'domains'), t('哈希', 'hashes'), t('钱包', 'wallets'), t('内存', 'memory'), t('更新于', 'updated'), t('来源', 'from')];
        const table = new Table({ head, style: { head: [], border: [] } });
        for (const { name, what, level, entries, bytes, updated, source } of states) {
          table.push([safe(name), safe(what ?? ''), levelWord(level, lang), entries.address, entries.domain, entries.hash, entries.wallet, `${Math.ceil(bytes / 1024)} KiB`, updated === undefined ? '' : clock(updated), safe(source).slice(0, 80)]);
        }
        out.line(table.toString());
        for (const { name, fault, refused } of states) {
          if (fault !== undefined) out.line(`${colour.red('✕')} ${safe(`${name}: ${fault}`)}`);
          for (const [why, n] of Object.entries(refused)) out.line(colour.dim(`  ${safe(name)}: ${n} ${lang === 'zh' ? reasons[why] ?? why : why}`));
        }
      }
      await out.end();
    });

  intel.command('check <value...>')
    .description(t('查某个地址、域名、网址、哈希或钱包是否在配置的列表上（不需要 Moat 在运行，也不联网）', 'whether an address, domain, URL, hash or wallet stands on a configured list; needs no running Moat and no network'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .addHelpText('after', t('\n退出码：0 不在任何列表上，1 在列表上，2 有列表读不了而其余列表上没有', '\nExit code: 0 on no list, 1 on a list, 2 when a list could not be read and no other has it'))
    .action(async (values: string[], options: { json?: boolean }) => {
      const check = await checker();
      const blind = new Map<string, string>();
      const out = new Output();
      let listed = 0;
      for (const value of values) {
        const { found, unread, faults = {} } = await check(value);
        for (const name of unread) blind.set(name, faults[name] ?? '');
        if (found) listed++;
        if (options.json) out.line(JSON.stringify({ asked: value, listed: found !== undefined, ...found, ...(unread.length > 0 && { unread }) }));
        else out.line(found ? `${levelWord(found.level, lang)}  ${safe(value)}  ${t('在列表', 'is on list')} ${safe(`${found.list}: ${found.value} (${found.what})`)}${found.expires === undefined ? '' : t(`，${clock(found.expires)} 到期`, `, until ${clock(found.expires)}`)}` : `${safe(value)}  ${t('不在列表上', 'is on no list')}`);
      }
      await out.end();
      for (const [name, fault] of blind) console.error(`${colour.yellow('!')} ${safe(`${name}: ${fault}`)}`);
      process.exitCode = listed > 0 ? 1 : blind.size > 0 ? 2 : 0;
    });

  /** By the lists that are configured here, or by those of the server. */
  async function checker(): Promise<(value: string) => Promise<Checked & { faults?: Record<string, string | undefined> }>> {
    if (await targetOf(program) !== undefined) return async (value) => (await askMoat(program, 'intelligence-check', value)) as Checked;
    const { intelligence, states } = await readLists((await configOf(program)).intelligence, dataFolder(program));
    const faults = Object.fromEntries(states.map(({ name, fault }) => [name, fault]));
    return async (value) => ({ ...checkOf(intelligence, states, value), faults });
  }
}

const reasons: Readonly<Record<string, string>> = {
  'not understood': '条看不懂', 'too broad': '条范围过大', 'private or local network': '条是内网或本机网段', expired: '条已过期', 'not for detection': '条标明不用于检测',
  'page on a shared host': '条是公共托管站上的页面', 'beyond the limit': '条超出上限', 'too large': '条过长',
};
