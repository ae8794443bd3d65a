import { canonicalIp } from '../../core/address.ts';
import type { Program, ProgramDecoder } from '../../core/format.ts';
import { loginFailure, loginSuccess } from '../attempts.ts';

export const samba: Program = {
  id: 'samba',
  title: { zh: 'Samba 文件共享', en: 'Samba file sharing' },
  tags: ['smbd', 'samba', 'smbd_audit', 'winbindd', 'smb'],
  open,
};

/** `Auth: [SMB2,(null)] user [DOMAIN]\[name] at […] with [NTLMv2] status [NT_STATUS_…] workstation [x] remote host [ipv4:192.0.2.1:4321] …` */
function open(): ProgramDecoder {
  return {
    decode(message, event) {
      const at = message.indexOf('Auth: [');
      if (at < 0 || at > 160) return false;
      event.service = 'samba';
      // User, domain and workstation are the client's words on both sides: everything must agree.
      event.source_ip = remoteHost(message, at);
      const user = message.indexOf(' user [', at);
      const split = message.indexOf(']\\[', user);
      const end = message.indexOf('] at [', split);
      if (user > 0 && split > 0 && end > split) event.user = message.slice(split + 3, end);
      const status = message.indexOf(' status [', at);
      if (status < 0) return false;
      let success = true;
      for (let i = status; i >= 0; i = message.indexOf(' status [', i + 1)) if (!message.startsWith('NT_STATUS_OK]', i + 9)) success = false;
      return success ? loginSuccess(event) : loginFailure(event);
    },
  };
}

function remoteHost(message: string, from: number): string | undefined {
  let found: string | undefined;
  for (let at = message.indexOf(' remote host [ipv', from); at >= 0; at = message.indexOf(' remote host [ipv', at + 1)) {
    const close = message.slice(at, at + 90).indexOf(']');
    const text = close < 0 ? '' : message.slice(at + 19, at + close);
    const ip = canonicalIp(text.slice(0, text.lastIndexOf(':')));
    if (ip === undefined) continue;
    if (found !== undefined && found !== ip) return undefined;
    found = ip;
  }
  return found;
}
