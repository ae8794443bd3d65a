import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { guards } from './program.ts';

test('who was turned away', () => {
  expect(heard(guards, 'xinetd', 'FAIL: telnet address from=192.0.2.1', 'FAIL: ftp libwrap from=::ffff:192.0.2.2', 'START: ftp pid=12 from=192.0.2.3')).toEqual(['reject failure 192.0.2.1 -', 'reject failure 192.0.2.2 -', 'unknown']);
  expect(heard(guards, 'portsentry', 'attackalert: TCP SYN/Normal scan from host: h.example.net/192.0.2.4 to TCP port: 1')).toEqual(['scan failure 192.0.2.4 -']);
  expect(heard(guards, 'scanlogd', '192.0.2.5 to 198.51.100.1 ports 80, 81, 83, 88, ..., flags ??S??u??, TOS 00 @02:27:01', '192.0.2.6:4711 to 198.51.100.1 ports 80, 81, TOS 00, TTL 44 @02:27:01')).toEqual(['scan failure 192.0.2.5 -', 'scan failure 192.0.2.6 -']);
  expect(heard(guards, 'nrpe', 'Host 192.0.2.7 is not allowed to talk to us!')).toEqual(['reject failure 192.0.2.7 -']);
});
