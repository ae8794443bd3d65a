/** Mail over SMTP: 465 is TLS from the start, every other port must speak STARTTLS unless `tls` says otherwise. */
import { readFileSync } from 'node:fs';
import type { SMTPTransportOptions } from 'nodemailer';
import * as z from 'zod';
import type { Outcome } from '../../core/notice.ts';
import { cutBytes, escapeHtml, inert } from '../inert.ts';
import { layOut, titleOf, wholePage, type Paper } from '../layout.ts';
import { notifier, NotifierError } from '../port.ts';
import { secret } from '../settings.ts';

/** Bytes of the text and of the HTML; an attachment comes on top. */
const limits = { perMinute: 20, bytes: 200_000 };
/** Of silence; and of a whole mail, for a server that says a byte now and then. */
const timeoutMs = 20_000, wholeMs = 120_000;
const address = z.string().max(320).regex(/^[^\s@<>",;:\\\p{Cc}]{1,64}@[^\s@<>",;:\\\p{Cc}]{1,253}$/u, 'expected one address such as ops@example.com');
const hostName = z.string().regex(/^[A-Za-z0-9.:_-]{1,253}$/);

const paper: Paper = { text: inert, strong: inert, command: (words) => words, newLine: '\n' };
const html: Paper = { text: (raw) => escapeHtml(inert(raw)), strong: (raw) => `<b>${escapeHtml(inert(raw))}</b>`, command: (words) => `<code>${escapeHtml(words)}</code>`, newLine: '<br>\n' };

export const mail = notifier({
  id: 'mail',
  title: { zh: '邮件', en: 'mail' },
  settings: {
    host: hostName.meta({ zh: 'SMTP 服务器', en: 'SMTP server' }),
    port: z.number().int().min(1).max(65_535).default(465).meta({ zh: '端口：465 为 TLS，587 为 STARTTLS', en: 'port: 465 is TLS, 587 STARTTLS' }),
    tls: z.enum(['auto', 'implicit', 'starttls', 'none']).default('auto').meta({ zh: 'auto 按端口；none 表示不加密（仅用于本机或可信内网）', en: 'auto goes by the port; none sends without encryption: for this machine or a trusted network only' }),
    ca: z.string().startsWith('/').max(4096).optional().meta({ zh: '服务器证书的 CA 文件', en: 'file of the authority that signed the server\'s certificate' }),
    user: z.string().min(1).max(320).optional().meta({ zh: '账号', en: 'account' }),
    password: secret.optional().meta({ zh: '口令或授权码', en: 'password' }),
    from: address.meta({ zh: '发件人', en: 'sender' }),
    to: z.array(address).min(1).max(50).meta({ zh: '收件人', en: 'recipients' }),
    attach: z.boolean().default(true).meta({ zh: '是否附上告警全文与证据（JSON）', en: 'whether the alerts with their evidence are attached (JSON)' }),
  },
  limits,

  render(notice) {
    const title = inert(titleOf(notice));
    const bytes = (text: string): number => Buffer.byteLength(text);
    const page = layOut(notice, html, limits.bytes - 1000 - bytes(escapeHtml(title)), bytes);
    return {
      id: notice.id, subject: cutBytes(title, 200), text: `${title}\n\n${wholePage(layOut(notice, paper, limits.bytes, bytes), paper.newLine)}\n`,
      html: `<!doctype html><meta charset="utf-8"><h3>${escapeHtml(title)}</h3>\n${wholePage(page, html.newLine)}`, attachment: notice.attachment,
    };
  },

  async send({ id, subject, text, html: page, attachment }, settings, { secret: secretOf, signal }) {
    const { host, port, tls, ca, user, password, from, to } = settings;
    if ((user === undefined) !== (password === undefined)) throw new NotifierError('settings', { zh: 'user 与 password 要么都写，要么都不写', en: 'expected user and password, or neither' });
    const options: SMTPTransportOptions = {
      host, port, secure: tls === 'implicit' || (tls === 'auto' && port === 465), requireTLS: tls !== 'none', ignoreTLS: tls === 'none',
      tls: { minVersion: 'TLSv1.2', ...(ca !== undefined && { ca: certificate(ca) }) },
      connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs,
      disableFileAccess: true, disableUrlAccess: true,
      ...(user !== undefined && password !== undefined && { auth: { user, pass: secretOf(password) } }),
    };
    const { createTransport } = await import('nodemailer');
    const transport = createTransport(options);
    try {
      const { rejected } = await transport.sendMail({
        signal: AbortSignal.any([signal, AbortSignal.timeout(wholeMs)]), from, to, subject, text, html: page, messageId: `<${id}@moat>`, headers: { 'X-Moat-Event-Id': id, 'Auto-Submitted': 'auto-generated' },
        ...(attachment && { attachments: [{ filename: attachment.name, contentType: attachment.type, content: attachment.content }] }),
      });
      if (rejected.length > 0) return { kind: 'refused', about: 'notice', code: 'rejected', what: { zh: `部分收件人被拒（${rejected.length} 个），其余已收到`, en: `${rejected.length} of the recipients were refused, the others have it` } };
      return { kind: 'sent' };
    } catch (error) {
      signal.throwIfAborted();
      return judge(error);
    } finally {
      transport.close();
    }
  },

  target: ({ host, port }) => ({ host, port }),
  attaches: ({ attach }) => attach,
});

