import { userInfo } from 'node:os';
import { askMoat } from '../ask.ts';
import type { Answered } from '../../agent/notices.ts';
import type { ActionRequest, Answer } from '../../core/notice.ts';
import { colour } from '../colour.ts';
import type { Cli } from '../program.ts';
import { clock, jsonLine, levelWord, safe } from '../terminal.ts';

/** `moat approve TOKEN`, `moat reject TOKEN`: answers to a question that a notice put. */
export function addApprove({ program, lang, t }: Cli): void {
  const faults: Record<Exclude<Answered, { done: true }>['fault'], string> = {
    malformed: t('这不是完整的批准码；从通知里整个复制', 'this is no whole token; copy all of it from the notice'),
    forged: t('签名不符：批准码有误，或不是这台服务器发的', 'the signature does not match: a wrong token, or one of another server'),
    expired: t('已过期', 'it has expired'),
    unknown: t('没有这个请求', 'there is no such request'),
    answered: t('已经有人答复过', 'somebody has answered already'),
    used: t('这个批准码已经用过', 'this token was used already'),
    decided: '',
    'other-answer': t('这个批准码是另一种答复的', 'this token is for the other answer'),
  };
  const command = (answer: Answer, text: string): void => {
    program.command(`${answer} [token]`).description(text)
      .option('--json', t('输出 JSON', 'print JSON'))
      .addHelpText('after', t('\n不写批准码则列出等待答复的请求。退出码：0 完成，1 未接受', '\nWithout a token it lists what waits for an answer. Exit code: 0 done, 1 not taken'))
      .action(async (token: string | undefined, options: { json?: boolean }) => {
        if (token === undefined) { await list(options.json === true); return; }
        const by = process.env['SUDO_USER'] ?? userInfo().username;
        const reply = (await askMoat(program, 'answer', { token, answer, by })) as Answered;
        if (!reply.done) process.exitCode = 1;
        const what = reply.request?.what[lang];
        if (options.json) console.log(jsonLine(reply.done ? { done: true, request: reply.request } : { done: false, fault: reply.fault, ...(reply.request && { request: reply.request }) }));
        else if (reply.done) console.log(`${colour.green('●')} ${answer === 'approve' ? t('已批准', 'approved') : t('已拒绝', 'rejected')}${what === undefined ? '' : `: ${safe(what)}`}`);
        else console.log(`${colour.red('✕')} ${faults[reply.fault]}${what === undefined ? '' : `: ${safe(what)}`}`);
      });
  };
  const list = async (json: boolean): Promise<void> => {
    const waiting = (await askMoat(program, 'requests')) as ActionRequest[];
    for (const request of waiting) console.log(json ? jsonLine(request) : `${levelWord(request.level, lang)} ${safe(request.what[lang])}  ${colour.dim(t(`截止 ${clock(request.expires)}`, `until ${clock(request.expires)}`))}`);
    if (waiting.length === 0 && !json) console.log(t('没有等待答复的请求', 'nothing waits for an answer'));
  };
  command('approve', t('批准通知里的请求（批准码只能用一次）', 'approve what a notice asks (its token works once)'));
  command('reject', t('拒绝通知里的请求', 'reject what a notice asks'));
}
