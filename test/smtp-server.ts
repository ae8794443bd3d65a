/** A mail server of Debian's aiosmtpd on loopback: TLS from the start, STARTTLS that must be used, or neither; with accounts. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A mail as it came over the wire. */
export interface Mail { from: string; to: string[]; tls: boolean; user: string | null; data: string }
export interface MailServer { port: number; /** The certificate, which signs itself. */ ca: string; mails: () => Mail[]; close: () => Promise<void> }

const program = `
import asyncio, json, ssl, sys
sys.path.insert(0, '/usr/lib/python3/dist-packages')
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
mode, cert, key, out = sys.argv[1:5]
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(cert, key)
class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('nobody@'): return '550 5.1.1 no such user'
        if address.startswith('later@'): return '451 4.7.1 try again later'
        envelope.rcpt_tos.append(address)
        return '250 OK'
    async def handle_DATA(self, server, session, envelope):
        with open(out, 'a') as f:
            user = session.auth_data.login.decode() if getattr(session, 'auth_data', None) else None
            f.write(json.dumps({'from': envelope.mail_from, 'to': envelope.rcpt_tos, 'tls': session.ssl is not None or mode == 'implicit', 'user': user, 'data': envelope.content.decode('ascii')}) + '\\n')
        return '250 OK'
def check(server, session, envelope, mechanism, auth_data):
    ok = isinstance(auth_data, LoginPassword) and auth_data.login == b'moat' and auth_data.password == b'a mail password'
    return AuthResult(success=ok, handled=ok, auth_data=auth_data)
common = dict(authenticator=check)
def session():
    if mode == 'starttls': return SMTP(Handler(), tls_context=tls, require_starttls=True, auth_required=True, authenticator=check, loop=loop)
    if mode == 'implicit': return SMTP(Handler(), auth_required=True, auth_require_tls=False, authenticator=check, loop=loop)
    return SMTP(Handler(), loop=loop)
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
server = loop.run_until_complete(loop.create_server(session, '127.0.0.1', 0, ssl=tls if mode == 'implicit' else None))
print(server.sockets[0].getsockname()[1], flush=True)
loop.run_forever()
`;

/** `python`: Debian's own, which has aiosmtpd. */
export const python = '/usr/bin/python3';

export async function mailServer(mode: 'implicit' | 'starttls' | 'none'): Promise<MailServer> {
  const dir = mkdtempSync(join(tmpdir(), 'moat-mail-'));
  const [cert, key, out] = [join(dir, 'cert.pem'), join(dir, 'key.pem'), join(dir, 'mails')] as const;
  const made = spawnSync('/usr/bin/openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']);
  if (made.status !== 0) throw new Error(made.stderr.toString());
  const child = spawn(python, ['-c', program, mode, cert, key, out], { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { complaint += text; });
  const closed = once(child, 'close');
  const first = await Promise.race([once(child.stdout, 'data'), closed.then(() => { throw new Error(complaint); })]);
  return {
    port: Number(String(first[0]).trim()), ca: cert,
    mails: () => {
      try {
        return readFileSync(out, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Mail);
      } catch { return []; /* none yet */ }
    },
    close: async () => {
      child.kill('SIGKILL');
      await closed;
      rmSync(dir, { recursive: true });
    },
  };
}
