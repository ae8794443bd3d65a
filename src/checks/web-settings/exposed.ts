/** What visitors of a site can fetch that its owner forgot there. */
import type { Finding } from '../../core/finding.ts';
import { someBelow } from '../expand.ts';
import { fact } from '../finding.ts';
import { readText, statOf } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { about } from './found.ts';

const backup = /(?:^|[._-])(?:www|web|site|wwwroot|backup|bak|db|database|dump|data|html|sql)[\w.-]{0,40}\.(?:zip|rar|7z|tar|tgz|tar\.gz|tar\.bz2|sql|sql\.gz|bak)$|\.sql(?:\.gz|\.zip)?$/i;
const told = 20;

export function* exposed(root: string, context: ScanContext): Iterable<Finding> {
  let found = 0;
  if (statOf(context, `${root}/.git/config`)) yield about(`${root}/.git`, 'git', 'weakness', 'medium', { zh: '网站目录里有 .git，源码和历史里的密码可能被下载', en: 'a .git in a web root: sources and the passwords of their history may be fetched' }, context, { evidence: [fact({ zh: '文件', en: 'file' }, `${root}/.git/config`)], refs: ['attack:T1213.003'], fix: { zh: '在服务器配置里拒绝 /.git，或把它移出网站目录', en: 'refuse /.git in the settings of the server, or move it out of the site' } });
  for (const { path, name, stat } of someBelow(context, root, 2, 20_000)) {
    if (stat.kind !== 'file' || found >= told) continue;
    if (backup.test(name) && stat.size > 0 && (stat.mode & 0o004) !== 0) { found++; yield about(path, 'backup', 'weakness', 'medium', { zh: '网站目录里有备份，访客可能下载得到', en: 'a backup in a web root, where visitors may fetch it' }, context, { evidence: [fact({ zh: '大小', en: 'size' }, String(stat.size))], refs: ['attack:T1213'], fix: { zh: '移出网站目录', en: 'move it out of the site' } }); }
    else if (/^(?:phpinfo|info|test|php|i|p)\.php$/i.test(name) && stat.size < 2000 && /\bphpinfo\s{0,4}\(/.test(readText(context, path, 2000) ?? '')) { found++; yield about(path, 'phpinfo', 'weakness', 'low', { zh: 'phpinfo 页面把配置给所有人看', en: 'a phpinfo page shows the settings to everybody' }, context, { evidence: [fact({ zh: '大小', en: 'size' }, String(stat.size))], refs: ['attack:T1592'], commands: [['rm', '--', path]] }); }
    else if (/^(?:adminer(?:-[\d.]{1,12})?(?:-\w{1,12})?)\.php$/i.test(name)) { found++; yield about(path, 'adminer', 'weakness', 'medium', { zh: '数据库管理页面 Adminer 对访客开放', en: 'Adminer, a door to databases, stands in a web root' }, context, { evidence: [fact({ zh: '大小', en: 'size' }, String(stat.size))], refs: ['attack:T1190'] }); }
    else if (/\/(?:phpmyadmin|pma)\/setup\/index\.php$/i.test(path)) { found++; yield about(path, 'setup', 'weakness', 'medium', { zh: 'phpMyAdmin 的安装目录还在', en: 'the set-up folder of phpMyAdmin is still there' }, context, { evidence: [], refs: ['attack:T1190'] }); }
  }
}
