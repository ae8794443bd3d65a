/** Keys and passwords that lie in files where others find them: cloud accounts, repositories, registries, private keys. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { FileStat } from '../../linux/tree.ts';
import { someBelow } from '../expand.ts';
import { fact, finding, octal } from '../finding.ts';
import { attempt, homesIn, readText, targetStat } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { rootOf, webRoots } from '../web-roots.ts';
import { openPrivateKey, secretsIn } from './secrets.ts';

/** Below a home; the cluster's are looked at by the check of Kubernetes. */
const homeFiles = ['.aliyun/config.json', '.aws/credentials', '.aws/config', '.tccli/default.credential', '.tencentcloud/credentials', '.ossutilconfig', '.coscmd.conf', '.cos.conf', '.cos.yaml', '.coscmd', '.s3cfg', '.boto', '.huaweicloud/config', '.hcloud/config.json', '.qshell/account.json', '.docker/config.json', '.git-credentials', '.config/git/credentials', '.netrc', '.npmrc', '.pypirc', '.config/gcloud/application_default_credentials.json', '.azure/accessTokens.json', '.azure/msal_token_cache.json', '.terraform.d/credentials.tfrc.json', '.vault-token', '.pgpass', '.config/rclone/rclone.conf', '.config/gh/hosts.yml', '.bashrc', '.bash_profile', '.profile', '.zshrc', '.env', 'terraform.tfstate'];
const systemFiles = ['/etc/environment', '/etc/profile', '/etc/passwd-s3fs', '/etc/ossutilconfig', '/etc/boto.cfg', '/etc/rclone.conf', '/root/terraform.tfstate'];
/** Names in web roots worth opening, and copies of settings that servers give out as text. */
const webName = /^(?:\.env(?:\..{1,30})?|\.git-credentials|\.netrc|\.npmrc|\.s3cfg|\.ossutilconfig|credentials|config\.json|.{0,60}kubeconfig(?:\.ya?ml)?|admin\.conf|terraform\.tfstate(?:\.backup)?|.{1,60}\.(?:pem|key|ppk|tfvars|tfstate)|id_(?:rsa|dsa|ecdsa|ed25519)|(?:wp-config|configuration|settings|config|database|LocalSettings)\.(?:php|inc|ya?ml|py)(?:[.~_-].{0,20}|~)|(?:wp-config|config|database|settings)[.-](?:bak|old|save|orig|txt|swp)|appsettings\.json|application(?:-.{1,20})?\.(?:ya?ml|properties))$/i;
const fileMax = 512 * 1024;

