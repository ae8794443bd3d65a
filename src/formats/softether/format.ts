import type { Event } from '../../core/format.ts';
import { loginFailure, mark } from '../../programs/attempts.ts';
import { takePeer } from '../../programs/peer.ts';
import { daemonFile, isoDate } from '../daemon-file.ts';

/** SoftEther VPN's security log, `2026-11-22 02:27:01.781 Connection "CID-72": text`, and the same sent by syslog with `<SECURITY_LOG>: ` before it. */
export const softether = daemonFile({
  id: 'softether',
  title: { zh: 'SoftEther VPN 日志', en: 'SoftEther VPN log' },
  paths: ['/usr/local/vpnserver/security_log/*/sec_*.log', '/opt/vpnserver/security_log/*/sec_*.log'],
  kind: 'application',
  service: 'softether',
  sniff: (line) => (isoDate(line) && line.slice(0, 300).includes(' Connection "CID-') ? 0.95 : 0),
  head(line, times, head) {
    const at = isoDate(line) ? line.indexOf(' Connection "CID-') : -1;
    if (at < 0 || at > 300) return false;
    head.time = times.iso(line, 0);
    head.message = line.slice(at + 1);
    return times.next >= 0;
  },
  program: { open: () => ({ decode }) },
});

function decode(message: string, event: Event): boolean {
  event.service = 'softether';
  const end = message.indexOf('": ');
  event.session = message.slice(12, end);
  if (!message.startsWith('User authentication failed. The user name that has been provided was "', end + 3)) return mark(event, 'session', 'message', 'unknown');
  // The name is in quotes before the address, which ends the line.
  const from = message.lastIndexOf('", from ');
  if (from < 0 || !takePeer(message.slice(from + 8).replace(/\.\s*$/, ''), event)) return false;
  event.user = message.slice(end + 73, from);
  return loginFailure(event);
}
