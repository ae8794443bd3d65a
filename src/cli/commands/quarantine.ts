import { createHash, randomBytes } from 'node:crypto';
import { openSync, closeSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { Receipt } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { askMoat, pathThere, targetOf } from '../ask.ts';
import { listOf, type FilePlan, type QuarantineList } from '../../agent/response-files.ts';
import { Vault } from '../../actions/vault.ts';
import { bytesOf, nameOf } from '../../linux/file-names.ts';
import { writeAll } from '../../linux/write-all.ts';
import { colour } from '../colour.ts';
import { agreed } from '../confirm.ts';
import { eachIn } from '../each.ts';
import { dataFolder } from '../globals.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { operator, receiptJson } from '../receipt-text.ts';
import type { Target } from '../remote/profiles.ts';
import { clock, jsonLine, safe } from '../terminal.ts';
import { zipOf } from '../zip.ts';

interface FileOptions { why?: string; force?: boolean; plan?: boolean; yes?: boolean; json?: boolean }

interface Item { path: string; sha256: string; kind: 'file' | 'symlink'; modified: Date; pieces: () => AsyncIterable<Buffer> | Promise<AsyncIterable<Buffer>> }

/** Of a file from afar, which is held until it is proved. */
const contentMax = 256 << 20;
/** What analysts expect such files to be locked with. */
const password = 'infected';

/** Files and lines: quarantine, restore, remove-line. */
export function addQuarantine({ program, lang, t }: Cli): void {
  const each = eachIn(lang);
  const ask = (op: string, argument?: unknown): Promise<unknown> => askMoat(program, op, argument, { patient: true });
  const why = t('原因，记入审计', 'the reason, for the audit log');
  const json = [t('每行一个 JSON 对象', 'one JSON object a line')] as const;
  const vault = (): Vault => new Vault(dataFolder(program));

  const quarantine = program.command('quarantine').description(t('隔离文件：拿走、加密保存，可原样放回', 'take files away: kept encrypted, put back as they were when wanted'));
  quarantine.command('add <path...>', { isDefault: true })
    .description(t('隔离文件或符号链接', 'quarantine files or symbolic links'))
    .option('--why <text>', why)
    .option('--force', t('属于软件包的文件也隔离（系统必需的与 Moat 自己的始终不动）', 'also what a package owns (never what the machine needs, nor Moat’s own)'))
    .option('--plan', t('只显示会做什么', 'only show what would be done'))
    .option('--json', ...json)
    .action(async (paths: string[], options: FileOptions) => {
      const out = new Output();
      for (const path of paths) {
        await each(out, path, options.json, async () => {
          const asked = { path: await pathThere(program, path), by: operator(), why: options.why ?? '', ...(options.force && { force: true }) };
          if (options.plan) { showPlan(out, (await ask('quarantine', { ...asked, plan: true })) as FilePlan, options.json); return; }
          const receipt = (await ask('quarantine', asked)) as Receipt;
          out.line(options.json ? jsonLine(receiptJson(receipt)) : `${colour.green('●')} ${safe(receipt.target)} ${t('已隔离', 'is in quarantine')}  ${colour.dim(`moat restore ${safe(receipt.id)}`)}`);
          if (!options.json) for (const { text } of receipt.steps.slice(2)) out.line(`  ${colour.yellow('!')} ${safe(text[lang])}`);
        });
      }
      await out.end();
    });

  quarantine.command('list')
    .description(t('隔离区里有什么、占多大', 'what is in quarantine, and how much room it takes'))
    .option('--json', ...json)
    .action(async (options: { json?: boolean }) => {
      const list = await listed();
      const out = new Output();
      for (const row of list.rows) {
        if (options.json) { out.line(jsonLine({ ...row, added: new Date(row.added).toISOString() })); continue; }
        const state = row.status === 'undone' || row.status === 'failed' ? t('已放回', 'put back') : row.action !== 'quarantine-file' ? t('改动前的原件', 'as it was before it was changed') : t('隔离中', 'in quarantine');
        out.line(`${colour.dim(row.id)}  ${clock(row.added)}  ${safe(row.path)}  ${row.size} B  ${state}  ${colour.dim(`sha256:${row.sha256.slice(0, 16)}…  ${safe(row.by)}${row.why === '' ? '' : `: ${safe(row.why)}`}`)}`);
      }
      for (const broken of list.broken) out.line(options.json ? jsonLine({ broken }) : `${colour.red('✕')} ${safe(broken)}`);
      await out.end();
      if (options.json) return;
      console.log(list.rows.length === 0 ? t('隔离区是空的', 'nothing is in quarantine') : colour.dim(t(`${list.rows.length} 项，占 ${megabytes(list.stored)}，在 ${safe(list.folder)}`, `${list.rows.length} items, ${megabytes(list.stored)} in ${safe(list.folder)}`)));
    });

  quarantine.command('cat <id>')
    .description(t('把内容写到标准输出（供分析；小心，内容是原样的）', 'write the content to standard output (for analysis; mind that it is the real thing)'))
    .action(async (id: string) => {
      if (process.stdout.isTTY) throw new MoatError('terminal', t('不把隔离的内容写到终端', 'what is in quarantine is not written to a terminal'), { hint: `moat quarantine cat ${id} > FILE` });
      const target = await targetOf(program);
      if (target !== undefined) { for await (const piece of await contentThere(target, id)) writeAll(1, piece); return; }
      // The end is checked before anything is written: what was tampered with never leaves.
      for await (const _ of vault().read(id)) { /* read through */ }
      for await (const piece of vault().read(id)) writeAll(1, piece);
    });

  quarantine.command('export <id> <file>')
    .description(t(`导出为 zip，密码 ${password}（分析平台的惯例）`, `write a zip file with the password ${password} (what analysts expect)`))
    .action(async (id: string, file: string) => {
      const target = await targetOf(program);
      const items = vault();
      const { path, sha256, modified, kind, pieces } = target === undefined ? itemHere(items, id) : await itemThere(target, id);
      if (kind === 'symlink') throw new MoatError('no-content', t(`${id} 是符号链接，没有内容`, `${id} is a symbolic link and has no content`), { hint: 'moat quarantine list' });
      const fd = openSync(file, 'wx', 0o600);
      try {
        for await (const piece of zipOf(sha256, await pieces(), modified, password, randomBytes)) for (let at = 0; at < piece.length;) at += writeSync(fd, piece, at);
      } catch (error) {
        rmSync(file, { force: true });
        throw error;
      } finally { closeSync(fd); }
      console.log(t(`${safe(file)}：${safe(basename(path))} 在其中名为 ${sha256}，密码 ${password}`, `${safe(file)}: ${safe(basename(path))} is in it as ${sha256}, password ${password}`));
    });

  program.command('restore <id...>')
    .description(t('放回隔离的文件或删除的行，与原来完全一致', 'put quarantined files and removed lines back as they were'))
    .option('--why <text>', why)
    .option('--json', ...json)
    .action(async (ids: string[], options: FileOptions) => {
      const out = new Output();
      for (const id of ids) {
        await each(out, id, options.json, async () => {
          const receipt = (await ask('restore', { id, by: operator(), why: options.why ?? '' })) as Receipt;
          out.line(options.json ? jsonLine(receiptJson(receipt)) : `${colour.green('●')} ${safe(receipt.target)} ${t('已放回原处', 'is back in its place')}`);
        });
      }
      await out.end();
    });

  program.command('remove-line <file> <line>')
    .description(t('删除配置文件中的一行（计划任务、authorized_keys、sudoers、ld.so.preload、profile）；原件整份保存', 'remove one line of a text file (cron, authorized_keys, sudoers, ld.so.preload, profiles); the file as it was is kept'))
    .option('--why <text>', why)
    .option('--force', t('软件包自带的、最后一个管理员登录途径也删除', 'also what a package ships, and the last way in for an administrator'))
    .option('--plan', t('只显示会做什么', 'only show what would be done'))
    .option('-y, --yes', t('不再询问', 'do not ask'))
    .option('--json', t('输出 JSON', 'print JSON'))
    .action(async (file: string, number: string, options: FileOptions) => {
      const isFar = await targetOf(program) !== undefined;
      const path = await pathThere(program, file), line = Number(number);
      // From afar the plan says what stands there.
      const text = isFar ? undefined : nameOf(readFileSync(bytesOf(path))).split('\n')[line - 1];
      if (!Number.isSafeInteger(line) || line < 1 || (text === undefined && !isFar)) throw new MoatError('bad-input', t(`${safe(path)} 没有第 ${safe(number)} 行`, `expected the number of a line of ${safe(path)}, got ${safe(number)}`));
      const asked = { path, line, ...(text !== undefined && { text }), by: operator(), why: options.why ?? '', ...(options.force && { force: true }) };
      if (options.plan || !options.yes || isFar) {
        const plan = (await ask('remove-line', { ...asked, plan: true })) as FilePlan;
        Object.assign(asked, { text: plan.text });
        if (options.plan) { const out = new Output(); showPlan(out, plan, options.json); await out.end(); return; }
        if (!options.yes) for (const step of plan.steps) console.error(safe(step.text[lang]));
        if (!options.yes && !await agreed(t('删除这一行？', 'Remove this line?'), t)) return;
      }
      const receipt = (await ask('remove-line', asked)) as Receipt;
      console.log(options.json ? jsonLine(receiptJson(receipt)) : `${colour.green('●')} ${safe(receipt.title[lang])}  ${colour.dim(`moat restore ${safe(receipt.id)}`)}`);
    });

  const itemHere = (items: Vault, id: string): Item => {
    const { path, file: { sha256, modified, kind } } = items.item(id);
    return { path, sha256, kind, modified: new Date(Number(BigInt(modified) / 1_000_000n)), pieces: () => items.read(id) };
  };
  async function itemThere(target: Target, id: string): Promise<Item> {
    const found = ((await ask('quarantine-list')) as QuarantineList).rows.find((row) => row.id === id);
    if (found === undefined) throw new MoatError('no-item', `expected the id of something in quarantine, got ${id}`, { zh: `隔离区里没有 ${id}`, hint: 'moat quarantine list' });
    return { path: found.path, sha256: found.sha256, kind: found.kind, modified: new Date(found.added), pieces: () => contentThere(target, id, found.sha256) };
  }

  /** Held back to its end: what is not what the list says never goes on. */
  async function contentThere(target: Target, id: string, wanted?: string): Promise<AsyncIterable<Buffer>> {
    const sha256 = wanted ?? (await itemThere(target, id)).sha256;
    const { download } = await import('../remote/download.ts');
    const { bytes, pieces } = await download(target, `/quarantine/${encodeURIComponent(id)}/content`, {});
    if (bytes > contentMax) throw new MoatError('too-large', `expected a file of at most ${contentMax} bytes, got ${bytes}`, { zh: `文件有 ${bytes} 字节，远程最多取 ${contentMax} 字节`, hint: { zh: '登录到那台机器上取', en: 'log on there and fetch it' } });
    const whole: Buffer[] = [], hash = createHash('sha256');
    for await (const piece of pieces) { whole.push(piece); hash.update(piece); }
    if (hash.digest('hex') !== sha256) throw new MoatError('broken', `what came of ${id} does not have the digest that the list says`, { zh: `收到的 ${id} 与列表中的摘要不符` });
    return Readable.from(whole);
  }

  /** Of the agent; of the folder alone when none runs. */
  async function listed(): Promise<QuarantineList> {
    try {
      return (await ask('quarantine-list')) as QuarantineList;
    } catch (error) {
      if ((error as MoatError).code !== 'not-running' || await targetOf(program) !== undefined) throw error;
      return listOf(vault(), []);
    }
  }

  function showPlan(out: Output, plan: FilePlan, isJson: boolean | undefined): void {
    if (isJson) { out.line(jsonLine(plan)); return; }
    out.line(safe(plan.title[lang]));
    for (const step of plan.steps) out.line(`  ${safe(step.text[lang])}`);
  }
}

const megabytes = (bytes: number): string => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
