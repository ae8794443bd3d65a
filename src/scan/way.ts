/** How somebody most likely came in, as far as a single finding tells. */
import type { Finding } from '../core/finding.ts';
import type { Text } from '../core/text.ts';
import { isSign } from './report.ts';

export type Way = 'web' | 'guessed' | 'ssh' | 'maybe-ssh' | 'shell' | 'redis' | 'database' | 'package' | 'container' | 'unknown';

export const wayTexts: Readonly<Record<Way, Text>> = {
  web: { zh: '经由网站（Web 服务器）进入', en: 'through the web server' },
  guessed: { zh: '通过 SSH 猜中密码进入', en: 'by SSH, password guessed' },
  ssh: { zh: '通过 SSH 进入', en: 'by SSH' },
  'maybe-ssh': { zh: '如何进入尚不清楚，也许是通过 SSH', en: 'how is not known, perhaps by SSH' },
  shell: { zh: '有人在 shell 里敲命令', en: 'by commands typed in a shell' },
  redis: { zh: '经由 Redis 进入', en: 'through Redis' },
  database: { zh: '经由数据库进入', en: 'through the database' },
  package: { zh: '随安装的软件包进入', en: 'with a package that was installed' },
  container: { zh: '经由容器进入', en: 'through a container' },
  unknown: { zh: '如何进入尚不清楚', en: 'how is not known' },
};

const rules: readonly { way: Way; path?: RegExp; check?: RegExp }[] = [
  { way: 'web', check: /^web/, path: /^\/(?:var\/www|srv\/(?:www|http)|usr\/share\/nginx\/html|www\/wwwroot|data\/wwwroot|home\/wwwroot|opt\/lampp\/htdocs)\/|\/(?:htdocs|public_html|webapps|wwwroot|wp-content)\// },
  { way: 'guessed', check: /^guessed-logon$/ },
  { way: 'ssh', check: /^(?:ssh|authorized-keys)/, path: /\/authorized_keys2?$|\/\.ssh\/|^\/etc\/ssh\// },
  { way: 'shell', check: /history/, path: /\/\.(?:bash|zsh|ash|sh|python|mysql|psql|node_repl|rediscli)_history$/ },
  { way: 'redis', check: /^redis/, path: /^\/(?:var\/lib|etc)\/redis\// },
  { way: 'database', check: /^(?:mysql|postgres)/, path: /^\/var\/lib\/(?:mysql|postgresql)\// },
  { way: 'package', path: /\/(?:node_modules|site-packages|dist-packages)\// },
  { way: 'container', check: /^(?:docker|container|kube)/, path: /^\/var\/lib\/(?:docker|containerd|kubelet)\// },
];

export function wayOf({ check, path }: Pick<Finding, 'check' | 'path'>): Way {
  return rules.find((rule) => (path !== undefined && rule.path?.test(path)) || rule.check?.test(check))?.way ?? 'unknown';
}

/** A log-on that the logs themselves show to be the intruder's. */
export const isLogon = (finding: Finding): boolean => isSign(finding) && wayOf(finding) === 'guessed';
/** What says how somebody came in, and not merely what they may have left behind once they were in. */
export const tellsWay = (way: Way): boolean => way !== 'unknown' && way !== 'ssh' && way !== 'shell';
