import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { cloudCredentials } from './check.ts';

// Put together here so that no scanner of this repository takes them for real.
const ali = `LTAI${'5tQ7mRz2'.repeat(2)}aBcD`;
const aliSecret = 'q8Zr'.repeat(7) + 'Xy';
const aws = `AKIA${'Q3EGRIT7'.repeat(2)}`;
const told = async (planted: Parameters<typeof makeRoot>[0]) => (await scanRoot([cloudCredentials], planted)).findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`);
const home = '/home/lin/.aliyun/config.json';
const config = `{"access_key_id":"${ali}","access_key_secret":"${aliSecret}"}`;

describe('cloud-credentials', () => {
  it('finds log-ons of clusters in web roots', async () => {
    const cluster = `users:\n- name: a\n  user:\n    client-key-data: ${'QkFT'.repeat(20)}\n`;
    expect(await told({ '/srv/shop/.kube/config': cluster, '/srv/shop/prod-kubeconfig.yaml': cluster, '/srv/shop/empty.kubeconfig.txt': cluster, '/etc/nginx/nginx.conf': 'http{server{root /srv/shop;}}' })).toEqual(['weakness high /srv/shop/.kube/config', 'weakness high /srv/shop/prod-kubeconfig.yaml']);
  });

  it('finds keys that others read, and shows none of them', async () => {
    const root = makeRoot({ [home]: { text: config, mode: 0o644 }, '/root/.aws/credentials': { text: `[default]\naws_access_key_id = ${aws}\n`, mode: 0o600 }, '/srv/shop/.env': { text: 'APP_NAME=shop\nDB_PASSWORD=s3cretish-value\n', mode: 0o600 }, '/etc/nginx/nginx.conf': 'http{server{root /srv/shop;}}' });
    const report = await scanRoot([cloudCredentials], root);
    expect(shown(report)).toEqual([`high ${home}`, 'high /srv/shop/.env', 'info /root/.aws/credentials']);
    for (const secret of [ali, aliSecret, aws, 's3cretish-value']) expect(JSON.stringify(report)).not.toContain(secret);
    rmSync(join(root, home));
    rmSync(join(root, 'srv/shop'), { recursive: true });
    expect(shown(await scanRoot([cloudCredentials], root))).toEqual(['info /root/.aws/credentials']);
  });

  it('knows the forms of many programs', async () => {
    for (const [path, text] of Object.entries({
      '/root/.docker/config.json': '{"auths":{"r.example":{"auth":"bGluOnBhc3N3b3Jk"}}}', '/root/.git-credentials': 'https://lin:abcdefgh@git.example\n', '/root/.netrc': 'machine a login b password cdefgh\n', '/root/.pgpass': 'db:5432:shop:lin:abcdef\n', '/root/.bashrc': `export ALIBABA_CLOUD_ACCESS_KEY_ID=${ali}\n`,
      '/root/terraform.tfstate': '{"password":"abcdefghi"}', '/var/www/html/wp-config.php.bak': "<?php define('DB_PASSWORD', 'abcdefg');\n", '/root/.tccli/default.credential': `{"secretId":"AKID${'a1B2c3D4'.repeat(4)}"}`,
    })) expect(await told({ [path]: { text, mode: 0o644 } }), path).toEqual([`weakness high ${path}`]);
  });

  it('is silent for what is shut, programs and samples', async () => {
    expect(await told({
      '/root/.docker/config.json': { text: '{"auths":{"r.example":{"auth":"bGluOnBhc3N3b3Jk"}}}', mode: 0o600 }, '/var/www/html/wp-config.php': "<?php define('DB_PASSWORD', 'abcdefg');\n", '/var/www/html/.env.example': 'DB_PASSWORD=your_password\n',
      '/root/.aws/config': '[default]\nregion = eu-west-1\n', '/root/.bashrc': 'export PATH=$PATH:/opt\n', '/var/www/html/config.php': "<?php $password = 'abcdefgh';\n",
    })).toEqual([]);
  });

  it('tells private keys with a passphrase from those without', async () => {
    const plain = generateKeyPairSync('rsa', { modulusLength: 1024, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs1', format: 'pem' } }).privateKey;
    const shut = generateKeyPairSync('ed25519', { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'word' } }).privateKey;
    expect(await told({ '/home/lin/server.pem': { text: plain, mode: 0o644 }, '/home/lin/shut.pem': { text: shut, mode: 0o644 }, '/root/.ssh/id_rsa': { text: plain, mode: 0o600 }, '/var/www/html/site.key': { text: plain, mode: 0o600 }, '/root/a.key': { text: plain, mode: 0o600 } })).toEqual(['weakness high /home/lin/server.pem', 'weakness high /var/www/html/site.key', 'notice low /root/a.key', 'notice info /root/.ssh/id_rsa']);
  });

  it.skipIf(lacks({ files: ['/usr/bin/ssh-keygen'] }))('reads what ssh-keygen makes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'moat-keys-'));
    onTestFinished(() => { rmSync(folder, { recursive: true, force: true }); });
    for (const [name, word] of [['open', ''], ['shut', 'some words']] as const) execFileSync('/usr/bin/ssh-keygen', ['-q', '-t', 'ed25519', '-N', word, '-f', join(folder, name)]);
    expect(await told({ '/home/lin/open.key': { text: readFileSync(join(folder, 'open')), mode: 0o644 }, '/home/lin/shut.key': { text: readFileSync(join(folder, 'shut')), mode: 0o644 } })).toEqual(['weakness high /home/lin/open.key']);
  });

  it('bears hostile text', async () => {
    expect(await told({ '/root/.bashrc': `${'LTAI'.repeat(50_000)}\n${'-----BEGIN PRIVATE KEY-----\n'.repeat(5000)}${'secret_key='.repeat(10_000)}`, '/root/.netrc': 'password '.repeat(30_000) + '\n', '/root/.ssh/id_x': `-----BEGIN OPENSSH PRIVATE KEY-----\n${'A'.repeat(60_000)}` }).then((all) => all.filter((line) => !line.includes('.netrc') && !line.includes('.bashrc')))).toEqual([]);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    expect((await scanWithout([cloudCredentials], makeRoot({ [home]: config }), home)).blind.map(({ what }) => what)).toContain(home);
  });
});
