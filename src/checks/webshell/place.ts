/** What speaks against a file beside what it holds: where it lies, whose it is, how old its neighbours are. */
import type { Evidence } from '../../core/finding.ts';
import { MoatError } from '../../core/error.ts';
import { fact } from '../finding.ts';
import type { ScanContext, WalkedFile } from '../port.ts';

const webServers = new Set(['www-data', 'apache', 'nginx', 'http', 'www', 'wwwrun', 'lighttpd', 'caddy', 'httpd', 'tomcat', 'php-fpm', 'nobody']);
const visitorsFolder = /\/(?:uploads?|upfiles?|attachments?|avatars?|userfiles?|images?|img|pics?|photos?|media|cache|tmp|temp|logs?|fonts|css)\//i;
const scratch = /^\/(?:tmp|var\/tmp|dev\/shm)\//;
const webRoot = /(?:^|\/)(?:var\/www|srv|www|wwwroot|htdocs|public_html|public|webapps|vhosts|sites|html|wordpress|web)\//i;

/** Where servers serve from, by custom. */
export const inWebRoot = (path: string): boolean => webRoot.test(path);
/** Where visitors' files are put, not programs. */
export const amongVisitorsFiles = (path: string): boolean => visitorsFolder.test(path);

/** User ids that web servers run as, by their names in the tree's passwd. */
export function webServerIds({ tree }: ScanContext): Set<number> {
  const ids = new Set<number>();
  try {
    for (const line of (tree.read('/etc/passwd')?.bytes.toString('latin1') ?? '').split('\n')) {
      const [name = '', , uid = ''] = line.split(':');
      if (webServers.has(name) && /^\d+$/.test(uid)) ids.add(Number(uid));
    }
  } catch (error) {
    if (!(error instanceof MoatError)) throw error; // no passwd to read: nobody is known to be a web server, and accounts tell of it
  }
  return ids;
}

const neighboursMax = 60;
const monthMs = 30 * 24 * 3600 * 1000;

/** Each fact makes a doubtful file worse. */
export function circumstances({ path, stat }: WalkedFile, context: ScanContext, servers: ReadonlySet<number>): Evidence[] {
  const facts: Evidence[] = [];
  if (servers.has(stat.uid)) facts.push(fact({ zh: '由网站服务的账号写入', en: 'written by the account of the web server' }, `uid ${stat.uid}`));
  if (scratch.test(path)) facts.push(fact({ zh: '在临时目录里', en: 'in a folder for temporary files' }, path));
  else if (amongVisitorsFiles(path)) facts.push(fact({ zh: '在存放上传、图片或缓存的目录里', en: 'in a folder of uploads, pictures or caches' }, path));
  if (/\/\.[^/]+$/.test(path) && !path.endsWith('/.htaccess') && !path.endsWith('/.user.ini')) facts.push(fact({ zh: '文件名以点开头，平常看不见', en: 'its name begins with a dot, so it is not shown' }, path));
  const younger = youngerThanNeighbours(path, stat.changed, context);
  if (younger !== undefined) facts.push(fact({ zh: '比同目录的文件新得多', en: 'much newer than its neighbours' }, new Date(younger).toISOString().slice(0, 10)));
  return facts;
}

/** The middle change time of the files beside it when this one is much newer. */
function youngerThanNeighbours(path: string, changed: number, { tree }: ScanContext): number | undefined {
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  try {
    const times = (tree.list(folder) ?? []).slice(0, neighboursMax).flatMap((name) => { const one = tree.stat(`${folder === '/' ? '' : folder}/${name}`); return one?.kind === 'file' ? [one.changed] : []; }).sort((a, b) => a - b);
    const middle = times[Math.floor(times.length / 2)];
    return times.length >= 5 && middle !== undefined && changed - middle > monthMs ? middle : undefined;
  } catch (error) {
    if (!(error instanceof MoatError)) throw error; // the walk tells of folders it cannot read
    return undefined;
  }
}
