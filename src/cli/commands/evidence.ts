import { createReadStream, existsSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { MoatError, saidBy } from '../../core/error.ts';
import { handOver } from '../../evidence/handover.ts';
import { type ImageResult, takeImage } from '../../evidence/image.ts';
import { Keep, type Kept, type KeptRow } from '../../evidence/keep.ts';
import { installationKey } from '../../evidence/key.ts';
import type { Manifest } from '../../evidence/manifest.ts';
import { fileSink, streamSink } from '../../evidence/sink.ts';
import { type EvidenceVerdict, verifyArchive } from '../../evidence/verify.ts';
import type { EvidenceArchive, EvidenceKey } from '../../api/contract/incidents.ts';
import { askMoat, remoteOf, targetOf } from '../ask.ts';
import { colour } from '../colour.ts';
import { confirm } from '../confirm.ts';
import { bytesText, fetchedLines, recordEvidence, watchingOf } from '../evidence-text.ts';
import { configOf, dataFolder } from '../globals.ts';
import { Output } from '../output.ts';
import { progressLine } from '../progress.ts';
import type { Cli } from '../program.ts';
import { operator } from '../receipt-text.ts';
import type { Fetch } from '../remote/http.ts';
import type { Target } from '../remote/profiles.ts';
import { jsonLine, safe } from '../terminal.ts';

interface Json { json?: boolean }
interface VerifyOptions extends Json { key?: string; head?: string }
interface HandOptions extends Json { to: string; from?: string; how?: string; why?: string }
interface WhyOptions extends Json { why?: string; yes?: boolean }

const day = 86_400_000;

/** Archives: proved, listed, shown, copied, handed over, kept. */
export function addEvidence({ program, lang, t }: Cli): void {
  const group = program.command('evidence').description(t('证据存档：核验、列出、查看、导出、移交、保留；采集用 moat incident evidence', 'evidence archives: prove, list, show, copy, hand over, keep; collected by moat incident evidence'));
  const json = [t('输出 JSON', 'print JSON')] as const;
  const why = t('原因，记入审计', 'the reason, for the audit log');
  const which = t('存档文件，或存在本机的存档编号（可只写开头）', 'an archive, or the id of one that is kept here (its beginning is enough)');
  const keep = (): Keep => new Keep(dataFolder(program));
  /** From afar `until` says how long they stay, and days are not known. */
  const keptRows = async (): Promise<{ rows: KeptRow[]; keep_days: number }> => {
    const fetch = await remoteOf(program);
    if (fetch === undefined) return { rows: keep().list(), keep_days: (await configOf(program)).evidence.keep_days };
    const { items } = await fetch({ method: 'GET', path: '/evidence' }) as { items: EvidenceArchive[] };
    const [first] = items.filter(({ made, until }) => made !== undefined && until !== undefined);
    return { keep_days: first === undefined ? 0 : Math.round((Date.parse(first.until!) - Date.parse(first.made!)) / day), rows: items.map((item) => (item.broken === undefined ? { path: item.path, whole: true, kept: item as Kept } : { id: item.id, path: item.path, broken: item.broken })) };
  };

  group.command('verify <archive>')
    .description(t('核验存档未被改动；不需要 Moat 的任何数据', 'prove that an archive is untouched; needs nothing of Moat’s own data'))
    .addHelpText('after', t(`\n<archive>：${which}；- 为标准输入\n退出码：0 未被改动，1 有改动，2 读不了`, `\n<archive>: ${which}; - for standard input\nExit code: 0 untouched, 1 it is not, 2 it cannot be read`))
    .option('--key <fingerprint>', t('必须由这把密钥签名（采集时给出的指纹）', 'it must be signed by this key (the fingerprint told when it was collected)'))
    .option('--head <hash>', t('保管记录中必须有这一条（采集或移交时给出的链头）', 'this entry must be in the chain of custody (the head told when it was collected or handed over)'))
    .option('--json', ...json)
    .action(async (archive: string, options: VerifyOptions) => {
      const far = archive === '-' || isFileHere(archive) ? undefined : await remoteOf(program);
      if (far !== undefined) { await verifyThere(archive, options, far); return; }
      const { path, kept } = archive === '-' ? { path: '-', kept: undefined } : placeOf(archive);
      const line = progressLine(t('核验', 'checking'));
      // What this machine knows of an archive it keeps holds as well.
      const verdict = await reading(path, (source) => verifyArchive(source, { key: options.key ?? kept?.fingerprint, head: options.head ?? kept?.head, progress: (bytes) => line.show(bytesText(bytes)) }));
      line.clear();
      if (!verdict.ok) process.exitCode = 1;
      if (options.json) { const { manifest, ...rest } = verdict; console.log(jsonLine({ ...rest, ...(manifest && { id: manifest.id, host: manifest.host, began: manifest.began, missed: manifest.missed.length }) })); return; }
      await showVerdict(verdict);
    });

  group.command('list', { isDefault: true })
    .description(t('列出存在本机的存档、保留到何时', 'archives that are kept here, and until when'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (options: Json) => {
      const out = new Output();
      const { rows, keep_days } = await keptRows();
      for (const row of rows) {
        if ('broken' in row) { out.line(options.json ? jsonLine(row) : `${colour.red('✕')} ${safe(row.path)}  ${safe(row.broken)}`); continue; }
        const { kept, path } = row;
        const until = new Date(Date.parse(kept.made) + keep_days * day).toISOString();
        if (options.json) { out.line(jsonLine({ ...kept, path, ...(kept.hold ? {} : { until }) })); continue; }
        const stays = kept.hold ? colour.yellow(t(`保留中（${safe(kept.hold.by)}：${safe(kept.hold.why)}）`, `on hold (${safe(kept.hold.by)}: ${safe(kept.hold.why)})`)) : t(`保留至 ${until.slice(0, 10)}`, `kept until ${until.slice(0, 10)}`);
        out.line(`${safe(kept.id)}  ${kept.made.slice(0, 19)}Z  ${bytesText(kept.bytes)}  ${kept.incident === undefined ? '' : `${safe(kept.incident)}  `}${stays}  ${colour.dim(`${safe(kept.by)}: ${safe(kept.why)}`)}`);
      }
      await out.end();
      if (rows.length === 0 && !options.json) console.log(t('本机没有证据存档', 'no archives are kept here'));
    });

  group.command('show <archive>')
    .description(t('查看存档里有什么、缺什么、经过谁的手；先核验', 'what is in an archive, what is missing, whose hands it went through; checked first'))
    .addHelpText('after', `\n<archive>: ${which}`)
    .option('--json', t('输出清单（JSON）', 'print the manifest (JSON)'))
    .action(async (archive: string, options: Json) => {
      const far = isFileHere(archive) ? undefined : await remoteOf(program);
      const verdict = far === undefined ? await reading(placeOf(archive).path, (source) => verifyArchive(source)) : await shownThere(archive, far);
      if (!verdict.ok) process.exitCode = 1;
      if (options.json) { console.log(jsonLine({ ok: verdict.ok, faults: verdict.faults, manifest: verdict.manifest, custody: verdict.custody })); return; }
      if (verdict.manifest) await showManifest(verdict.manifest);
      await showVerdict(verdict);
    });

  group.command('export <archive>')
    .description(t('复制一份存档到别处；复制时核验', 'copy an archive to another place, proved on its way'))
    .addHelpText('after', `\n<archive>: ${which}`)
    .requiredOption('--to <file|->', t('新文件，- 为标准输出', 'a new file, - for standard output'))
    .option('--why <text>', why)
    .action(async (archive: string, options: { to: string; why?: string }) => {
      const target = await targetOf(program);
      if (target !== undefined) { await exportThere(target, archive, options); return; }
      const { path, kept } = placeOf(archive);
      if (options.to === '-' && process.stdout.isTTY) throw new MoatError('terminal', 'an archive is not written to a terminal', { zh: '不把存档写到终端', hint: `moat evidence export ${archive} --to - > FILE` });
      const sink = options.to === '-' ? streamSink(process.stdout) : fileSink(resolve(options.to));
      const source = async function* (): AsyncGenerator<Buffer> {
        for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) { yield piece as Buffer; await sink.write(piece as Buffer); }
      };
      const verdict = await verifyArchive(source(), { key: kept?.fingerprint, head: kept?.head });
      await sink.end();
      if (!verdict.ok) { process.exitCode = 1; for (const { text } of verdict.faults) console.error(`${colour.red('✕')} ${safe(text[lang])}`); }
      await recordEvidence(dataFolder(program), { operation: 'evidence-export', target: verdict.manifest?.id ?? path, by: operator(), why: options.why ?? '', result: `to ${options.to}, ${verdict.bytes} bytes, ${verdict.ok ? 'untouched' : 'NOT as it was'}` });
      console.error(t(`已导出 ${bytesText(verdict.bytes)}${verdict.ok ? '，核验通过' : '，核验不通过'}`, `copied ${bytesText(verdict.bytes)}, ${verdict.ok ? 'proved untouched' : 'NOT untouched'}`));
    });

  group.command('hand-over <archive>')
    .description(t('移交：在保管链上追加一条签名的记录', 'hand an archive over: one more signed entry in the chain of custody'))
    .addHelpText('after', `\n<archive>: ${which}`)
    .requiredOption('--to <who>', t('交给谁', 'who has it from now on'))
    .option('--from <who>', t('由谁交出（默认为操作者）', 'who had it (whoever types, when left out)'))
    .option('--how <text>', t('怎样交的，如 加密硬盘、scp', 'how, such as an encrypted disk, scp'))
    .option('--why <text>', t('原因', 'the reason'))
    .option('--json', ...json)
    .action(async (archive: string, options: HandOptions) => {
      const { path, kept } = placeOf(archive), by = operator(), data = dataFolder(program);
      const done = await handOver(path, { by, from: options.from ?? by, to: options.to, how: options.how ?? '', why: options.why ?? '', host: hostname(), time: Date.now() }, installationKey(existing(data)), { key: kept?.fingerprint, head: kept?.head });
      if (kept) keep().write({ ...kept, head: done.head });
      const audited = await recordEvidence(data, { operation: 'evidence-hand-over', target: done.entry.archive, by, why: options.why ?? '', result: `${options.from ?? by} to ${options.to}, entry ${done.entry.number}, head ${done.head}` });
      if (options.json) { console.log(jsonLine({ ...done.entry, head: done.head, bytes: done.bytes, audited })); return; }
      console.log(`${colour.green('●')} ${t(`第 ${done.entry.number} 条保管记录：${safe(options.from ?? by)} → ${safe(options.to)}`, `entry ${done.entry.number} of the chain of custody: ${safe(options.from ?? by)} → ${safe(options.to)}`)}`);
      console.log(t(`链头（请交接双方各记一份）：${done.head}`, `head (both sides keep it): ${done.head}`));
    });

  const change = async (id: string, operation: 'evidence-hold' | 'evidence-release' | 'evidence-remove', options: WhyOptions, work: (kept: Kept, by: string) => string): Promise<void> => {
    const far = await remoteOf(program);
    if (far !== undefined) { await changeThere(id, operation, options, far); return; }
    const kept = keep().get(id), by = operator();
    // The entry first: what was let go must not look like it was never there.
    if (operation === 'evidence-remove') keep().mustBeFree(kept);
    const audited = await recordEvidence(dataFolder(program), { operation, target: kept.id, by, why: options.why ?? '', result: `manifest ${kept.manifest}, ${kept.bytes} bytes, made ${kept.made}` });
    if (!audited && operation === 'evidence-remove') throw new MoatError('not-running', 'no agent runs, so that the audit log could not say it; nothing was removed', { zh: 'Moat 没有在运行，无法记入审计，没有删除', hint: 'moat up' });
    const text = work(kept, by);
    console.log(options.json ? jsonLine({ id: kept.id, operation, audited }) : `${colour.green('●')} ${safe(kept.id)} ${text}`);
  };

  group.command('hold <id>')
    .description(t('保留：不因到期删除，直到解除', 'keep an archive beyond its time, until it is released'))
    .requiredOption('--why <text>', why)
    .option('--json', ...json)
    .action((id: string, options: WhyOptions & { why: string }) => change(id, 'evidence-hold', options, (kept, by) => { keep().write({ ...kept, hold: { since: new Date().toISOString(), by, why: options.why } }); return t('保留中', 'is on hold'); }));

  group.command('release <id>')
    .description(t('解除保留', 'end a hold'))
    .option('--why <text>', why)
    .option('--json', ...json)
    .action((id: string, options: WhyOptions) => change(id, 'evidence-release', options, (kept) => { const { hold, ...free } = kept; if (hold) keep().write(free); return t('已解除保留', 'is released'); }));

  group.command('remove <id>')
    .description(t('删除存在本机的存档（记入审计；保留中的不删）', 'remove an archive that is kept here (audited; never one on hold)'))
    .requiredOption('--why <text>', why)
    .option('-y, --yes', t('不再询问', 'do not ask'))
    .option('--json', ...json)
    .action(async (id: string, options: WhyOptions & { why: string }) => {
      const far = await remoteOf(program);
      const { kept, keep_days } = far === undefined ? { kept: keep().get(id), keep_days: (await configOf(program)).evidence.keep_days } : { kept: (await (await archives()).keptThere(far, id)) as Kept, ...await keptRows() };
      const early = Date.now() - Date.parse(kept.made) < keep_days * day;
      if (!options.yes) {
        if (!process.stdin.isTTY) throw new MoatError('not-confirmed', 'there is no terminal to ask on; nothing was removed', { zh: '没有终端可以询问，没有删除', hint: '--yes' });
        if (!await confirm(early ? t(`按规定还应保留到 ${new Date(Date.parse(kept.made) + keep_days * day).toISOString().slice(0, 10)}，仍要删除 ${kept.id}？`, `Policy keeps it until ${new Date(Date.parse(kept.made) + keep_days * day).toISOString().slice(0, 10)}. Remove ${kept.id} all the same?`) : t(`删除 ${kept.id}？`, `Remove ${kept.id}?`), t)) { console.error(t('什么也没做', 'nothing was done')); process.exitCode = 1; return; }
      }
      await change(id, 'evidence-remove', options, (found) => { keep().remove(found); return t('已删除', 'is removed'); });
    });

  group.command('key')
    .description(t('本机证据密钥的指纹与公钥', 'fingerprint and public key of the evidence of this machine'))
    .option('--json', ...json)
    .action(async (options: Json) => {
      const { fingerprint, pem } = await remoteOf(program) === undefined ? installationKey(existing(dataFolder(program))) : (await askMoat(program, 'evidence-key')) as EvidenceKey;
      console.log(options.json ? jsonLine({ fingerprint, pem }) : `${fingerprint}\n${pem.trim()}`);
    });

  group.command('image <device>')
    .description(t('把磁盘复制成一到三份映像，逐份读回核验；中断后再运行即续传', 'copy a disk into one to three images, each read back and proved; run again, it goes on where it was cut off'))
    .requiredOption('--to <dir...>', t('放到这些目录（一到三个，不能在同一块盘上）', 'into these folders (one to three, not on the disk itself)'))
    .option('--why <text>', why)
    .option('--json', ...json)
    .action(async (device: string, options: { to: string[]; why?: string; json?: boolean }) => {
      const line = progressLine(t('复制', 'copying')), by = operator(), data = dataFolder(program);
      const result: ImageResult = await takeImage({ device, folders: options.to.map((folder) => resolve(folder)), signer: installationKey(existing(data)), by, why: options.why ?? '', host: hostname(), now: Date.now, progress: (step, done, size) => line.show(`${step === 'copy' ? t('写入', 'writing') : t('读回核验', 'reading back')} ${bytesText(done)} / ${bytesText(size)}`) });
      line.clear();
      const audited = await recordEvidence(data, { operation: 'evidence-image', target: device, by, why: options.why ?? '', result: `${result.copies.join(', ')}: ${result.bytes} bytes, sha256 ${result.sha256}` });
      if (options.json) { console.log(jsonLine({ ...result, audited })); return; }
      for (const copy of result.copies) console.log(`${colour.green('●')} ${safe(copy)}`);
      console.log(`${bytesText(result.bytes)}  sha256:${result.sha256}\nsm3:${result.sm3}${result.unreadable > 0 ? colour.yellow(t(`\n${bytesText(result.unreadable)} 读不出，以零代替，位置见 .json`, `\n${bytesText(result.unreadable)} could not be read and are zeros; the .json says where`)) : ''}`);
    });

  const isFileHere = (archive: string): boolean => existsSync(archive) && statSync(archive).isFile();
  const archives = (): Promise<typeof import('../remote/archive.ts')> => import('../remote/archive.ts');

  /** What that machine proves of an archive that it keeps. */
  async function shownThere(archive: string, far: Fetch): Promise<EvidenceVerdict> {
    const { id } = await (await archives()).keptThere(far, archive);
    return (await askMoat(program, 'evidence-verify', { id })) as EvidenceVerdict;
  }

  async function verifyThere(archive: string, options: VerifyOptions, far: Fetch): Promise<void> {
    if (options.key !== undefined || options.head !== undefined) throw new MoatError('bad-input', 'that machine proves it by what it knows; to prove it by what you know, fetch it first', { zh: '那台机器按它所知来核验；要按您所知的指纹或链头核验，请先取来', hint: `moat evidence export ${archive} --to FILE` });
    const verdict = await shownThere(archive, far);
    if (!verdict.ok) process.exitCode = 1;
    if (options.json) { const { manifest, ...rest } = verdict; console.log(jsonLine({ ...rest, ...(manifest && { id: manifest.id, host: manifest.host, began: manifest.began, missed: manifest.missed.length }) })); return; }
    await showVerdict(verdict);
  }

  async function exportThere(target: Target, archive: string, options: { to: string; why?: string }): Promise<void> {
    if (options.to === '-' && process.stdout.isTTY) throw new MoatError('terminal', 'an archive is not written to a terminal', { zh: '不把存档写到终端', hint: `moat evidence export ${archive} --to - > FILE` });
    const [{ fetchArchive, keptThere }, { fetchFrom }] = await Promise.all([archives(), import('../remote/http.ts')]);
    const kept = await keptThere(fetchFrom(target), archive);
    const line = progressLine(t('下载', 'fetching'));
    const fetched = await fetchArchive(target, kept, options.to, options.why ?? '', watchingOf(line, t)).finally(() => line.clear());
    if (!fetched.verdict.ok) process.exitCode = 1;
    for (const text of fetchedLines(fetched, lang)) console.error(text);
  }

  async function changeThere(id: string, operation: 'evidence-hold' | 'evidence-release' | 'evidence-remove', options: WhyOptions, far: Fetch): Promise<void> {
    const kept = await (await archives()).keptThere(far, id);
    const deed = operation.slice('evidence-'.length) as 'hold' | 'release' | 'remove';
    await askMoat(program, 'evidence-change', { id: kept.id, deed, why: options.why ?? '' });
    const said = { hold: t('保留中', 'is on hold'), release: t('已解除保留', 'is released'), remove: t('已删除', 'is removed') }[deed];
    console.log(options.json ? jsonLine({ id: kept.id, operation, audited: true }) : `${colour.green('●')} ${safe(kept.id)} ${said}`);
  }

  /** A file by its path, else one that is kept. */
  function placeOf(archive: string): { path: string; kept: Kept | undefined } {
    if (isFileHere(archive)) {
      const path = resolve(archive);
      const row = keep().list().find((one) => one.path === path);
      return { path, kept: row !== undefined && 'kept' in row ? row.kept : undefined };
    }
    const kept = keep().get(archive);
    return { path: keep().path(kept.id), kept };
  }

  async function reading<T>(path: string, work: (source: AsyncIterable<Buffer>) => Promise<T>): Promise<T> {
    const source = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 20 });
    try {
      return await work(source as AsyncIterable<Buffer>);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined || error instanceof MoatError) throw error;
      throw new MoatError('unreadable', `cannot read ${path}: ${(error as Error).message}`, { zh: `读不了 ${path}：${saidBy(error).zh}`, cause: error });
    }
  }

  function existing(data: string): string {
    if (!existsSync(data)) throw new MoatError('no-data', `there is no data folder ${data}, so no key to sign with`, { zh: `没有数据目录 ${data}，因此没有签名用的密钥`, hint: 'moat up' });
    return data;
  }

  async function showVerdict(verdict: EvidenceVerdict): Promise<void> {
    const out = new Output(), { manifest } = verdict;
    if (manifest) {
      out.line(`${safe(manifest.id)}  ${safe(manifest.host)}  ${safe(manifest.began)}  ${bytesText(verdict.bytes)}, ${t(`${manifest.items.length} 项`, `${manifest.items.length} items`)}`);
      out.line(`${t('签名', 'signed by')}  ${verdict.fingerprint ?? ''}  ${verdict.known === undefined ? colour.yellow(t('没有核对：请与采集时记下的指纹比较，或加 --key', 'not compared: hold it against the fingerprint kept when it was collected, or give --key')) : verdict.known ? colour.green(t('是期望的密钥', 'the key expected')) : colour.red(t('不是期望的密钥', 'NOT the key expected'))}`);
      for (const { number, time, from, to, how, fingerprint } of verdict.custody) out.line(`  ${number}. ${time}  ${from === undefined ? '' : `${safe(from)} → `}${safe(to)}${how === '' ? '' : `  ${colour.dim(safe(how))}`}${fingerprint === manifest.key.fingerprint ? '' : `  ${colour.dim(fingerprint.slice(0, 23))}…`}`);
      if (verdict.head !== undefined) out.line(`${t('链头', 'head')}  ${verdict.head}`);
      if (verdict.timestamp) out.line(t('带有时间戳：openssl ts -verify 可核验', 'has a timestamp: openssl ts -verify proves it'));
    }
    for (const { text } of verdict.faults) out.line(`${colour.red('✕')} ${safe(text[lang])}`);
    if (verdict.more > 0) out.line(`  … ${verdict.more}`);
    out.line(verdict.ok ? `${colour.green('●')} ${t('未被改动', 'untouched')}` : `${colour.red('●')} ${t('不是原样', 'NOT as it was')}`);
    await out.end();
  }

  async function showManifest({ items, missed, incident, why: reason, by, clock, kernel, tool }: Manifest): Promise<void> {
    const out = new Output();
    out.line(`${safe(by)}: ${safe(reason)}${incident === undefined ? '' : `  ${safe(incident)}`}  ${colour.dim(`${safe(kernel)}, ${safe(tool)}, ${safe(clock.zone)}`)}`);
    for (const { name, source, bytes, marks } of items) out.line(`${bytesText(bytes).padStart(11)}  ${safe(name)}  ${colour.dim(safe(source))}${marks ? colour.yellow(`  ${marks.map(({ what, detail }) => `${what}${detail === undefined ? '' : `: ${safe(detail.split('\n')[0] ?? '')}`}`).join(', ')}`) : ''}`);
    for (const { source, why: text, absent } of missed) if (absent !== true) out.line(`${colour.yellow('?'.padStart(11))}  ${safe(source)}: ${safe(text[lang])}`);
    await out.end();
  }
}
