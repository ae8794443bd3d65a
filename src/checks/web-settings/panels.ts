/** Panels that administer the whole server through the web. */
import type { Finding } from '../../core/finding.ts';
import { expandAll } from '../expand.ts';
import { fact } from '../finding.ts';
import { linesIn, readText, statOf } from '../look.ts';
import { readIni } from '../ini.ts';
import type { ScanContext } from '../port.ts';
import { about } from './found.ts';

const text = (context: ScanContext, path: string): string => (readText(context, path, 64 * 1024) ?? '').trim();

export function* panels(context: ScanContext): Iterable<Finding> {
  const bt = '/www/server/panel/data';
  if (statOf(context, bt)) {
    const port = text(context, `${bt}/port.pl`);
    const entrance = text(context, `${bt}/admin_path.pl`);
    const limited = text(context, `${bt}/limitip.conf`) !== '' || text(context, `${bt}/domain.conf`) !== '';
    const tls = statOf(context, `/www/server/panel/data/ssl.pl`) !== undefined;
    const evidence = [fact({ zh: '端口', en: 'port' }, port), fact({ zh: '安全入口', en: 'entrance' }, entrance === '' || entrance === '/' ? entrance : '***'), fact({ zh: '限定来源', en: 'limited to addresses' }, String(limited)), fact({ zh: '加密', en: 'TLS' }, String(tls))];
    const level = !limited && (entrance === '' || entrance === '/') ? 'medium' : !limited && (port === '8888' || !tls) ? 'low' : undefined;
    if (level) yield about(bt, 'bt', 'weakness', level, { zh: '宝塔面板的入口太好找', en: 'the door of the BT panel is easily found' }, context, { evidence, refs: ['attack:T1133', 'dengbao:8.1.4.4'], fix: { zh: '在面板设置里改端口、设安全入口和授权 IP、开面板 SSL', en: 'in its settings change the port, set an entrance, limit it to your addresses and turn TLS on' } });
  }
  const webmin = '/etc/webmin/miniserv.conf';
  if (statOf(context, webmin)) {
    const settings = readIni(context, webmin);
    const value = (key: string): string | undefined => settings.findLast((one) => one.key === key)?.value;
    if (value('allow') === undefined && value('bind') !== '127.0.0.1') yield about(webmin, 'webmin', 'weakness', value('ssl') === '1' ? 'low' : 'medium', { zh: `Webmin 对所有地址开放${value('ssl') === '1' ? '' : '且不加密'}`, en: `Webmin is open to all addresses${value('ssl') === '1' ? '' : ' and without TLS'}` }, context, { evidence: [fact({ zh: '端口', en: 'port' }, value('port') ?? '10000')], refs: ['attack:T1133', 'dengbao:8.1.4.4'], fix: { zh: '在 miniserv.conf 里写 allow=自己的地址', en: 'set allow=your addresses in miniserv.conf' } });
  }
  for (const path of expandAll(context, ['/usr/local/nacos/conf/application.properties', '/opt/nacos/conf/application.properties', '/data/nacos/conf/application.properties', '/home/nacos/conf/application.properties'])) {
    const settings = readIni(context, path);
    const auth = settings.findLast(({ key }) => key === 'nacos.core.auth.enabled');
    const key = settings.findLast((one) => one.key === 'nacos.core.auth.plugin.nacos.token.secret.key' || one.key === 'nacos.core.auth.default.token.secret.key')?.value ?? '';
    if (auth?.value !== 'true') yield about(path, 'auth', 'weakness', 'high', { zh: 'Nacos 没开认证，谁都能读配置里的密码', en: 'Nacos asks no password: anybody reads the secrets it keeps' }, context, { evidence: [fact({ zh: '设置', en: 'setting' }, auth?.text ?? 'nacos.core.auth.enabled')], refs: ['attack:T1190', 'dengbao:8.1.4.1'] });
    else if (Buffer.from(key, 'base64').toString('latin1').startsWith('SecretKey0123456789')) yield about(path, 'key', 'weakness', 'critical', { zh: 'Nacos 用着出厂的签名密钥，谁都能伪造登录', en: 'Nacos signs with the key it came with: anybody makes himself a login' }, context, { evidence: [fact({ zh: '设置', en: 'setting' }, 'token.secret.key: default')], refs: ['attack:T1190', 'dengbao:8.1.4.1'] });
  }
  for (const path of expandAll(context, ['/var/lib/jenkins/config.xml', '/root/.jenkins/config.xml', '/home/*/.jenkins/config.xml'])) {
    for (const { number, text: line } of linesIn(context, path)) {
      if (/<useSecurity>\s*false|AuthorizationStrategy\$Unsecured/.test(line)) { yield about(path, 'open', 'weakness', 'critical', { zh: 'Jenkins 不问身份，谁都能执行命令', en: 'Jenkins asks nobody who he is: anybody runs commands' }, context, { evidence: [fact({ zh: `第 ${number} 行`, en: `line ${number}` }, line.trim())], refs: ['attack:T1190', 'dengbao:8.1.4.1'] }); break; }
    }
  }
}
