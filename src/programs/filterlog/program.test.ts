import { expect, test } from 'vitest';
import { feed, told } from '../testing.ts';
import { filterlog } from './program.ts';

test('packets of both versions, blocked and passed', () => {
  const say = feed(filterlog);
  expect(told(say('9,,,1770000009,vtnet0,match,block,in,4,0x0,,51,4242,0,DF,6,tcp,60,203.0.113.41,192.0.2.10,50022,3306,0,S,77001,,64240,,mss'))).toMatchObject({
    kind: 'firewall', category: 'firewall', action: 'drop', outcome: 'failure', protocol: 'tcp', direction: 'inbound',
    source_ip: '203.0.113.41', source_port: 50022, destination_ip: '192.0.2.10', destination_port: 3306, extra: { rule: '1770000009', in: 'vtnet0', out: '' },
  });
  expect(told(say('12,,,,vtnet1,match,pass,out,6,0x00,0x1a2b3,64,udp,17,48,2001:DB8::5,2001:db8::9,40001,53,48')))
    .toMatchObject({ action: 'accept', outcome: 'success', protocol: 'udp', direction: 'outbound', source_ip: '2001:db8::5', destination_ip: '2001:db8::9', source_port: 40001, destination_port: 53, extra: { rule: '12', in: '', out: 'vtnet1' } });
  const ping = told(say('9,,,1770000009,vtnet0,match,block,in,4,0x0,,51,1,0,none,1,icmp,84,203.0.113.42,192.0.2.10,request,7,1'));
  expect(ping).toMatchObject({ protocol: 'icmp', source_ip: '203.0.113.42' });
  expect(ping).not.toHaveProperty('destination_port');
});

test('what is no such row stays as it was', () => {
  const say = feed(filterlog);
  for (const line of ['', 'restarted', '9,,,1,vtnet0,match,block,in,4,0x0', '9,,,1,vtnet0,match,block,in,5,0x0,,51,1,0,DF,6,tcp,60,203.0.113.41,192.0.2.10,1,2',
    '9,,,1,vtnet0,match,block,in,4,0x0,,51,1,0,DF,6,tcp,60,nobody,192.0.2.10,1,2', ','.repeat(5000)]) {
    const event = say(line);
    expect([event.said, event.kind, event.source_ip]).toEqual([false, 'syslog', undefined]);
  }
  expect(say('9,,,1,vtnet0,match,block,in,4,0x0,,51,1,0,DF,6,tcp,60,203.0.113.41,192.0.2.10,99999,x').destination_port).toBeUndefined();
});
