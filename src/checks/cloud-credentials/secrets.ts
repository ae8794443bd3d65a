/** What a text holds that opens something: ids of cloud keys with their secrets, tokens, logins; private keys without a passphrase. */
import type { Text } from '../../core/text.ts';

export interface Secret { what: Text; line: number; /** To be masked before it is shown. */ text: string; /** Of a cloud account. */ cloud: boolean }

interface Form { find: RegExp; what: Text; cloud: boolean; /** Only in files of such names. */ file?: RegExp }

/** Each line is looked at by itself and cut; every quantifier is bounded. */
const forms: readonly Form[] = [
  { find: /\bLTAI[A-Za-z0-9]{12,26}\b/, what: { zh: '阿里云 AccessKey', en: 'an access key of Alibaba Cloud' }, cloud: true },
  { find: /\bAKID[A-Za-z0-9]{13,40}\b/, what: { zh: '腾讯云 SecretId', en: 'a key of Tencent Cloud' }, cloud: true },
  { find: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/, what: { zh: 'AWS 访问密钥', en: 'an access key of AWS' }, cloud: true },
  { find: /\bAIza[\w-]{35}\b|"private_key_id"\s{0,4}:\s{0,4}"[0-9a-f]{40}"/, what: { zh: 'Google Cloud 密钥', en: 'a key of Google Cloud' }, cloud: true },
  { find: /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,90}|glpat-[\w-]{20}|npm_[A-Za-z0-9]{36}|xox[abprs]-[\w-]{10,80}|sk_live_[A-Za-z0-9]{16,80}|hvs\.[\w-]{24,200})/, what: { zh: '访问令牌', en: 'a token' }, cloud: false },
  { find: /\b(?:secret[_-]?(?:access[_-]?)?key|access[_-]?key[_-]?secret|secretaccesskey|accesskeysecret)["']?\s{0,8}[=:]\s{0,8}["']?[A-Za-z0-9/+=]{28,64}/i, what: { zh: '云密钥', en: 'a secret key of a cloud' }, cloud: true },
  { find: /"auth"\s{0,8}:\s{0,8}"[A-Za-z0-9+/]{8,2000}={0,2}"/, what: { zh: '镜像仓库的登录', en: 'a login of a registry' }, cloud: false, file: /\/\.docker\/config\.json$/ },
  { find: /^https?:\/\/[^\s:@/]{1,200}:[^\s@/]{1,500}@/, what: { zh: '代码仓库的登录', en: 'a login of a repository' }, cloud: false, file: /credentials$/ },
  { find: /^\s{0,40}(?:client-key-data|token)\s{0,4}:\s{0,4}["']?[A-Za-z0-9+/=._-]{20,}/, what: { zh: 'Kubernetes 集群的登录', en: 'a login of a Kubernetes cluster' }, cloud: true, file: /\/(?:\.kube\/config|[^/]{0,60}kubeconfig[^/]{0,60}|admin\.conf)$/ },
  { find: /\bpassword\s{1,8}\S/, what: { zh: '登录密码', en: 'a login' }, cloud: false, file: /\/\.netrc$/ },
  { find: /^[^#\s:]{1,200}:[^:\s]{1,10}:[^:\s]{1,200}:[^:\s]{1,200}:\S/, what: { zh: '数据库密码', en: 'a password of a database' }, cloud: false, file: /\/\.pgpass$/ },
  { find: /^[ \t]{0,20}(?:export[ \t]{1,8})?\w{0,60}(?:PASSWORD|PASSWD|SECRET|APP_KEY|API_KEY|TOKEN)\w{0,30}[ \t]{0,8}=[ \t]{0,8}["']?[^\s"'#$<]{6,}/, what: { zh: '密码或密钥', en: 'a password or key' }, cloud: false, file: /\/\.env[^/]{0,40}$/ },
  { find: /["']?(?:DB_PASSWORD|db_password|database_password|AUTH_KEY|passwd|password)["']?\s{0,8}(?:,|=>|=|:)\s{0,8}["'][^"']{4,200}["']/, what: { zh: '数据库密码', en: 'a password of a database' }, cloud: false, file: /\/(?:wp-config|configuration|settings|config|database|LocalSettings|appsettings)[^/]{0,60}$/ },
  { find: /"(?:password|secret|private_key|access_key|token)"\s{0,8}:\s{0,8}"[^"]{6,4000}"/, what: { zh: 'Terraform 状态里的密码', en: 'passwords in a state of Terraform' }, cloud: false, file: /\.tfstate(?:\.backup)?$/ },
];

/** Words that stand for a value in samples. */
const sample = /example|your[_-]?|changeme|placeholder|x{6,}|\*{3,}|<[a-z_ -]{1,40}>|\bnull\b|EXAMPLE/i;
const linesMax = 5000;
const lineMax = 8000;

/** At most 20. */
export function secretsIn(text: string, path: string, cut: () => void = () => undefined): Secret[] {
  const out: Secret[] = [];
  const usable = forms.filter(({ file }) => !file || file.test(path));
  const lines = text.split('\n', linesMax + 1);
  if (lines.length > linesMax || lines.some((line) => line.length > lineMax)) cut();
  for (const [i, raw] of lines.slice(0, linesMax).entries()) {
    const line = raw.slice(0, lineMax);
    for (const { find, what, cloud } of usable) {
      const found = find.exec(line);
      if (!found || sample.test(found[0])) continue;
      out.push({ what, line: i + 1, cloud, text: around(line, found.index, found[0]) });
      break;
    }
    if (out.length >= 20) break;
  }
  return out;
}

/** What was found with its beginning and nothing of its middle. */
function around(line: string, at: number, found: string): string {
  const name = line.slice(Math.max(0, at - 40), at).replace(/[A-Za-z0-9/+=]{20,}/g, '***');
  return `${name}${found.slice(0, 6)}***${found.length > 24 && /^(?:LTAI|AKI[AD]|ASIA)/.test(found) ? found.slice(-4) : ''}`;
}

/** The format of a private key that opens without a passphrase; undefined for one that is encrypted or none at all. */
export function openPrivateKey(text: string): string | undefined {
  const start = /-----BEGIN ((?:RSA |DSA |EC |OPENSSH |ENCRYPTED )?PRIVATE KEY)-----\r?\n/.exec(text);
  if (!start || start[1] === 'ENCRYPTED PRIVATE KEY') return undefined;
  const from = start.index + start[0].length;
  const end = text.indexOf('-----END', from);
  const body = text.slice(from, end < 0 ? from + 20_000 : end);
  if (start[1] !== 'OPENSSH PRIVATE KEY') return /^Proc-Type:[^\n]{0,40}ENCRYPTED/m.test(body) || body.replace(/\s/g, '').length < 40 ? undefined : `PEM ${start[1]}`;
  // openssh-key-v1, a zero, then the name of the cipher with its length in front.
  const bytes = Buffer.from(body.slice(0, 400).replace(/\s/g, ''), 'base64');
  if (bytes.length < 23 || bytes.toString('latin1', 0, 15) !== 'openssh-key-v1\0') return undefined;
  const length = bytes.readUInt32BE(15);
  return length === 4 && bytes.toString('latin1', 19, 23) === 'none' ? 'OpenSSH' : undefined;
}
