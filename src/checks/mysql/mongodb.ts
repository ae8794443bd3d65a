/** MongoDB: without authorization on an open address anybody reads and wipes everything. */
import type { Finding } from '../../core/finding.ts';
import { expandAll } from '../expand.ts';
import { fact } from '../finding.ts';
import { readIni } from '../ini.ts';
import { readText } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { isLoopback, isPrivate } from '../reach.ts';
import { at, textAt, yamlOf } from '../values.ts';
import { about } from './found.ts';

export function* mongodb(context: ScanContext): Iterable<Finding> {
  for (const path of expandAll(context, ['/etc/mongod.conf', '/etc/mongodb.conf', '/etc/mongo/*.conf', '/usr/local/etc/mongod.conf', '/usr/local/mongodb/*.conf', '/usr/local/mongodb/conf/*.conf', '/www/server/mongodb/config.conf', '/opt/mongodb/*.conf'])) {
    const { bind, auth } = settingsOf(path, context);
    const open = bind.filter((address) => !isLoopback(address));
    if (auth || open.length === 0) continue;
    yield about(path, 'open', 'weakness', open.every(isPrivate) ? 'high' : 'critical', { zh: 'MongoDB 没开认证，网络上谁都能读写', en: 'MongoDB asks no password: anybody on the network reads and writes it' }, context, {
      evidence: [fact({ zh: '监听地址', en: 'listens on' }, bind.join(', '))], refs: ['dengbao:8.1.4.1', 'attack:T1190'],
      means: { zh: '这样的库会被自动程序找到，数据被删光，再留一张要赎金的字条。', en: 'Robots find such servers, delete all and leave a note asking for ransom.' },
      fix: { zh: `先建管理员账号，再在 ${path} 里写 security.authorization: enabled 和 net.bindIp: 127.0.0.1，重启`, en: `make an administrator, then set security.authorization: enabled and net.bindIp: 127.0.0.1 in ${path} and restart` },
    });
  }
}

/** YAML since 2.6, `key = value` before. Without bindIp only this machine is listened to. */
function settingsOf(path: string, context: ScanContext): { bind: string[]; auth: boolean } {
  const split = (text: string | undefined): string[] => (text ?? '127.0.0.1').split(',').map((one) => one.trim());
  const text = readText(context, path, 256 * 1024) ?? '';
  if (/^\s*(?:bind_ip|auth|noauth|dbpath)\s*=/m.test(text)) {
    const settings = readIni(context, path);
    const value = (key: string): string | undefined => settings.findLast((one) => one.key === key)?.value;
    return { bind: split(value('bind_ip')), auth: value('auth') === 'true' || value('keyfile') !== undefined };
  }
  const [config] = yamlOf(context, path, text);
  const bindIp = at(config, 'net', 'bindIp');
  const bind = at(config, 'net', 'bindIpAll') === true ? ['*'] : Array.isArray(bindIp) ? bindIp.map(String) : split(textAt(config, 'net', 'bindIp'));
  return { bind, auth: at(config, 'security', 'authorization') === 'enabled' || at(config, 'security', 'keyFile') !== undefined };
}
