import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { mark } from '../attempts.ts';
import { takePeer, takePeerOrName } from '../peer.ts';

/** Doors and door-keepers that say only who was turned away. */
export const guards: Program = {
  id: 'guards',
  title: { zh: '端口守卫（xinetd、portsentry、scanlogd、NRPE、stunnel）', en: 'door-keepers (xinetd, portsentry, scanlogd, NRPE, stunnel)' },
  tags: ['xinetd', 'portsentry', 'scanlogd', 'nrpe', 'nagios', 'stunnel', 'stunnel4', 'tcpd', 'danted', 'sockd'],
  open,
};

function open(): ProgramDecoder {
  return {
    decode(message, event) {
      const known = xinetd(message, event) || portsentry(message, event) || nrpe(message, event) || scanlogd(message, event) || stunnel(message, event);
      if (!known) return false;
      event.service = (event.process_name ?? '').toLowerCase();
      return true;
    },
  };
}

/** `FAIL: telnet address from=192.0.2.1`, `… libwrap from=…` */
function xinetd(message: string, event: Event): boolean {
  const found = /^FAIL: (\S{1,64}) (address|libwrap|per_source_limit|service_limit|connections per second|load|time) (?:from=)?(\S{2,255})$/.exec(message);
  return found !== null && takePeerOrName(found[3] ?? '', event) && mark(event, 'network', 'reject', 'failure');
}

/** `attackalert: TCP SYN/Normal scan from host: name/192.0.2.1 to TCP port: 1` */
function portsentry(message: string, event: Event): boolean {
  if (!message.startsWith('attackalert: ')) return false;
  const found = / host: [^/\s]{1,255}\/([0-9A-Fa-f.:]{2,46})(?: |$)/.exec(message.slice(0, 500));
  return found !== null && takePeer(found[1] ?? '', event) && mark(event, 'network', 'scan', 'failure');
}

/** `Host 192.0.2.1 is not allowed to talk to us!` */
function nrpe(message: string, event: Event): boolean {
  const found = /^(?:Error: )?Host (\S{2,46}) is not allowed to talk to us!/.exec(message);
  return found !== null && takePeer(found[1] ?? '', event) && mark(event, 'network', 'reject', 'failure');
}

/** `192.0.2.1[:4321] to 192.0.2.9 ports 80, 81, …, flags ??S???, TOS 00 @02:27:01` */
function scanlogd(message: string, event: Event): boolean {
  const found = /^(\S{2,60}) to \S{1,60} ports \d/.exec(message);
  return found !== null && takePeer(found[1] ?? '', event) && mark(event, 'network', 'scan', 'failure');
}

/** `LOG3[…]: SSL_accept from 192.0.2.1:4321 : …` and `SSL_accept: … ` without an address, which says nothing of who. */
function stunnel(message: string, event: Event): boolean {
  const found = /^(?:LOG\d\[[^\]]{1,40}\]:? )?(?:SSL_accept|Connection rejected|Service \[[^\]]{1,64}\] (?:REFUSED|connection rejected)) from (\S{2,60}?)(?:[ ,:]|$)/.exec(message);
  return found !== null && takePeer(found[1] ?? '', event) && mark(event, 'network', 'probe', 'failure');
}
