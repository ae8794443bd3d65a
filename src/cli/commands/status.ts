import { askMoat } from '../ask.ts';
import type { AgentStatus } from '../../agent/agent.ts';
import type { Cli } from '../program.ts';
import { statusLines } from '../status-text.ts';
import { jsonLine } from '../terminal.ts';

export function addStatus({ program, lang, t }: Cli): void {
  program.command('status')
    .description(t('正在运行的 Moat：在看什么、丢了什么、学到多少', 'the running Moat: what it watches, what was dropped, how much it has learned'))
    .option('--json', t('输出 JSON', 'print JSON'))
    .action(async (options: { json?: boolean }) => {
      const status = (await askMoat(program, 'status')) as AgentStatus;
      console.log(options.json ? jsonLine(status) : statusLines(status, lang).join('\n'));
    });
}
