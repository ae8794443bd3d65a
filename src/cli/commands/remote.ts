import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { MoatError } from '../../core/error.ts';
import { targetOf } from '../ask.ts';
import { colour } from '../colour.ts';
import { confirm } from '../confirm.ts';
import type { Cli } from '../program.ts';
import { checkName, checkUrl, here, readProfiles, readTokenFile, writeProfiles } from '../remote/profiles.ts';
import { missingAt, where } from '../remote/where.ts';
import { jsonLine, safe } from '../terminal.ts';

interface AddOptions { fingerprint?: string; tokenFile?: string; replace?: boolean; use?: boolean }

/** `moat remote`: servers that the command line may speak for. */
export function addRemote({ program, t }: Cli): void {
  const group = program.command('remote').description(t('远程服务器：用同样的命令查看与处置另一台机器上的 Moat', 'remote servers: the same commands for the Moat of another machine'));
  const unknown = (name: string): MoatError => new MoatError('remote', `there is no remote server named ${name}`, { zh: `没有名为 ${name} 的远程服务器`, hint: 'moat remote list' });

  group.command('list', { isDefault: true })
    .description(t('列出；● 为默认使用的', 'list them; ● is the one in use'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action((options: { json?: boolean }) => {
      const { remotes, use } = readProfiles();
      for (const [name, { url, fingerprint, token_file: file }] of Object.entries(remotes)) {
        if (options.json) { console.log(jsonLine({ name, url, in_use: name === use, ...(fingerprint !== undefined && { fingerprint }), ...(file !== undefined && { token_file: file }) })); continue; }
        console.log(`${name === use ? colour.green('●') : '○'} ${safe(name)}  ${safe(url)}${file === undefined ? '' : colour.dim(`  ${t('令牌', 'token')} ${safe(file)}`)}`);
        if (fingerprint !== undefined) console.log(colour.dim(`    SHA-256 ${safe(fingerprint)}`));
      }
      if (Object.keys(remotes).length === 0 && !options.json) console.log(t('还没有远程服务器；moat remote add 名称 网址', 'no remote servers yet; moat remote add NAME URL'));
    });

  group.command('add <name> <url>')
    .description(t('添加：看它的证书，核对指纹后只信任这一个签发者', 'add one: look at its certificate and, once its fingerprint is confirmed, trust this authority alone'))
    .option('--fingerprint <sha256>', t('证书的 SHA-256 指纹（在那台机器上用 moat server 查看）；相符则不再询问', 'SHA-256 of its certificate, as moat server shows it there; nothing is asked when it is the same'))
    .option('--token-file <file>', t('存放 API 令牌的文件，权限须为 600', 'the file that holds the API token, mode 600'))
    .option('--use', t('设为默认', 'use it from now on'))
    .option('--replace', t('替换同名的（例如服务器换了证书）', 'in place of one of this name, such as when the server has a new certificate'))
    .action(async (given: string, address: string, options: AddOptions) => {
      const name = checkName(given), url = checkUrl(address);
      const profiles = readProfiles();
      const known = Object.hasOwn(profiles.remotes, name) ? profiles.remotes[name] : undefined;
      if (known && !options.replace) throw new MoatError('remote', `there is a remote server named ${name} already: ${known.url}`, { zh: `已有名为 ${name} 的远程服务器：${known.url}`, hint: '--replace' });
      const file = options.tokenFile === undefined ? known?.token_file : resolve(options.tokenFile);
      if (options.tokenFile !== undefined && file !== undefined) readTokenFile(file);
      let trust: { ca?: string; fingerprint?: string } = {};
      if (url.startsWith('https:')) {
        const { isSameFingerprint, lookAt } = await import('../remote/http.ts');
        const { ca, fingerprint, issuer, ends } = await lookAt(url);
        if (options.fingerprint !== undefined) {
          if (!isSameFingerprint(options.fingerprint, fingerprint)) throw new MoatError('not-trusted', `the certificate of ${url} has the fingerprint ${fingerprint}, not the one that was given`, { zh: `${url} 证书的指纹是 ${fingerprint}，与给出的不符`, hint: { zh: '可能有人在中间冒充；在那台机器上用 moat server 核对', en: 'somebody may stand in between; compare with moat server on that machine' } });
        } else {
          console.error(`${safe(url)}\n  SHA-256 ${fingerprint}\n  ${t('签发者', 'issued by')} ${safe(issuer)}${t('，有效至 ', ', until ')}${safe(ends)}`);
          if (!process.stdin.isTTY) throw new MoatError('not-confirmed', 'there is no terminal to ask on; nothing was added', { zh: '没有终端可以询问，什么也没添加', hint: `--fingerprint ${fingerprint}` });
          if (!await confirm(t('与那台机器上 moat server 显示的指纹相同吗？', 'Is this the fingerprint that moat server shows on that machine?'), t)) { console.error(t('什么也没添加', 'nothing was added')); process.exitCode = 1; return; }
        }
        trust = { ca, fingerprint };
      }
      writeProfiles({ ...profiles, remotes: { ...profiles.remotes, [name]: { url, ...trust, ...(file !== undefined && { token_file: file }) } }, ...(options.use && { use: name }) });
      console.log(`${colour.green('●')} ${t(`已添加 ${name}：moat --remote ${name} status`, `${name} is added: moat --remote ${name} status`)}`);
      if (file === undefined) console.log(colour.dim(t('还没有令牌：在控制台“系统”中生成，写进权限为 600 的文件，再加 --token-file；或设环境变量 MOAT_TOKEN_FILE', 'it has no token yet: make one in the console (System), put it into a file of mode 600 and name it by --token-file, or set MOAT_TOKEN_FILE')));
    });

  group.command('check [name]')
    .description(t('看那里是哪个版本、哪些命令可用；不写名称则为默认的', 'which version is there, and which commands work; the one in use when no name is given'))
    .option('--json', t('输出 JSON', 'print JSON'))
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const [{ targetOf: chosen }, { fetchFrom }, { aboutOf, standing }, { version }, { contract }] = await Promise.all([import('../remote/profiles.ts'), import('../remote/http.ts'), import('../remote/version.ts'), import('../version.ts'), import('../../api/contract/revision.ts')]);
      const target = chosen(name);
      if (target === undefined) throw new MoatError('remote', 'no remote server is in use', { zh: '没有使用中的远程服务器', hint: 'moat remote check NAME' });
      // Before revision 2 nobody said it.
      const told = await aboutOf(fetchFrom(target)) ?? { version: '?', contract: 1, oldest: 1 };
      const is = standing(told), missing = is === 'too-new' || is === 'too-old' ? Object.keys(where) : missingAt(told.contract);
      if (options.json) { console.log(jsonLine({ url: target.url, version: told.version, contract: told.contract, here: { version: version(), contract }, is, missing })); return; }
      console.log(`${is === 'same' ? colour.green('●') : colour.yellow('●')} ${safe(target.url)}  Moat ${safe(told.version)}${t('，接口修订 ', ', contract ')}${told.contract}  ${colour.dim(t(`（这里是 ${version()}，修订 ${contract}）`, `(here ${version()}, contract ${contract})`))}`);
      console.log({
        'same': t('版本相容：能远程使用的命令都可用', 'of one revision: every command that works from afar works'), 'newer': t('那里更新：这里的命令都可用；新的功能需要升级这里的 moat', 'it is newer: all commands of this moat work; what is new there needs a newer moat here'),
        'older': t(`那里更旧：还不能用 ${missing.join('、')}；请升级那里的 Moat`, `it is older: these do not work yet: ${missing.join(', ')}; update the Moat there`), 'too-new': t('那里太新，已不支持这里的 moat：请升级这里', 'it is too new and no longer understands this moat: update this one'), 'too-old': t('那里太旧：请升级那里的 Moat', 'it is too old: update the Moat there'),
      }[is]);
      if (is === 'too-new' || is === 'too-old') process.exitCode = 1;
    });

  group.command('remove <name>')
    .description(t('删除；令牌文件不动', 'take it away; the file of its token stays'))
    .action((name: string) => {
      const { remotes, use, version } = readProfiles();
      if (!Object.hasOwn(remotes, name)) throw unknown(name);
      const file = remotes[name]!.token_file;
      writeProfiles({ version, remotes: Object.fromEntries(Object.entries(remotes).filter(([one]) => one !== name)), ...(use !== undefined && use !== name && { use }) });
      console.log(t(`已删除 ${name}`, `${name} is gone`));
      if (file !== undefined && existsSync(file)) console.log(colour.dim(t(`令牌仍在 ${safe(file)}；不再需要就在控制台撤销它`, `its token is still in ${safe(file)}; revoke it in the console when it is not needed any more`)));
    });

  group.command('use <name>')
    .description(t(`之后的命令都对它执行；${here} 为回到本机`, `commands are for it from now on; ${here} is this machine again`))
    .action((name: string) => {
      const { use: _, ...profiles } = readProfiles();
      if (name !== here && !Object.hasOwn(profiles.remotes, name)) throw unknown(name);
      writeProfiles({ ...profiles, ...(name !== here && { use: name }) });
      console.log(name === here ? t('之后的命令对本机执行', 'commands are for this machine') : t(`之后的命令对 ${name} 执行；回到本机：moat remote use ${here}`, `commands are for ${name}; back to this machine: moat remote use ${here}`));
    });
}

