import { openvpn as program } from '../../programs/openvpn/program.ts';
import { ctimeDate, daemonFile, isoDate } from '../daemon-file.ts';

/** openvpn.log: `2026-11-22 02:27:01 [us=123456 ]192.0.2.1:1194 text`, before 2.5 with `Sun Nov 22 02:27:01 2026`. */
export const openvpn = daemonFile({
  id: 'openvpn',
  title: { zh: 'OpenVPN 日志', en: 'OpenVPN log' },
  paths: ['/var/log/openvpn.log', '/var/log/openvpn/*.log', '/etc/openvpn/openvpn.log'],
  kind: 'application',
  service: 'openvpn',
  sniff(line) {
    const at = isoDate(line) && line.charCodeAt(10) === 32 ? 19 : ctimeDate(line) ? 24 : -1;
    return at > 0 && shape.test(line.slice(at, at + 160)) ? 0.95 : 0;
  },
  head(line, times, head) {
    head.time = isoDate(line) ? times.iso(line, 0) : times.ctime(line, 0);
    if (times.next < 0) return false;
    let at = times.next;
    while (line.charCodeAt(at) === 32) at += 1;
    if (line.startsWith('us=', at)) at = line.indexOf(' ', at) + 1;
    if (at === 0) return false;
    head.message = line.slice(at);
    return true;
  },
  program,
});

const shape = /^ (?:us=\d{1,6} )?(?:[^ /]{1,64}\/)?(?:\[AF_INET6?\])?(?:\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}:\d{1,5}|[0-9a-f:]{3,39}:\d{1,5})(?:\/[^ /]{1,64})? |^ (?:us=\d{1,6} )?(?:OpenVPN \d|MULTI: |TLS Error: |TLS: |SIGUSR1|SIGTERM|Incoming Control Channel|Outgoing Control Channel|Initialization Sequence|library versions: OpenSSL|TCP connection established|UDPv[46] link|TUN\/TAP |IFCONFIG POOL|Control Channel|PLUGIN_)/;
