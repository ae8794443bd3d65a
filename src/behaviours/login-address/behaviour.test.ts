import { expect, it } from 'vitest';
import { networkOf } from '../network.ts';
import { make, tryOut, unfilled, type Trial } from '../testing.ts';
import { loginAddress } from './behaviour.ts';

const day = 86_400_000;
const began = Date.UTC(2026, 2, 1, 12);
const login = (trial: Trial, days: number, ip: string, country?: string, fields = {}): void => {
  trial.run.observe(make('sshd', began + days * day, { category: 'authentication', action: 'login', outcome: 'success', service: 'sshd', user: 'ops', source_ip: ip, source_country: country, ...fields }));
};
const said = (trial: Trial): string[] => { expect(trial.found.flatMap(unfilled)).toEqual([]); return trial.found.map((d) => `${d.level} ${d.title.en}`); };

it('learns where an account comes from and tells a new network', () => {
  const trial = tryOut(loginAddress);
  for (let d = 0; d <= 3; d++) login(trial, d, `198.51.100.${d}`);
  login(trial, 2.9, '203.0.113.5');
  expect(said(trial)).toEqual([]);
  login(trial, 4, '198.51.100.200');
  login(trial, 4, '203.0.113.77');
  expect(said(trial)).toEqual([]);
  login(trial, 5, '192.0.2.1');
  login(trial, 5, '192.0.2.2');
  login(trial, 5, '2001:db8:1:2:3::4');
  login(trial, 5, '2001:db8:1:2:ffff::9');
  expect(said(trial)).toEqual(['low Log-on from a new address', 'low Log-on from a new address']);
  expect(trial.found[0]).toMatchObject({ key: 'ops:192.0.2.0/24', group: { user: 'ops', days: '5', logins: '7' } });
});

it('keeps still while it learns and says how far it is', () => {
  const trial = tryOut(loginAddress);
  for (const d of [0, 1, 2, 2.5, 2.9]) login(trial, d, `192.0.${d * 10}.1`, d < 2 ? 'CN' : 'NL');
  login(trial, 30, '203.0.113.1', undefined, { user: 'seldom' });
  expect(trial.run.learning?.()).toEqual({ since: began, samples: 6, ready: true });
  expect(said(trial)).toEqual([]);
});

it('tells a log-on from abroad as high, a further country as medium, private addresses as no country', () => {
  const trial = tryOut(loginAddress);
  for (let d = 0; d <= 5; d++) login(trial, d, '198.51.100.1', 'CN');
  login(trial, 6, '10.0.0.7', 'ZZ');
  login(trial, 7, '203.0.113.9', 'NL');
  login(trial, 8, '203.0.113.10', 'NL');
  login(trial, 9, '192.0.2.1', 'BR');
  expect(said(trial)).toEqual(['low Log-on from a new address', 'high Log-on from abroad', 'medium Log-on from a new country']);
});

it('with a home country told knows who was abroad before', () => {
  const travels = tryOut(loginAddress, { homeCountry: 'CN' });
  for (let d = 0; d <= 5; d++) login(travels, d, `198.51.100.${d}`, d % 2 ? 'CN' : 'US');
  login(travels, 6, '203.0.113.9', 'NL');
  const lives = tryOut(loginAddress, { homeCountry: 'cn' });
  for (let d = 0; d <= 5; d++) login(lives, d, '198.51.100.1', 'US');
  login(lives, 6, '203.0.113.9', 'CN');
  expect([...said(travels), ...said(lives)]).toEqual(['medium Log-on from a new country', 'medium Log-on from a new country']);
});

it('a country table that comes later makes no noise', () => {
  const trial = tryOut(loginAddress);
  for (let d = 0; d <= 5; d++) login(trial, d, '198.51.100.1');
  login(trial, 6, '198.51.100.1', 'CN');
  expect(said(trial)).toEqual([]);
});

it('remembers over a restart', () => {
  const first = tryOut(loginAddress);
  for (let d = 0; d <= 5; d++) login(first, d, '198.51.100.1', 'CN');
  const second = tryOut(loginAddress, {}, first.run.save?.());
  login(second, 6, '198.51.100.9', 'CN');
  login(second, 7, '203.0.113.9', 'NL');
  expect(said(second)).toEqual(['high Log-on from abroad']);
});

it('names networks', () => {
  expect(['192.0.2.7', '2001:db8::7', '2001:db8:1:2:3:4:5:6', '::1', 'fe80::1%eth0', 'host.example', '1.2.3.4.5'].map(networkOf))
    .toEqual(['192.0.2.0/24', '2001:db8:0:0::/64', '2001:db8:1:2::/64', '0:0:0:0::/64', 'fe80:0:0:0::/64', 'host.example', '1.2.3.4.5']);
});
