import { askMoat } from '../ask.ts';
import { MoatError } from '../../core/error.ts';
import { colour } from '../colour.ts';
import { configPath } from '../globals.ts';
import type { Cli } from '../program.ts';
import { jsonLine, safe } from '../terminal.ts';

interface ServerState { url?: string; fingerprint?: string; set_up?: boolean }

export function addServer({ program, t }: Cli): void {
  const server = program.command('server').description(t('API 服务（配置 server.enabled 启用）', 'the API server (on with server.enabled)'));
  const off = (): MoatError => new MoatError('off', t('API 服务没有开启', 'the API server is off'), { hint: t(`在 ${configPath(program)} 中写 server: { enabled: true }，保存后立即生效`, `write server: { enabled: true } into ${configPath(program)}; it takes effect at once`) });

  server.command('show', { isDefault: true })
    .description(t('地址与证书指纹', 'its address, and the fingerprint of its certificate'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (options: { json?: boolean }) => {
      const state = await askMoat(program, 'server') as ServerState;
      if (options.json) { console.log(jsonLine({ ...state })); return; }
      if (state.url === undefined) throw off();
      console.log(`${colour.green('●')} ${safe(state.url)}`);
      if (state.fingerprint !== undefined) console.log(colour.dim(t(`  证书 SHA-256 指纹 ${state.fingerprint}`, `  certificate, SHA-256 ${state.fingerprint}`)));
      if (state.set_up === true) console.log(t('  还没有所有者；取一次性设置链接：moat server set-up', '  it has no owner yet; a one-time link: moat server set-up'));
    });

  server.command('set-up')
    .description(t('打印创建第一个所有者的一次性链接（一小时内有效，旧链接作废）', 'print the one-time link that makes the first owner; good for an hour, earlier ones are void'))
    .action(async () => {
      const { url, link } = await askMoat(program, 'server-set-up') as { url?: string; link?: string };
      if (url === undefined) throw off();
      if (link === undefined) throw new MoatError('set-up', t('已有所有者', 'there is an owner already'), { hint: t('请所有者登录后新建账号', 'let the owner log on and make accounts') });
      console.log(safe(link));
    });
}