function certificate(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new NotifierError('settings', { zh: `读不了 CA 文件 ${path}：${(error as NodeJS.ErrnoException).code}`, en: `cannot read the file of the authority ${path}: ${(error as NodeJS.ErrnoException).code}` }, { cause: error });
  }
}

function judge(error: unknown): Outcome {
  const { code = 'error', responseCode, response, message } = error as { code?: string; responseCode?: number; response?: string; message?: string };
  const said = response === undefined ? '' : ` ${response}`;
  const word = responseCode === undefined ? code : String(responseCode);
  // A server without STARTTLS calls that a passing trouble (454).
  if (code !== 'ETLS' && responseCode !== undefined && responseCode >= 400 && responseCode < 500) return { kind: 'retry-after', code: word, what: { zh: `服务器暂时不收，稍后再发${said}`, en: `the server does not take it now; sent again later${said}` } };
  switch (code) {
    case 'EAUTH': case 'ENOAUTH': return { kind: 'refused', about: 'channel', code: word, what: { zh: `登录失败：检查账号与口令（多数邮箱要用授权码）${said}`, en: `cannot log in: look at user and password (many providers want a password of its own)${said}` } };
    case 'ETLS': return { kind: 'refused', about: 'channel', code, what: { zh: '服务器不支持 STARTTLS，或加密失败；换端口 465，或确认证书；仅在可信内网可写 tls: none', en: 'the server offers no STARTTLS, or encryption failed; take port 465, or look at the certificate; tls: none in a trusted network only' } };
    case 'EENVELOPE': return { kind: 'refused', about: 'channel', code: word, what: { zh: `服务器不接受发件人或收件人${said}`, en: `the server does not take the sender or a recipient${said}` } };
    case 'EMESSAGE': return { kind: 'refused', about: 'notice', code: word, what: { zh: `服务器不接受这封邮件${said}`, en: `the server does not take this message${said}` } };
    case 'EABORT': return { kind: 'retry-after', code: 'timeout', what: { zh: '邮件服务器太慢，没有及时收下', en: 'the server is too slow: it did not take the mail in time' } };
    case 'ESOCKET': case 'ECONNECTION': case 'ETIMEDOUT': case 'EDNS': return { kind: 'retry-after', code, what: { zh: `连不上服务器：${message ?? code}`, en: `cannot reach the server: ${message ?? code}` } };
    default: return { kind: 'refused', about: 'unknown', code: word, what: { zh: `邮件没有发出：${message ?? code}`, en: `not sent: ${message ?? code}` } };
  }
}
