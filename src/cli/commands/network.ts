import type { Receipt } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { askMoat, targetOf } from '../ask.ts';
import type { CheckRow, PolicyCheck } from '../../agent/firewall-policy.ts';
import type { ShownPlan } from '../../agent/response-network.ts';
import { sshConnection } from '../../linux/ssh-connection.ts';
import { colour } from '../colour.ts';
import { confirm } from '../confirm.ts';
import { duration } from '../duration.ts';
import type { Cli } from '../program.ts';
import { clock, jsonLine, safe } from '../terminal.ts';
import { operator, receiptJson } from '../receipt-text.ts';

const aliveMs = 300;

interface Usual { for?: number; why?: string; force?: boolean; yes?: boolean; json?: boolean }

/** Beyond blocking: isolate, release, limit, close-port, firewall. */
export function addNetwork({ program, lang, t }: Cli): void {
  const json = [t('每行一个 JSON 对象', 'one JSON object a line')] as const;
  const yes = [t('不再询问', 'do not ask')] as const;
  const why = [t('原因，记入审计', 'the reason, for the audit log')] as const;
  const forTime = [t('持续多久（如 1h、7d）；不写则直到撤销', 'for how long (1h, 7d); until it is taken back when left out')] as const;

  program.command('isolate')
    .description(t('隔离本机：只留回环、管理通道、DHCP 与邻居发现；管理通道不通或无人确认则自动撤销', 'cut this machine off from all but its management channel; taken back by itself when the channel fails or nobody confirms'))
    .option('--confirm-within <time>', t('多久内须确认，否则自动撤销；0s 为无须确认', 'to be confirmed within this time, else it is taken back; 0s needs no confirmation'), duration, 300_000)
    .option('--confirm [id]', t('确认隔离，不再自动撤销', 'confirm the isolation that stands: it stays until it is released'))
    .option('--for <time>', forTime[0], duration)
    .option('--why <text>', ...why)
    .option('--force', t('没有管理通道也隔离（之后只能从控制台进入）', 'also without a management channel: only the console remains'))
    .option('--yes', ...yes)
    .option('--json', ...json)
    .action(async (options: Usual & { confirmWithin: number; confirm?: string | true }) => {
      if (options.confirm !== undefined) {
        const receipt = (await ask('isolate-confirm', { by: operator(), ...(typeof options.confirm === 'string' && { id: options.confirm }) })) as Receipt;
        tell(receipt, options, t('隔离已确认，直到解除', 'the isolation is confirmed and stays'), 'moat release');
        return;
      }
      // From afar it is the connection to that server that counts, and the server knows it.
      const over = await targetOf(program) === undefined ? sshConnection() : undefined;
      const input = { ...(options.confirmWithin > 0 && { confirm_within: Math.ceil(options.confirmWithin / 1000) }), ...(over && { over }) };
      const receipt = await carryOut('isolate-host', input, options, over !== undefined);
      if (receipt) tell(receipt, options, t('本机已隔离', 'this machine is isolated'), receipt.until !== undefined && options.confirmWithin > 0 ? t(`请在 ${clock(receipt.until)} 前确认：moat isolate --confirm；解除：moat release`, `confirm before ${clock(receipt.until)}: moat isolate --confirm; to end it: moat release`) : 'moat release');
    });

  program.command('release')
    .description(t('解除本机的隔离', 'end the isolation of this machine'))
    .option('--why <text>', ...why)
    .option('--json', ...json)
    .action(async (options: Usual) => {
      const undone = (await ask('release', { by: operator(), why: options.why ?? '' })) as Receipt[];
      for (const receipt of undone) tell(receipt, options, t('隔离已解除', 'this machine is released'), '');
      if (undone.length === 0 && !options.json) console.log(t('本机没有被隔离', 'this machine is not isolated'));
    });

  program.command('limit [address]')
    .description(t('限速：一个地址或网段，或到一个端口（--port）', 'limit what comes from an address or network, or to a port (--port)'))
    .requiredOption('--rate <n/time>', t('最多多少，如 10/s、100/m、5/h', 'how much at most: 10/s, 100/m, 5/h'))
    .option('--port <port>', t('端口，如 443/tcp；每个来源分别计算', 'a port such as 443/tcp; each source is counted by itself'))
    .option('--together', t('端口的所有来源合计', 'all sources of the port together'))
    .option('--packets', t('限制数据包而非新连接', 'packets instead of new connections'))
    .option('--for <time>', forTime[0], duration)
    .option('--why <text>', ...why)
    .option('--force', t('正登录的来源、网关、DNS、管理端口也限制', 'also who is logged on, gateways, DNS servers and the management port'))
    .option('--yes', ...yes)
    .option('--json', ...json)
    .action(async (address: string | undefined, options: Usual & { rate: string; port?: string; together?: boolean; packets?: boolean }) => {
      const input = { ...(address !== undefined && { address }), ...(options.port !== undefined && { port: options.port }), rate: options.rate, of: options.packets ? 'packets' : 'connections', per_source: !options.together };
      const receipt = await carryOut('rate-limit', input, options);
      if (receipt) tell(receipt, options, receipt.title[lang], `moat undo ${receipt.id}`);
    });

  program.command('close-port <port>')
    .description(t('关闭端口：丢弃新连接，如 6379/tcp', 'close a port such as 6379/tcp to new connections'))
    .option('--except <network...>', t('仍可进入的地址与网段', 'addresses and networks that may still come'))
    .option('--for <time>', forTime[0], duration)
    .option('--why <text>', ...why)
    .option('--force', t('管理端口也关闭', 'also the management port'))
    .option('--yes', ...yes)
    .option('--json', ...json)
    .action(async (port: string, options: Usual & { except?: string[] }) => {
      const receipt = await carryOut('close-port', { port, except: options.except ?? [] }, options);
      if (receipt) tell(receipt, options, receipt.title[lang], `moat undo ${receipt.id}`);
    });

  const firewall = program.command('firewall').description(t('本机防火墙：端口白名单与分区（配置 firewall）', 'firewall of this machine: wanted ports and zones (firewall in the configuration)'));
  firewall.command('check')
    .description(t('端口白名单会让谁进入现在监听的端口、挡住什么', 'who could come to what listens now, and what the wanted ports would drop'))
    .option('--json', ...json)
    .action(async (options: Usual) => {
      const { enforced, rows } = (await ask('firewall-check', undefined)) as PolicyCheck;
      for (const row of rows) console.log(options.json ? jsonLine({ ...row, enforced }) : `${row.for === 'nobody' ? colour.red('⊘') : colour.green('●')} ${row.port}/${row.protocol}  ${safe(row.address === '' ? '*' : row.address)}  ${safe(row.program ?? '')}  ${forText(row)}${row.per_source === undefined ? '' : `  ${t('每来源', 'each source')} ${row.per_source}`}`);
      if (!options.json) console.log(enforced ? t('端口白名单已执行', 'the wanted ports are enforced') : t('端口白名单未执行（firewall.enforce）', 'the wanted ports are not enforced (firewall.enforce)'));
    });

  function forText(row: CheckRow): string {
    switch (row.for) {
      case 'any': return t('任何人', 'anybody');
      case 'some': return safe(row.from.join(', '));
      case 'channel': return t(`仅管理通道：${safe(row.from.join(', '))}`, `management channel only: ${safe(row.from.join(', '))}`);
      case 'nobody': return colour.red(t('不在白名单：丢弃', 'not wanted: dropped'));
    }
  }

  function ask(op: string, argument: unknown): Promise<unknown> { return askMoat(program, op, argument, { patient: true }); }

  /** Shows what would be done, asks on a terminal, does it. Undefined when the answer is no. `isAlive`: lets something pass on our own connection meanwhile. */
  async function carryOut(action: string, input: object, options: Usual, isAlive = false): Promise<Receipt | undefined> {
    const request = { action, input, by: operator(), why: options.why ?? '', ...(options.for !== undefined && { for_ms: options.for }), ...(options.force && { force: true }) };
    if (!options.yes) {
      const plan = (await ask('network-plan', request)) as ShownPlan;
      if (options.json) console.error(jsonLine({ plan }));
      else {
        console.error(`${colour.bold(safe(plan.title[lang]))}  ${plan.risk === 'high' ? colour.red(t('风险高', 'high risk')) : ''}`);
        for (const { text } of plan.steps) console.error(`  ${safe(text[lang])}`);
      }
      if (!(await confirm(t('照此执行？', 'Do this?'), t))) {
        if (!process.stdin.isTTY) throw new MoatError('not-confirmed', t('没有终端可问', 'there is no terminal to ask on'), { hint: t('加 --yes', 'use --yes') });
        console.error(t('什么也没有做', 'nothing was done'));
        process.exitCode = 1;
        return undefined;
      }
    }
    const dots = isAlive ? setInterval(() => process.stderr.write('.'), aliveMs) : undefined;
    try {
      return (await ask('network-do', request)) as Receipt;
    } finally {
      clearInterval(dots);
      if (dots) process.stderr.write('\n');
    }
  }

  function tell(receipt: Receipt, { json: isJson }: Usual, what: string, next: string): void {
    console.log(isJson ? jsonLine(receiptJson(receipt)) : `${colour.green('●')} ${safe(what)}  ${colour.dim(safe(next))}`);
  }
}
