import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { deliverBy, hostileNotice, sampleItem, sampleNotice } from '../../../test/notices.ts';
import { freePort } from '../../../test/port.ts';
import { type MailServer, mailServer, python } from '../../../test/smtp-server.ts';
import { mail } from './notifier.ts';

let server: MailServer | undefined;
afterEach(async () => { await server?.close(); server = undefined; });
const account = { user: 'moat', password: 'a mail password' };
const people = { from: 'moat@shop.example', to: ['ops@shop.example', 'boss@shop.example'] };

/** The part of a mail of this type, decoded. */
function partOf(data: string, type: string): string {
  const at = data.indexOf(`Content-Type: ${type}`);
  const head = data.slice(at, data.indexOf('\r\n\r\n', at));
  const body = data.slice(data.indexOf('\r\n\r\n', at) + 4).split('\r\n--')[0]!;
  return /base64/i.test(head) ? Buffer.from(body, 'base64').toString('utf8') : Buffer.from(body.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1').toString('utf8');
}

describe.skipIf(lacks({ files: ['/usr/lib/python3/dist-packages/aiosmtpd/smtp.py', '/usr/bin/openssl', python], why: 'is the mail server' }))('mail', () => {
  it.each(['starttls', 'implicit'] as const)('goes over %s with an account, text, HTML and the alerts attached', async (tls) => {
    server = await mailServer(tls);
    const settings = { host: '127.0.0.1', port: server.port, tls, ca: server.ca, ...account, ...people };
    const notice = sampleNotice({ attachment: { name: 'moat-1.json', type: 'application/json', content: '[{"id":"3f2a90c1d4e5b677"}]\n' } });
    expect(await deliverBy(mail, settings, notice)).toEqual({ kind: 'sent' });
    const [sent] = server.mails();
    expect(sent).toMatchObject({ from: people.from, to: people.to, tls: true, user: 'moat' });
    const { data } = sent!;
    expect(data).toContain('Message-ID: <0123456789abcdef01234567@moat>');
    expect(partOf(data, 'text/plain')).toContain('来源地址：203.0.113.9 (NL)');
    expect(partOf(data, 'text/html')).toContain('<code>moat origin 203.0.113.9</code>');
    expect(partOf(data, 'application/json')).toBe('[{"id":"3f2a90c1d4e5b677"}]\n');
  });

  it('puts nothing of an attacker into headers or markup', async () => {
    server = await mailServer('none');
    const settings = { host: '127.0.0.1', port: server.port, tls: 'none', ...people };
    expect(await deliverBy(mail, settings, sampleNotice({ items: [sampleItem({ title: 'x\r\nBcc: evil@evil.example\r\n\r\n<script>' })] }))).toEqual({ kind: 'sent' });
    expect(await deliverBy(mail, settings, hostileNotice(200))).toEqual({ kind: 'sent' });
    const [first, second] = server.mails();
    expect(first).toMatchObject({ to: people.to, tls: false, user: null });
    for (const { data } of [first!, second!]) {
      expect(data.slice(0, data.indexOf('\r\n\r\n'))).not.toMatch(/^Bcc:/im);
      const page = partOf(data, 'text/html');
      expect(page.replace(/<\/?(?:b|br|h3|code|meta charset="utf-8")>|<!doctype html>/g, '')).not.toMatch(/[<>]/);
      expect(page).not.toMatch(/@|:\/\//);
    }
  });

  it('does not send in the clear unless it is told to', async () => {
    server = await mailServer('none');
    expect(await deliverBy(mail, { host: '127.0.0.1', port: server.port, ...people }, sampleNotice())).toMatchObject({ kind: 'refused', about: 'channel', code: 'ETLS' });
    expect(server.mails()).toEqual([]);
  });

  it('does not trust a certificate that nobody it knows has signed', async () => {
    server = await mailServer('starttls');
    const outcome = await deliverBy(mail, { host: '127.0.0.1', port: server.port, ...account, ...people }, sampleNotice());
    expect(outcome.kind).not.toBe('sent');
    expect(JSON.stringify(outcome)).toMatch(/self-signed/);
    expect(server.mails()).toEqual([]);
  });

  it('names what is wrong, without the password', async () => {
    server = await mailServer('starttls');
    const settings = { host: '127.0.0.1', port: server.port, ca: server.ca, ...account, ...people };
    const wrong = await deliverBy(mail, { ...settings, password: 'not the right one' }, sampleNotice());
    expect(wrong).toMatchObject({ kind: 'refused', about: 'channel', code: '535' });
    expect(JSON.stringify(wrong)).not.toContain('not the right');
    expect(await deliverBy(mail, { ...settings, to: ['nobody@shop.example'] }, sampleNotice())).toMatchObject({ kind: 'refused', about: 'channel', code: '550' });
    expect(await deliverBy(mail, { ...settings, to: ['later@shop.example'] }, sampleNotice())).toMatchObject({ kind: 'retry-after', code: '451' });
    expect(await deliverBy(mail, { ...settings, password: undefined }, sampleNotice())).toMatchObject({ kind: 'refused', about: 'channel', code: 'settings' });
    expect(await deliverBy(mail, { ...settings, ca: '/nonexistent/ca.pem' }, sampleNotice())).toMatchObject({ kind: 'refused', about: 'channel', code: 'settings' });
  });

  it('tells those who have it and those who do not apart', async () => {
    server = await mailServer('none');
    expect(await deliverBy(mail, { host: '127.0.0.1', port: server.port, tls: 'none', ...people, to: ['ops@shop.example', 'nobody@shop.example'] }, sampleNotice())).toMatchObject({ kind: 'refused', about: 'notice', code: 'rejected' });
    expect(server.mails()).toHaveLength(1);
  });
});

describe('mail to a server that is none', () => {
  it('says why', async () => {
    expect(await deliverBy(mail, { host: '127.0.0.1', port: await freePort(), ...people }, sampleNotice())).toMatchObject({ kind: 'retry-after', code: 'ESOCKET' });
    const web = createServer((socket) => { socket.on('error', () => socket.destroy()).end('HTTP/1.1 400 Bad Request\r\n\r\n'); });
    await new Promise<void>((resolve) => { web.listen(0, '127.0.0.1', resolve); });
    const outcome = await deliverBy(mail, { host: '127.0.0.1', port: (web.address() as AddressInfo).port, ...people }, sampleNotice());
    expect(outcome.kind).not.toBe('sent');
    web.close();
  });

  it('is given up, and the connection with it, when a server talks on and on', async () => {
    const closed: Promise<unknown>[] = [];
    const slow = createServer((socket) => {
      const timer = setInterval(() => socket.write('220-still here\r\n'), 5);
      closed.push(new Promise<void>((resolve) => { socket.on('error', () => undefined).on('close', () => { clearInterval(timer); resolve(); }); }));
    });
    await new Promise<void>((resolve) => { slow.listen(0, '127.0.0.1', resolve); });
    const cut = new AbortController();
    slow.once('connection', () => setTimeout(() => cut.abort(new Error('that is enough')), 50));
    await expect(mail.deliver(sampleNotice(), { host: '127.0.0.1', port: (slow.address() as AddressInfo).port, tls: 'none', ...people }, { signal: cut.signal, now: Date.now, secret: String })).rejects.toThrow('that is enough');
    await Promise.all(closed);
    expect(closed).toHaveLength(1);
    slow.close();
  });

  it('takes no line break in an address', async () => {
    await expect(deliverBy(mail, { host: '127.0.0.1', from: 'a@b.example\r\nBcc: x@y.example', to: ['a@b.example'] }, sampleNotice())).rejects.toThrow('expected one address');
  });
});
