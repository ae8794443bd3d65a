import { hostname } from 'node:os';
import type { Command } from 'commander';
import { channelsNamed, deliver, notifierOf, testNotice } from '../../agent/notices.ts';
import type { ChannelConfig } from '../../agent/config-schema.ts';
import type { Outcome } from '../../core/notice.ts';
import type { Store } from '../../core/ports.ts';
import { StoreError } from '../../stores/error.ts';
import { openSqliteStore } from '../../stores/sqlite/store.ts';
import type { NoticeChannel, NoticeTested } from '../../api/contract/response.ts';
import { MoatError } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import { askMoat, remoteOf } from '../ask.ts';
import { colour } from '../colour.ts';
import { configOf, dataFolder } from '../globals.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

const testMs = 45_000;

export function addNotify({ program, lang, t }: Cli): void {
  const notify = program.command('notify').description(t('通知渠道：列出与测试', 'channels for notices: list and test them'));

  notify.command('list', { isDefault: true })
    .description(t('各渠道的排队、已发、丢弃与上次错误', 'what waits, was sent, was dropped, and the last error, for each channel'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (options: { json?: boolean }) => {
      const rows = await rowsOf(program);
      const out = new Output();
      for (const { title, ...row } of rows) {
        if (options.json) { out.line(jsonLine({ ...row, last_sent: iso(row.last_sent), last_error: row.last_error && { ...row.last_error, time: iso(row.last_error.time), what: row.last_error.what[lang] } })); continue; }
        const mark = !row.enabled ? colour.dim('–') : row.trying ? colour.red('✕') : colour.green('●');
        out.line(`${mark} ${safe(row.channel)}  ${colour.dim(`${title[lang]}${row.enabled ? '' : t('，已停用', ', switched off')}`)}`);
        out.line(`    ${t(`排队 ${row.waiting} · 已发 ${row.sent} · 丢弃 ${row.dropped} · 被拒 ${row.refused}`, `waiting ${row.waiting} · sent ${row.sent} · dropped ${row.dropped} · refused ${row.refused}`)}${row.last_sent === undefined ? '' : t(` · 上次 ${clock(row.last_sent)}`, ` · last ${clock(row.last_sent)}`)}`);
        if (row.last_error) out.line(`    ${row.trying ? colour.red(t('出错', 'error')) : colour.dim(t('上次错误', 'last error'))} ${clock(row.last_error.time)}  ${safe(row.last_error.what[lang])} ${colour.dim(`(${safe(row.last_error.code)})`)}`);
      }
      await out.end();
      if (rows.length === 0 && !options.json) console.log(t('还没有渠道；在配置的 notices.channels 中添加，见 docs/guide/notices.md', 'no channels yet; add one to notices.channels in the configuration, see docs/guide/notices.md'));
    });

  notify.command('test [channel]')
    .description(t('发一条测试通知，说明结果与该怎么办', 'send a test notice and tell what became of it'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .addHelpText('after', t('\n不写渠道则测试全部已启用的。退出码：0 全部送达，1 有未送达的，2 没有这个渠道', '\nWithout a channel all that are enabled are tested. Exit code: 0 all arrived, 1 some did not, 2 no such channel'))
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const show = (channel: { name: string; kind: string }, { kind: outcome, code, what }: Tried): void => {
        if (outcome !== 'sent') process.exitCode = 1;
        if (options.json) console.log(jsonLine({ channel: channel.name, kind: channel.kind, outcome, ...(outcome !== 'sent' && { code, what: what?.[lang] }) }));
        else console.log(outcome === 'sent' ? `${colour.green('●')} ${safe(channel.name)}  ${t('已送达', 'it arrived')}` : `${colour.red('✕')} ${safe(channel.name)}  ${safe(what?.[lang] ?? '')} ${colour.dim(`(${safe(code ?? '')})`)}`);
      };
      const fetch = await remoteOf(program);
      if (fetch !== undefined) {
        const rows = (await fetch({ method: 'GET', path: '/notices' }) as { items: NoticeChannel[] }).items.filter(({ id, enabled }) => (name === undefined ? enabled : id === name));
        // None at all would look like all arrived.
        if (rows.length === 0) throw new MoatError('unknown-channel', name === undefined ? 'no channel is switched on there' : `there is no channel ${name} there`, { zh: name === undefined ? '那里没有启用的渠道' : `那里没有渠道 ${name}`, hint: 'moat notify list' });
        for (const { id, kind } of rows) {
          const { outcome, ...said } = (await askMoat(program, 'notice-test', { id })) as NoticeTested;
          show({ name: id, kind }, { kind: outcome, ...said });
        }
        return;
      }
      const config = await configOf(program);
      const channels = channelsNamed(config.notices, name);
      const speak = config.lang === 'auto' ? lang : config.lang;
      await Promise.all(channels.map(async (channel) => { show(channel, await tryOne(channel, channel.lang ?? speak, config.host ?? hostname(), config.notices.zone)); }));
    });
}

type Tried = { kind: Outcome['kind']; code?: string | undefined; what?: Text | undefined };

async function tryOne(channel: ChannelConfig, speak: 'zh' | 'en', host: string, zone: string | undefined): Promise<Outcome> {
  try {
    return await deliver(channel, testNotice({ lang: speak, keyword: channel.keyword }, host, zone), AbortSignal.timeout(testMs));
  } catch (error) {
    const { message } = error as Error;
    return { kind: 'refused', about: 'unknown', code: 'error', what: { zh: message, en: message } };
  }
}

const iso = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());

interface ChannelRow extends Omit<NoticeChannel, 'id' | 'last_sent' | 'last_error'> { channel: string; last_sent?: number | undefined; last_error?: NoticeChannel['last_error'] | undefined }

async function rowsOf(program: Command): Promise<ChannelRow[]> {
  const fetch = await remoteOf(program);
  if (fetch !== undefined) return (await fetch({ method: 'GET', path: '/notices' }) as { items: NoticeChannel[] }).items.map(({ id, ...row }) => ({ channel: id, ...row }));
  const { channels } = (await configOf(program)).notices;
  const store = openIfThere(dataFolder(program));
  try {
    return channels.map((channel) => rowOf(channel, store));
  } finally { store?.close(); }
}

function rowOf(channel: ChannelConfig, store: Store | undefined): ChannelRow {
  const { name, kind, enabled, level } = channel;
  const queue = store?.notices;
  const state = queue?.state(name);
  const waiting = (queue?.waiting(name) ?? []).reduce((sum, { count }) => sum + count, 0) + (queue?.underWay(name)?.rows.length ?? 0);
  return {
    channel: name, kind, title: notifierOf(channel).title, enabled, level, waiting, sent: state?.sent ?? 0, dropped: queue?.dropped(name).all ?? 0, refused: state?.refused ?? 0,
    /** The last try failed, and another is due. */
    trying: (state?.tries ?? 0) > 0, last_sent: state?.lastSent, last_error: state?.lastError,
  };
}

/** Nothing is stored before the first start. */
function openIfThere(dir: string): Store | undefined {
  try {
    return openSqliteStore({ dir, readOnly: true });
  } catch (error) {
    if (error instanceof StoreError && error.code === 'missing') return undefined;
    throw error;
  }
}
