import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { createBaseline } from '../../baseline/baseline.ts';
import { makeKey } from '../../baseline/key.ts';
import { treeDigests } from '../../linux/digests.ts';
import { DiskTree } from '../../linux/disk-tree.ts';
import { openPackages } from '../../linux/packages/index.ts';
import { PackageProvenance } from '../../linux/provenance.ts';
import type { ScanReport } from '../../scan/report.ts';
import { scan } from '../../scan/runner.ts';
import { webEntry } from './check.ts';

const { signal } = new AbortController();
const env = { PATH: process.env['PATH'], HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };

interface Site { root: string; write: (path: string, text: string) => void; look: (baseline?: { store: string; key: string }) => Promise<ReportOf> }
type ReportOf = { report: ScanReport; told: string[] };

function site(files: Readonly<Record<string, string>>): Site {
  const root = makeRoot(files);
  const write = (path: string, text: string): void => { mkdirSync(dirname(join(root, path)), { recursive: true }); writeFileSync(join(root, path), text); };
  return { root, write, look: async (baseline) => {
    const tree = new DiskTree(root, undefined);
    const report = await scan([webEntry], { signal, tree, rules: () => [], signatures: () => '', ports: [], now: Date.now, machine: undefined, baseline, provenance: new PackageProvenance(tree, await openPackages(tree), treeDigests(tree)) });
    return { report, told: report.findings.map(({ kind, level, path }) => `${kind} ${level} ${path ?? ''}`) };
  } };
}

function commit(root: string, folder: string): void {
  const git = (...words: string[]): void => { execFileSync('git', ['-C', join(root, folder), ...words], { env, stdio: 'ignore' }); };
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'x');
}

const page = Array.from({ length: 40 }, (_, i) => `<p>line ${i}</p>\n`).join('');

it.skipIf(lacks({ files: ['/usr/bin/git'] }))('shows which lines of an entry file are not as they were committed, in the roots that the servers name', async () => {
  const { root, write, look } = site({
    '/etc/nginx/nginx.conf': 'http { server { root /srv/shop/public; } }', '/etc/caddy/Caddyfile': 'example.org {\n\troot * /data/blog\n\timport sites/*\n}\n', '/etc/caddy/sites/one': 'one.example.org {\n  root "/data/one"\n}\n',
    '/srv/shop/public/index.php': '<?php\nrequire "../app.php";\n', '/srv/shop/public/.htaccess': 'Options -Indexes\r\n', '/srv/shop/public/logo.png': 'x', '/srv/shop/public/config.php': '<?php $password = "old-secret";',
    '/data/blog/index.html': page, '/data/one/index.html': page, '/var/www/html/index.html': page,
  });
  for (const folder of ['/srv/shop', '/data/blog', '/data/one']) commit(root, folder);
  expect((await look()).told).toEqual([]);
  write('/srv/shop/public/.htaccess', 'Options -Indexes\n'); // as git converts line ends
  write('/srv/shop/public/logo.png', 'y');
  write('/var/www/html/index.html', 'nothing to compare with');
  expect((await look()).told).toEqual([]);

  write('/srv/shop/public/index.php', '<?php\n@include "/tmp/.x";\u001b[2J\nrequire "../app.php";\n');
  write('/srv/shop/public/config.php', '<?php $password = "new-secret";');
  write('/data/blog/index.html', page.replace('line 20', 'line 20<script src=//203.0.113.9/x.js></script>'));
  write('/data/one/index.html', `${page}<iframe>`);
  const { report, told } = await look();
  expect(told).toEqual(['notice medium /data/blog/index.html', 'notice medium /data/one/index.html', 'notice medium /srv/shop/public/index.php', 'notice low /srv/shop/public/config.php']);
  expect(report.findings[0]!.evidence.map(({ value }) => value)[1]).toBe(' <p>line 19</p>\n-<p>line 20</p>\n+<p>line 20<script src=//203.0.113.9/x.js></script></p>');
  expect(report.findings[2]!.evidence[0]!.value).toMatch(/^git [0-9a-f]{12} \(\/srv\/shop\)$/);
  expect(JSON.stringify(report)).not.toContain('secret');
  expect(report.blind).toEqual([]);

  writeFileSync(join(root, 'srv/shop/.git/HEAD'), 'nonsense');
  const after = await look();
  expect(after.told).toEqual(['notice medium /data/blog/index.html', 'notice medium /data/one/index.html']);
  expect(after.report.blind.map(({ what }) => what)).toEqual(['/srv/shop/.git']);
});

it('shows what changed since the baseline where there is no checkout', async () => {
  const { root, write, look } = site({ '/var/www/html/index.html': page, '/var/www/html/wp-config.php': '<?php secret', '/var/www/html/blog/index.php': '<?php blog', '/var/www/html/cache/index.php': '1' });
  const data = makeRoot();
  const [store, key] = [join(data, 'baseline'), join(data, 'key')];
  const tree = new DiskTree(root, undefined);
  const made = makeKey(key);
  await createBaseline(store, made, { tree, digests: treeDigests(tree), index: await openPackages(tree), signal, attributes: false, over: undefined, blind: () => undefined, count: () => undefined }, { folders: ['/var/www'], exclude: [], now: 1 });
  expect((await look({ store, key })).told).toEqual([]);
  write('/var/www/html/index.html', page.replace('line 3<', 'defaced<'));
  write('/var/www/html/wp-config.php', '<?php other secret');
  write('/var/www/html/blog/index.php', '<?php eval($_POST[1]);');
  write('/var/www/html/cache/index.php', '2');
  const { report, told } = await look({ store, key });
  expect(told).toEqual(['notice medium /var/www/html/blog/index.php', 'notice medium /var/www/html/index.html', 'notice low /var/www/html/wp-config.php']);
  expect(report.findings[1]!.evidence[1]!.value).toBe(' <p>line 2</p>\n-<p>line 3</p>\n+<p>defaced</p>');
  expect(JSON.stringify(report)).not.toContain('secret');
  write('/var/www/html/index.html', page);
  expect((await look({ store, key })).told).not.toContain('notice medium /var/www/html/index.html');
  writeFileSync(store, 'x');
  expect((await look({ store, key })).report.blind.map(({ what }) => what)).toEqual([store]);
});

it.skipIf(lacks({ files: ['/usr/bin/git'] }))('leaves alone what a package ships, and follows no link out of the site', async () => {
  const report = await scanRoot([webEntry], { '/usr/share/nginx/html/index.html': { text: page, package: 'nginx' }, '/var/www/html/index.html': '->/etc/passwd', '/var/www/html/.git': 'gitdir: /../../../../etc\n' });
  expect(shown(report)).toEqual([]);
});

it.skipIf(lacks({ files: ['/usr/bin/git'] }))('is blind where the repository lacks its objects', async () => {
  const { root, look } = site({ '/var/www/html/index.html': page });
  commit(root, '/var/www/html');
  const objects = join(root, 'var/www/html/.git/objects');
  rmSync(objects, { recursive: true });
  const { report, told } = await look();
  expect([told, report.blind.map(({ what }) => what)]).toEqual([[], ['/var/www/html/.git']]);
});