/** Before a command begins: refuses what does not work from afar, or is not known there yet, rather than doing it here or by halves. */
export async function guardRemote({ program, t }: Cli, words: readonly string[]): Promise<void> {
  const named = words.join(' '), row = where[named];
  if (row?.is === 'here' && program.opts<{ remote?: string }>().remote === undefined) return;
  const target = await targetOf(program);
  if (target === undefined) return;
  const other = target.name ?? target.url;
  if (row === undefined || !('since' in row)) throw new MoatError('not-remote', `moat ${named} works on the machine itself only, and ${other} is another${row === undefined ? '' : `: ${row.why.en}`}`, { zh: `moat ${named} 只能在那台机器上运行，而 ${other} 是另一台${row === undefined ? '' : `：${row.why.zh}`}`, hint: { zh: '登录到那台机器上运行；对本机：--remote local', en: 'log on there and run it; for this machine: --remote local' } });
  if (!target.named && process.stderr.isTTY) console.error(colour.dim(t(`（对 ${safe(target.name ?? '')} ${safe(target.url)}）`, `(for ${safe(target.name ?? '')} ${safe(target.url)})`)));
  if (row.since > 1) {
    const [{ fetchFrom }, { mustKnow }] = await Promise.all([import('../remote/http.ts'), import('../remote/version.ts')]);
    await mustKnow(target.url, named, fetchFrom(target));
  }
}
