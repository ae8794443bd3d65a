import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { logging } from './program.ts';

it.each([
  ['rsyslogd', '[origin software="rsyslogd" swVersion="8.2302.0" x-pid="612" x-info="https://www.rsyslog.com"] exiting on signal 15.', 'logging-stopped'],
  ['rsyslogd', '[origin software="rsyslogd" swVersion="8.2302.0" x-pid="612" x-info="https://www.rsyslog.com"] start', 'logging-started'],
  ['rsyslogd', "imuxsock: begin to drop messages due to rate-limiting", 'logging-loss'],
  ['auditd', 'The audit daemon is exiting.', 'logging-stopped'],
  ['systemd-journald', 'Journal stopped', 'logging-stopped'],
  ['systemd-journald', 'Journal started', 'logging-started'],
  ['systemd-journald', 'Suppressed 4711 messages from shop.service', 'logging-loss'],
  ['syslog-ng', "syslog-ng shutting down; version='3.38.1'", 'logging-stopped'],
])('%s: %s', (tag, message, action) => {
  expect(feed(logging, tag)(message)).toMatchObject({ said: true, kind: 'syslog', category: 'log', service: tag, action });
});

it('a rotation is no stop', () => {
  expect(feed(logging, 'rsyslogd')('[origin software="rsyslogd" swVersion="8.2302.0" x-pid="612" x-info="https://www.rsyslog.com"] rsyslogd was HUPed').said).toBe(false);
});