export const cloudCredentials: PlaceCheck = {
  id: 'cloud-credentials',
  title: { zh: '散落的凭据', en: 'credentials lying in files' },
  blind: { zh: '只看常见的文件名和网站目录，程序源码里的密钥不找', en: 'looks at files of well-known names and at web roots, not into source code' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 24 * 60,
  async *run(context) {
    const roots = webRoots(context);
    const seen = new Set<string>();
    const homes = homesIn(context);
    for (const { home } of homes) {
      for (const file of homeFiles) yield* look(`${home}/${file}`, roots, seen, context);
      for (const { path, stat, name } of [...someBelow(context, home, 0, 1000), ...someBelow(context, `${home}/.ssh`, 0, 200)]) if (stat.kind === 'file' && stat.size < 64 * 1024 && (/(?:\.pem|\.key|\.ppk)$/i.test(name) || name.startsWith('id_') || path.startsWith(`${home}/.ssh/`))) yield* look(path, roots, seen, context);
    }
    for (const path of systemFiles) yield* look(path, roots, seen, context);
    for (const folder of ['/etc/profile.d', '/tmp', '/var/tmp', '/dev/shm', '/opt', '/srv']) for (const { path, stat, name } of someBelow(context, folder, 0, 1000)) {
      if (stat.kind === 'file' && (folder === '/etc/profile.d' || webName.test(name))) yield* look(path, roots, seen, context);
    }
    for (const root of roots) for (const { path, stat, name } of someBelow(context, root, 3, 20_000)) if (stat.kind === 'file' && (webName.test(name) || path.endsWith('/.kube/config'))) yield* look(path, roots, seen, context);
  },
};

async function* look(path: string, roots: readonly string[], seen: Set<string>, context: ScanContext): AsyncIterable<Finding> {
  const real = attempt(context, path, () => context.tree.real(path));
  if (real === undefined || seen.has(real)) return;
  seen.add(real);
  const stat = targetStat(context, path);
  if (stat?.kind !== 'file' || stat.size === 0 || (await context.provenance.owner(path))?.state === 'intact') return;
  const text = readText(context, path, fileMax) ?? '';
  if (text.includes('PRIVATE KEY')) {
    const open = openPrivateKey(text);
    if (open) yield* privateKey(path, open, stat, roots, context);
    else if (rootOf(roots, real) !== undefined && !isProgram(path)) yield about(path, 'key', 'medium', { zh: '私钥放在网站目录里（有口令）', en: 'a private key in a web root (with a passphrase)' }, stat, [], 'T1552.004');
  }
  const found = secretsIn(text, path, () => { context.count('long files read only in part'); });
  if (found.length === 0) return;
  const web = rootOf(roots, real) !== undefined && !isProgram(path);
  const level: Level | undefined = web ? 'high' : (stat.mode & 0o004) !== 0 ? reachable(real, context) ? 'high' : 'low' : undefined;
  const evidence = found.slice(0, 10).map(({ what, line, text: shown }) => fact({ zh: `${what.zh}，第 ${line} 行`, en: `${what.en}, line ${line}` }, maskSecrets(shown)));
  if (level !== undefined) yield about(path, 'secret', level, web ? { zh: `${found[0]!.what.zh}放在网站目录里，访客可能下载得到`, en: `${found[0]!.what.en} in a web root, where visitors may fetch it` } : { zh: `本机任何账号都能读到${found[0]!.what.zh}`, en: `every account of this machine may read ${found[0]!.what.en}` }, stat, evidence, 'T1552.001');
  else if (found.some(({ cloud }) => cloud)) yield { ...about(path, 'secret', 'info', { zh: `存有${found[0]!.what.zh}`, en: `holds ${found[0]!.what.en}` }, stat, evidence, 'T1552.001'), kind: 'notice', means: { zh: '只有主人能读。机器若被入侵，这把钥匙也要当作丢了来轮换。', en: 'Only its owner reads it. If the machine was broken into, take this key for lost and change it.' } };
}

/** A server runs these and gives nobody their text. */
const isProgram = (path: string): boolean => /\.(?:php\d?|phtml|jspx?|aspx?)$/i.test(path);

function* privateKey(path: string, kind: string, stat: FileStat, roots: readonly string[], context: ScanContext): Iterable<Finding> {
  const evidence = [fact({ zh: '格式', en: 'format' }, kind)];
  const open = (stat.mode & 0o004) !== 0;
  if (rootOf(roots, path) !== undefined) yield about(path, 'key', 'high', { zh: '没有口令的私钥放在网站目录里', en: 'a private key without a passphrase in a web root' }, stat, evidence, 'T1552.004');
  else if (open && reachable(path, context)) yield about(path, 'key', 'high', { zh: '本机任何账号都能读这把没有口令的私钥', en: 'every account of this machine may read this private key, which has no passphrase' }, stat, evidence, 'T1552.004');
  else if (/^\/(?:tmp|var\/tmp|dev\/shm)\//.test(path)) yield about(path, 'key', 'medium', { zh: '没有口令的私钥放在临时目录里', en: 'a private key without a passphrase in a temporary folder' }, stat, evidence, 'T1552.004');
  else if (/\/\.ssh\//.test(path)) yield { ...about(path, 'key', 'info', { zh: '没有口令的 SSH 私钥', en: 'an SSH key without a passphrase' }, stat, evidence, 'T1552.004'), kind: 'notice' };
  else yield { ...about(path, 'key', 'low', { zh: '没有口令的私钥放在 ~/.ssh 之外', en: 'a private key without a passphrase outside of ~/.ssh' }, stat, evidence, 'T1552.004'), kind: 'notice' };
}

/** May anybody get to it? A folder above that nobody else may enter shuts what lies in it. */
function reachable(path: string, context: ScanContext): boolean {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const folder = targetStat(context, path.slice(0, slash));
    if (folder && (folder.mode & 0o001) === 0) return false;
  }
  return true;
}

function about(path: string, key: string, level: Level, title: Finding['title'], stat: FileStat, evidence: Finding['evidence'], attack: string): Finding {
  return finding('cloud-credentials', `${path}\0${key}`, {
    kind: 'weakness', level, path, title, time: stat.changed,
    evidence: [...evidence, fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)],
    means: { zh: '捡到它的人就能以你的名义登录云账号、仓库或别的服务器。入侵者上来先找的就是这些。', en: 'Whoever picks it up acts as you in the cloud, the repository or on other servers. Intruders look for these first.' },
    fix: { text: { zh: '先轮换（作废旧的），再移出或收紧权限', en: 'change it first so that the old one is worth nothing, then move it away or shut it' }, commands: [['chmod', '600', path]] },
    refs: [`attack:${attack}`, 'dengbao:8.1.4.2', 'dengbao:8.1.4.8'],
  });
}
