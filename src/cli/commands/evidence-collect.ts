import { existsSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { MoatError } from '../../core/error.ts';
import type { Sink } from '../../evidence/archive.ts';
import { type Group, groups, type MemoryKind, memoryKinds } from '../../evidence/collect/groups.ts';
import { targetOf } from '../ask.ts';
import { colour } from '../colour.ts';
import { duration } from '../duration.ts';
import { bytesText, fetchedLines, recordEvidence, watchingOf } from '../evidence-text.ts';
import { configOf, dataFolder } from '../globals.ts';
import { progressLine } from '../progress.ts';
import type { Cli } from '../program.ts';
import { operator } from '../receipt-text.ts';
import type { Watching } from '../remote/archive.ts';
import type { Target } from '../remote/profiles.ts';
import { jsonLine, safe } from '../terminal.ts';
import { version } from '../version.ts';

interface Options { to?: string; memory: MemoryKind; memoryMax: number; since?: number; only?: Group[]; commands: boolean; why?: string; json?: boolean }

const MiB = 1 << 20;

/** `moat incident evidence`: everything that is gone tomorrow, into one archive. Reads only, in this process, which needs root. */
export function addIncidentEvidence(incident: Command, { program, lang, t }: Cli): void {
  incident.command('evidence [id]')
    .description(t('采集证据为一份签名的存档：按易失顺序，只读不改；不写编号则采集整机', 'collect evidence into one signed archive, the most fleeting first, reading only; of the machine as it is when no id is given'))
    .addHelpText('after', t(
      '\n<id>：事件、告警（可只写开头几位）或扫描发现的编号\n不落本地盘：moat incident evidence ID --to - | ssh 主机 \'cat > 存档.tar\'\n核验：moat evidence verify 存档.tar --key 指纹（或只用 tar、sha256sum、openssl，见存档中的 README.txt）',
      '\n<id>: an incident, an alert (its beginning is enough) or a finding\nWithout touching the local disk: moat incident evidence ID --to - | ssh HOST \'cat > x.tar\'\nCheck it: moat evidence verify x.tar --key FINGERPRINT (or with tar, sha256sum and openssl alone: README.txt in it)'))
    .option('--to <file|->', t('写到这个新文件，- 为标准输出；不写则存入数据目录', 'into this new file, - for standard output; kept in the data folder when left out'))
    .option('--memory <kind>', t(`内存：${memoryKinds.join('、')}（可疑进程；kcore 另采整机内存，LiME 格式）`, `memory: ${memoryKinds.join(', ')} (of suspect processes; kcore takes the machine’s too, in LiME format)`), oneOf(memoryKinds), 'processes')
    .option('--memory-max <mib>', t('每个进程内存的上限（MiB）', 'of one process’s memory at most, MiB'), number, 512)
    .option('--since <time>', t('取多久以内改动过的日志，如 7d', 'logs that were written to within this time, such as 7d'), duration)
    .option('--only <groups>', `${t('只采集这些', 'only these')}: ${groups.join(',')}`, listOf(groups))
    .option('--no-commands', t('不运行本机的程序（它们可能已被替换）', 'run no programs of this machine, which may have been replaced'))
    .option('--why <text>', t('原因，记入审计与保管记录', 'the reason, for the audit log and the chain of custody'))
    .option('--json', t('输出 JSON', 'print JSON'))
    .action(run);

  async function run(id: string | undefined, options: Options): Promise<void> {
    const target = await targetOf(program);
    if (target !== undefined) { await runThere(target, id, options); return; }
    const [{ collectEvidence, newEvidenceId }, { Keep }, { installationKey, passingKey }, { fileSink, streamSink }] = await Promise.all([import('../../agent/evidence-collect.ts'), import('../../evidence/keep.ts'), import('../../evidence/key.ts'), import('../../evidence/sink.ts')]);
    const data = dataFolder(program), { evidence: config } = await configOf(program), now = Date.now();
    const toStream = options.to === '-';
    if (toStream && process.stdout.isTTY) throw new MoatError('terminal', 'an archive is not written to a terminal', { zh: '不把存档写到终端', hint: 'moat incident evidence --to - > FILE' });
    const keep = new Keep(data), archive = newEvidenceId(now);
    const say = (text: string): void => { console.error(text); };
    if (process.getuid?.() !== 0) say(colour.yellow(t('不是 root：别人的进程、日志和内存多半看不到，存档中逐项注明', 'not root: processes, logs and memory of others cannot be seen for the most part; the archive says so item by item')));
    // Nothing is left on this machine when all goes to another: no new key either.
    const kept = !toStream || existsSync(join(data, 'evidence.key')) ? 'installation' : 'passing';
    if (options.to === undefined) keep.make();
    const path = toStream ? undefined : options.to === undefined ? keep.path(archive) : resolve(options.to);
    if (kept === 'installation' && !existsSync(data)) new Keep(data).make();
    const signer = kept === 'installation' ? installationKey(data) : passingKey();
    const sink: Sink = path === undefined ? streamSink(process.stdout) : fileSink(path);
    const line = progressLine(t('采集', 'collecting'));
    const by = operator(), why = options.why ?? (id === undefined ? 'the machine as it is' : `incident ${id}`);
    const written = await collectEvidence({
      id: archive, dataFolder: data, incident: id, by, why, how: `moat incident evidence, ${toStream ? 'streamed to another place' : 'to a file'}`, tool: `moat ${version()}`, memory: options.memory, memoryMost: options.memoryMax * MiB,
      since: options.since === undefined ? undefined : now - options.since, commands: options.commands, only: options.only, most: options.memory === 'kcore' ? Number.MAX_SAFE_INTEGER : config.max_mb * MiB, timestampUrl: config.timestamp_url, without: path === undefined ? [] : [path],
      sink, signer, kept, now: Date.now, progress: (name, bytes) => line.show(`${bytesText(bytes)}  ${name}`), warn: (text) => say(colour.yellow(text[lang])),
    }).finally(() => {
      line.clear();
      // An id that is none: nothing was begun.
      if (path !== undefined && statSync(path).size === 0) rmSync(path);
    });
    const { manifest, digest, head, bytes, untimed } = written;
    const gaps = manifest.missed.filter(({ absent }) => absent !== true), partial = manifest.items.filter(({ marks }) => marks !== undefined && marks.some(({ what }) => what !== 'exit'));
    if (options.to === undefined) keep.write({ id: archive, ...(manifest.incident !== undefined && { incident: manifest.incident }), made: manifest.began, by, why, bytes, fingerprint: signer.fingerprint, manifest: digest, head });
    const recorded = await recordEvidence(data, { operation: 'evidence-collect', target: archive, by, why, result: `${path ?? 'standard output'}: ${bytes} bytes, ${manifest.items.length} items, ${gaps.length} missing; key ${signer.fingerprint}, manifest ${digest}, head ${head}` });
    const summary = { id: archive, ...(manifest.incident !== undefined && { incident: manifest.incident }), ...(path !== undefined && { path }), bytes, items: manifest.items.length, partial: partial.length, missed: gaps.length, absent: manifest.missed.length - gaps.length, fingerprint: signer.fingerprint, key: kept, manifest: digest, head, audited: recorded, timestamp: config.timestamp_url !== undefined && !untimed };
    if (options.json) (toStream ? console.error : console.log)(jsonLine(summary));
    else {
      const tell = toStream ? console.error : console.log;
      tell(`${colour.green('●')} ${safe(path ?? archive)}  ${bytesText(bytes)}, ${t(`${manifest.items.length} 项`, `${manifest.items.length} items`)}${partial.length > 0 ? colour.yellow(t(`，${partial.length} 项不完整`, `, ${partial.length} not whole`)) : ''}${gaps.length > 0 ? colour.yellow(t(`，${gaps.length} 项未能查看`, `, ${gaps.length} could not be looked at`)) : ''}`);
      for (const { source, why: reason } of gaps.slice(0, 10)) tell(colour.dim(`  ? ${safe(source)}: ${safe(reason[lang])}`));
      if (gaps.length > 10) tell(colour.dim(t(`  … 其余见存档中的 manifest.json`, `  … the others stand in manifest.json`)));
      tell(t(`密钥指纹（请另外记下）：${signer.fingerprint}${kept === 'passing' ? '（一次性密钥）' : ''}`, `key (write it down elsewhere): ${signer.fingerprint}${kept === 'passing' ? ' (made for this archive and thrown away)' : ''}`));
      tell(t(`保管链头：${head}`, `head of the chain of custody: ${head}`));
      if (path !== undefined) tell(colour.dim(`moat evidence verify ${safe(path)} --key ${signer.fingerprint}`));
    }
    if (untimed) say(colour.yellow(safe(untimed[lang])));
    if (!recorded) say(colour.yellow(t('没有记入审计日志：Moat 没有在运行；请把上面的指纹与链头另外记下', 'not in the audit log: no agent runs; keep the key and head above elsewhere')));
  }

  /** Collected and kept by the Moat there; with --to fetched and proved here. */
  async function runThere(target: Target, id: string | undefined, options: Options): Promise<void> {
    if (options.why === undefined || options.why.trim() === '') throw new MoatError('bad-input', 'expected a reason: what is done from afar is done by a token', { zh: '远程操作须写明原因', hint: '--why "…"' });
    if (options.to === '-' && process.stdout.isTTY) throw new MoatError('terminal', 'an archive is not written to a terminal', { zh: '不把存档写到终端', hint: 'moat incident evidence --to - > FILE' });
    const [{ fetchFrom }, { finished }, { fetchArchive, keptThere, mustBeNew }] = await Promise.all([import('../remote/http.ts'), import('../remote/job.ts'), import('../remote/archive.ts')]);
    if (options.to !== undefined && options.to !== '-') mustBeNew(resolve(options.to));
    const fetch = fetchFrom(target), line = progressLine(t('采集', 'collecting')), began = Date.now();
    const body = { why: options.why, commands: options.commands, memory: options.memory, memory_max_mb: options.memoryMax, ...(options.since !== undefined && { since_ms: options.since }), ...(options.only && { only: options.only }) };
    const started = await fetch({ method: 'POST', path: id === undefined ? '/evidence' : `/incidents/${encodeURIComponent(id)}/evidence`, body });
    const made = await finished<{ id: string; bytes: number; items: number; partial: number; missed: number }>(fetch, started, () => line.show(t(`${Math.round((Date.now() - began) / 1000)} 秒`, `${Math.round((Date.now() - began) / 1000)} s`))).finally(() => line.clear());
    const kept = await keptThere(fetch, made.id);
    const tell = options.to === '-' ? console.error : console.log;
    const fetched = options.to === undefined ? undefined : await withProgress((watching) => fetchArchive(target, kept, options.to!, options.why!, watching));
    if (fetched?.verdict.ok === false) process.exitCode = 1;
    if (options.json) { tell(jsonLine({ id: made.id, ...(kept.incident !== undefined && { incident: kept.incident }), bytes: made.bytes, items: made.items, partial: made.partial, missed: made.missed, fingerprint: kept.fingerprint, manifest: kept.manifest, head: kept.head, ...(fetched && { ok: fetched.verdict.ok, ...(fetched.path !== undefined && { path: fetched.path }) }) })); return; }
    tell(`${colour.green('●')} ${safe(made.id)}  ${bytesText(made.bytes)}, ${t(`${made.items} 项`, `${made.items} items`)}${made.partial > 0 ? colour.yellow(t(`，${made.partial} 项不完整`, `, ${made.partial} not whole`)) : ''}${made.missed > 0 ? colour.yellow(t(`，${made.missed} 项未能查看`, `, ${made.missed} could not be looked at`)) : ''}`);
    tell(`${t('密钥指纹（请另外记下）：', 'key (write it down elsewhere): ')}${safe(kept.fingerprint)}\n${t('保管链头：', 'head of the chain of custody: ')}${safe(kept.head)}`);
    if (fetched === undefined) tell(colour.dim(`moat --remote ${safe(target.name ?? target.url)} evidence export ${safe(made.id)} --to FILE`));
    else for (const text of fetchedLines(fetched, lang)) tell(text);
  }

  async function withProgress<T>(work: (watching: Watching) => Promise<T>): Promise<T> {
    const line = progressLine(t('下载', 'fetching'));
    return await work(watchingOf(line, t)).finally(() => line.clear());
  }
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1 || value > 1 << 24) throw new InvalidArgumentError('expected a whole number from 1');
  return value;
}

const oneOf = <T extends string>(values: readonly T[]) => (text: string): T => {
  const found = values.find((one) => one === text);
  if (found === undefined) throw new InvalidArgumentError(`expected one of ${values.join(', ')}`);
  return found;
};

const listOf = <T extends string>(values: readonly T[]) => (text: string): T[] => text.split(',').map((one) => oneOf(values)(one.trim()));
