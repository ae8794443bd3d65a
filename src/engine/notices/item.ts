/** What a notice says of an alert or a question, in one language. */
import type { Alert } from '../../core/alert.ts';
import { canonicalIp } from '../../core/address.ts';
import type { ActionRequest, NoticeItem } from '../../core/notice.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { Lang, Text } from '../../core/text.ts';
import { meaningOf } from './meaning.ts';

export type AlertHead = Omit<Alert, 'evidence'>;

/** A queue holds many of them; the ledger has the rest. */
const keptChars = 700;

/** The alert as the queue keeps it. */
export function headOf(alert: Alert): AlertHead {
  const { evidence: _, lines: __, summary, origin, path, user, key, ...head } = alert;
  return {
    ...head, summary: cut(summary), key: key.slice(0, 100),
    ...(origin !== undefined && { origin: cut(origin) }), ...(path !== undefined && { path: cut(path) }), ...(user !== undefined && { user: cut(user) }),
  };
}

const cut = (text: string): string => (text.length > keptChars ? `${text.slice(0, keptChars)}…` : text);

/** `spoken`: the language the alert's summary and origin are in. `words`: of the rule that judged it. */
export function itemOf(alert: AlertHead, lang: Lang, spoken: Lang, words: { description?: Text; advice?: Text } = {}): NoticeItem {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const { source_ip, source_country, origin, origin_ip, user, service, path, pid } = alert;
  const title = alert.title[lang];
  const facts: { label: string; value: string }[] = [];
  const fact = (zh: string, en: string, value: string | undefined): void => { if (value !== undefined && value !== '') facts.push({ label: t(zh, en), value: maskSecrets(value) }); };
  // In another language than the reader's it says nothing that the facts do not.
  if (lang === spoken && alert.summary !== title) fact('经过', 'what happened', alert.summary);
  fact('来源地址', 'address', source_ip === undefined ? origin_ip : `${source_ip}${source_country !== undefined && source_country !== 'ZZ' ? ` (${source_country})` : ''}`);
  fact('账号', 'account', user);
  fact('服务', 'service', service);
  fact('程序或文件', 'program or file', path);
  fact('进程', 'process', pid === undefined ? undefined : String(pid));
  fact('来由', 'origin', origin);
  // In plain words where the technique is known; else as the rule itself says it.
  const means = (meaningOf(alert.attack) ?? words.description)?.[lang].replaceAll(/\s+/g, ' ').trim();
  return {
    id: alert.id, level: alert.level, title: maskSecrets(title), host: alert.host, time: alert.time, last: alert.last_time, count: alert.count, facts,
    ...(means !== undefined && { means }), ...(words.advice && { advice: words.advice[lang] }), next: [...originCommand(alert), `moat alerts show ${plainWord.test(alert.id) ? alert.id : ''}`.trim()],
  };
}

const plainWord = /^[A-Za-z0-9-]{1,64}$/;
/** A path that a shell and a chat leave as it is: an attacker names files, and people copy commands. */
const plainPath = /^(?:\/[A-Za-z0-9.+-]+(?:_[A-Za-z0-9.+-]+)*){1,30}$/;

/** An attack from outside is looked at from its address: the process that served it has mostly ended. */
function originCommand({ pid, path, source_ip, origin_ip }: AlertHead): string[] {
  const outside = canonicalIp(source_ip ?? '');
  if (outside !== undefined) return [`moat origin ${outside}`];
  if (pid !== undefined && Number.isSafeInteger(pid) && pid > 0) return [`moat origin ${pid}`];
  if (path !== undefined && path.length <= 200 && plainPath.test(path)) return [`moat origin ${path}`];
  const address = canonicalIp(origin_ip ?? '');
  return address === undefined ? [] : [`moat origin ${address}`];
}

/** A question, with the commands that answer it. */
export function requestItem(request: ActionRequest, lang: Lang, host: string, tokens: { approve: string; reject: string }, zoneText: string, url?: string): NoticeItem {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  return {
    id: request.id, level: request.level, title: `${t('需要批准：', 'approval needed: ')}${maskSecrets(request.what[lang])}`, host, time: request.created, last: request.created, count: 1,
    facts: [{ label: t('截止', 'until'), value: zoneText }, ...(url === undefined ? [] : [{ label: t('同意', 'approve'), value: `${url}/approve/${tokens.approve}` }, { label: t('拒绝', 'reject'), value: `${url}/approve/${tokens.reject}` }])],
    means: url === undefined ? t('在这台服务器上运行下列命令之一；每条只能用一次，过期作废', 'run one of the commands on this server; each works once, and not after its time') : t('打开链接后按按钮，或在这台服务器上运行下列命令之一；只能用一次，过期作废', 'open a link and press its button, or run one of the commands on this server; each works once, and not after its time'),
    next: [`moat approve ${tokens.approve}`, `moat reject ${tokens.reject}`],
  };
}
