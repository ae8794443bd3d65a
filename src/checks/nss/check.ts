/** Name service: libraries that tell every program who exists; one of an intruder makes accounts that are in no file. */
import type { Finding } from '../../core/finding.ts';
import { fact, finding, lessRights, lineFact, octal } from '../finding.ts';
import { attempt, filesOf, linesIn, targetStat } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';

const file = '/etc/nsswitch.conf';
const folders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib/riscv64-linux-gnu', '/usr/lib64', '/usr/lib', '/lib/x86_64-linux-gnu', '/lib/aarch64-linux-gnu', '/lib64', '/lib', '/usr/local/lib', '/usr/local/lib64'];
/** Clouds and directories whose libraries people install by hand. */
const thirdParty = /^(?:oslogin|cache_oslogin|sss|ldap|winbind|wins|aad|himmelblau|kanidm|jumpcloud|okta\w*|vas\d|centrifydc|lsass|docker|gw_name|mymachines|extrausers|libvirt(?:_guest)?|mdns\w*|cache|mysql|pgsql|ato|radius|tacplus|resolve|systemd|myhostname)$/;

export const nss: PlaceCheck = {
  id: 'nss',
  title: { zh: '名字服务模块', en: 'name service' },
  blind: { zh: '没有软件包数据库时分不清模块是否被换', en: 'without a package database replaced libraries are not told' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const services = named(context);
    const stat = targetStat(context, file);
    if (stat && (stat.mode & 0o022) !== 0) {
      yield finding('nss', `${file}\0mode`, {
        kind: 'weakness', level: 'high', path: file, time: stat.changed, title: { zh: `别人也能改 ${file}`, en: `others may change ${file}` }, evidence: [fact({ zh: '权限', en: 'mode' }, octal(stat.mode))],
        fix: { text: { zh: '收回写权限', en: 'take the right to write away' }, commands: [['chmod', 'go-w', file]], actions: lessRights(file, stat.mode, 0o022) }, refs: ['dengbao:8.1.4.2'],
      });
    }
    if (!context.provenance.known) { context.blind('libnss_*.so', { zh: '没有软件包数据库，分不清名字服务模块是谁装的', en: 'no package database: nobody can tell whose the name service libraries are' }); return; }
    const seen = new Set<string>();
    for (const folder of folders) for (const path of filesOf(context, folder)) {
      const name = /\/libnss_([\w-]{1,60})\.so(?:\.[\d.]+)?$/.exec(path)?.[1];
      const real = name === undefined ? undefined : attempt(context, path, () => context.tree.real(path));
      if (name === undefined || real === undefined || seen.has(real)) continue;
      seen.add(real);
      const found = await library(name, path, services.get(name), context);
      if (found) yield found;
    }
  },
};

async function library(name: string, path: string, line: { number: number; text: string } | undefined, context: ScanContext): Promise<Finding | undefined> {
  const owner = await context.provenance.owner(path);
  if (owner && owner.state !== 'modified') return undefined;
  const known = !owner && thirdParty.test(name);
  return finding('nss', path, {
    kind: known ? 'notice' : 'intrusion', level: owner ? 'critical' : known ? 'low' : line ? 'high' : 'medium', path, time: targetStat(context, path)?.changed,
    title: owner ? { zh: `名字服务模块 ${path} 不是软件包 ${owner.name} 装的那个`, en: `the name service library ${path} is not the one that ${owner.name} ships` } : { zh: `名字服务模块 ${path} 不属于任何软件包`, en: `the name service library ${path} is of no package` },
    evidence: [...(line ? [lineFact(file, line.number, line.text)] : [fact({ zh: '引用', en: 'named by' }, 'no line')]), ...(owner ? [fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version}, ${owner.state}`)] : [])],
    means: { zh: '每个程序查账号时都会装入它：能凭空变出 root 账号，也能在 sshd、sudo 里运行任意代码。', en: 'Every program that looks up an account loads it: it can invent an account of root and run code inside sshd and sudo.' },
    fix: { text: { zh: `从 ${file} 去掉它，留证后移走`, en: `take it out of ${file}, keep it as evidence` }, commands: [] },
    refs: ['attack:T1556', 'attack:T1574.006'],
  });
}

/** Services that /etc/nsswitch.conf names, with the first line that does. */
function named(context: ScanContext): Map<string, { number: number; text: string }> {
  const out = new Map<string, { number: number; text: string }>();
  for (const { number, text } of linesIn(context, file)) {
    const services = /^\s*\w+\s*:(.*)$/.exec(text.replace(/#.*/, ''))?.[1] ?? '';
    for (const name of services.replaceAll(/\[[^\]]*\]/g, ' ').split(/\s+/)) if (name !== '' && !out.has(name)) out.set(name, { number, text: text.trim() });
  }
  return out;
}
