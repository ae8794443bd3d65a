import { chownSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, shown, type Planted } from '../../../test/throwaway-root.ts';
import { phpBenign } from '../../../test/webshells/php-benign.ts';
import { phpSamples } from '../../../test/webshells/php.ts';
import { fill } from '../../../test/webshells/sample.ts';
import { webshellCheck } from './check.ts';
import { ended, Pool } from './pool.ts';

const worker = join(import.meta.dirname, `../../../.cache/webshell-worker-${process.pid}.mjs`);
beforeAll(async () => {
  mkdirSync(join(worker, '..'), { recursive: true });
  await build({ entryPoints: [join(import.meta.dirname, 'worker.ts')], outfile: worker, bundle: true, platform: 'node', format: 'esm', target: 'node20', banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" } });
});
afterAll(() => rmSync(worker, { force: true }));

const scan = (planted: Planted | string): ReturnType<typeof scanRoot> => scanRoot([webshellCheck({ worker })], planted);
const shell = fill("<?php @«EVAL»(«POST»['x']); ?>");

describe('files', () => {
  it('finds a trojan wherever it lies, with the lines and a way to stop it', async () => {
    const report = await scan({ '/srv/shop/inc/a.php': `<?php\n$c = ${fill('«POST»')}['x'];\n${fill('@«EVAL»($c);')}\n` });
    expect(shown(report)).toEqual(['critical /srv/shop/inc/a.php']);
    expect(report.verdict).toBe('compromised');
    const [found] = report.findings;
    expect(found!.evidence.map(({ what }) => what.en)).toEqual(expect.arrayContaining(['/srv/shop/inc/a.php line 2', '/srv/shop/inc/a.php line 3']));
    expect(found!.fix!.commands).toEqual([['chmod', '000', '/srv/shop/inc/a.php']]);
    expect(found!.refs).toContain('attack:T1505.003');
  });

  it('every sample where it would lie, at high or above', async () => {
    const samples = phpSamples();
    // Each in a folder of its own, so that names may be the same.
    const planted = Object.fromEntries(samples.map(({ path, source }, i): [string, Buffer] => [path.replace('/var/www/html/', `/var/www/html/s${i}/`), source]));
    const report = await scan(planted);
    const found = new Set(report.findings.filter(({ level }) => level === 'high' || level === 'critical').map(({ path }) => path));
    expect(Object.keys(planted).filter((path) => !found.has(path))).toEqual([]);
  });

  it('is silent about what looks alike', async () => {
    const report = await scan(Object.fromEntries(Object.entries(phpBenign()).map(([name, text]): [string, string] => [`/var/www/html/${name.replaceAll(' ', '-')}.php`, text])));
    expect(report.findings.filter(({ level }) => level === 'high' || level === 'critical')).toEqual([]);
    expect(report.verdict).not.toBe('compromised');
  });

  it('what a package ships is no finding; what was put into it is', async () => {
    const planted = { '/usr/share/app/tool.php': { text: shell, package: 'app' }, '/usr/share/app/index.php': { text: `<?php echo 1;\n${shell}`, shipped: '<?php echo 1;\n', package: 'app' } };
    const report = await scan(planted);
    expect(shown(report)).toEqual(['critical /usr/share/app/index.php']);
    expect(report.findings[0]!.fix!.text.en).toContain('install the package app again');
  });

  it('is gone when the file is', async () => {
    const root = makeRoot({ '/var/www/html/a.php': shell });
    expect(shown(await scan(root))).toEqual(['critical /var/www/html/a.php']);
    rmSync(join(root, 'var/www/html/a.php'));
    expect((await scan(root)).findings).toEqual([]);
  });

  it('reads pictures and documents that carry code, and leaves others alone', async () => {
    const noise = Buffer.alloc(300_000);
    for (let i = 0, x = 7; i < noise.length; i++) { x = (x * 1103515245 + 12345) & 0x7fffffff; noise[i] = x >> 16; }
    const report = await scan({
      '/var/www/html/img/a.jpg': Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), noise, Buffer.from(shell), noise]),
      '/var/www/html/img/b.jpg': Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), noise]),
      '/var/www/html/notes.md': `Never write \`${shell}\` in a page.`,
      '/home/lin/video.mp4': noise, '/usr/bin/tool': Buffer.concat([Buffer.from('\x7fELF'), Buffer.from(shell)]),
    });
    expect(shown(report)).toEqual(['critical /var/www/html/img/a.jpg', 'low /var/www/html/notes.md']);
  });

  it('sees what was put at the end of a large picture or program', async () => {
    const large = Buffer.alloc(5 << 20, 0x20);
    const report = await scan({ '/var/www/html/a.png': Buffer.concat([Buffer.from('\x89PNG', 'latin1'), large, Buffer.from(shell)]), '/var/www/html/a.php': Buffer.concat([Buffer.from('<?php\n'), large, Buffer.from(`\n${shell.slice(5)}`)]) });
    expect(shown(report)).toEqual(['critical /var/www/html/a.php', 'critical /var/www/html/a.png']);
    expect(report.counts['files of the web of which only both ends were read']).toBe(1);
  });

  it('tells a careless program from a trojan', async () => {
    const report = await scan({ '/var/www/html/ping.php': fill("<?php «EXEC»('ping ' . «GET»['h']);") });
    expect(report.findings.map(({ kind, level }) => `${kind} ${level}`)).toEqual(['weakness medium']);
  });

  it('a flaw of a library is told quietly, a trojan among libraries is not', async () => {
    const careless = 'import cgi\nfrom http.server import BaseHTTPRequestHandler\nclass Docs(BaseHTTPRequestHandler):\n    def do_GET(self):\n        module = __import__(self.path)\n';
    const trojan = 'import cgi, os\nos.system(cgi.FieldStorage().getvalue("q"))\n';
    const report = await scan({ '/opt/tool/docs.py': careless, '/opt/py/lib/python2.7/docs.py': careless, '/var/www/html/lib/python3/docs.py': careless, '/opt/py/lib/python2.7/site-packages/x/job.py': trojan });
    expect(shown(report)).toEqual(['critical /opt/py/lib/python2.7/site-packages/x/job.py', 'medium /opt/tool/docs.py', 'medium /var/www/html/lib/python3/docs.py', 'low /opt/py/lib/python2.7/docs.py']);
  });

  it('a module of node is not asked for by its name, a page in its folder is', async () => {
    const careless = "module.exports = (req, res) => { const x = require(req.query.name); res.send(x(req.query.y)); };";
    const page = fill("<?php «EXEC»('ping ' . «GET»['h']);");
    const report = await scan({ '/srv/shop/node_modules/a/index.js': careless, '/srv/shop/index.js': careless, '/srv/shop/node_modules/a/demo.php': page });
    expect(shown(report)).toEqual(['medium /srv/shop/index.js', 'medium /srv/shop/node_modules/a/demo.php', 'low /srv/shop/node_modules/a/index.js']);
  });

  it('a compiled CGI program is counted, not taken for a script; a page that begins like one is read', async () => {
    const compiled = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), Buffer.from('system QUERY_STRING '.repeat(20) + '('.repeat(5000))]);
    const report = await scan({ '/usr/local/cgi-bin/status.cgi': compiled, '/var/www/html/a.php': `\x7fELF\n${shell}`, '/var/www/html/b.cgi': fill('#!/usr/bin/perl\nuse CGI;\nmy $c = CGI->new->param("c");\nsystem($c);\n') });
    expect(shown(report)).toEqual(['critical /var/www/html/a.php', 'critical /var/www/html/b.cgi']);
    expect(report.counts['compiled CGI programs, which are not read']).toBe(1);
  });

  it('what attackers asked for stands in a log; who runs that log is found, and so is a program of that name', async () => {
    const line = `[2024-05-02 03:11:09] production.ERROR: GET {"body":"${shell}"}\n`;
    const report = await scan({ '/srv/shop/storage/logs/laravel.log': line, '/srv/shop/storage/logs/old.log': `${shell}\n`, '/srv/shop/run.php': "<?php include __DIR__ . '/storage/logs/laravel.log';" });
    expect(shown(report)).toEqual(['high /srv/shop/run.php', 'medium /srv/shop/storage/logs/old.log', 'low /srv/shop/storage/logs/laravel.log']);
  });

  it.skipIf(lacks({ root: true }))('a doubt weighs more among uploads, written by the web server', async () => {
    const doubtful = fill("<?php $f = «B64»($_SERVER['APP']); «EVAL»(strrev($f));");
    const planted = { '/var/www/html/lib/a.php': doubtful, '/var/www/html/uploads/a.php': doubtful };
    const root = makeRoot(planted);
    chownSync(join(root, 'var/www/html/uploads/a.php'), 33, 33);
    expect(shown(await scan(root))).toEqual(['high /var/www/html/uploads/a.php', 'medium /var/www/html/lib/a.php']);
  });
});

describe('settings', () => {
  it('finds what makes a server run what is no program', async () => {
    const report = await scan({
      '/var/www/a/.htaccess': 'AddType application/x-httpd-php .jpg\n', '/var/www/b/.user.ini': 'auto_prepend_file = "logo.gif"\n', '/var/www/c/.user.ini': 'auto_prepend_file=php://input\n', '/var/www/d/.htaccess': '<FilesMatch "avatar\\.png$">\nSetHandler application/x-httpd-php\n</FilesMatch>\n',
      '/var/www/e/.htaccess': `AddType application/x-httpd-php .htaccess\n# ${shell}\n`, '/var/www/f/.htaccess': 'php_value auto_append_file /tmp/x\n',
      '/var/www/g/.htaccess': 'Options +ExecCGI\nAddHandler cgi-script .dat\n', '/var/www/h/.user.ini': 'auto_prepend_file = /var/log/nginx/access.log\n', '/var/www/ok/cgi/.htaccess': 'AddHandler cgi-script .cgi .pl\n',
      '/var/www/ok/.htaccess': 'RewriteEngine On\nRewriteRule ^ index.php [L]\n<FilesMatch "\\.php$">\nSetHandler "proxy:unix:/run/php/php-fpm.sock|fcgi://localhost"\n</FilesMatch>\nAddType application/x-httpd-php .php .phtml\n', '/var/www/ok/.user.ini': 'memory_limit = 256M\nauto_prepend_file =\n',
      '/var/www/waf/.user.ini': "auto_prepend_file = '/var/www/waf/wordfence-waf.php'\n",
    });
    expect(shown(report)).toEqual(['critical /var/www/c/.user.ini', 'high /var/www/a/.htaccess', 'high /var/www/b/.user.ini', 'high /var/www/d/.htaccess', 'high /var/www/e/.htaccess', 'high /var/www/f/.htaccess', 'high /var/www/g/.htaccess', 'high /var/www/h/.user.ini', 'info /var/www/waf/.user.ini']);
  });
});

describe('what works against a site without running anything for a visitor', () => {
  it('is told for what it is, in both languages', async () => {
    const report = await scan({ '/var/www/html/a.php': fill("<?php if (strpos(«SERVER»['HTTP_USER_AGENT'], 'Baiduspider') !== false) { echo «READ»('http://seo.example/'); exit; }"), '/var/www/html/b.php': fill("<?php wp_insert_user(['user_login' => 'h', 'user_pass' => 'S3cret!x', 'role' => 'administrator']);") });
    expect(shown(report)).toEqual(['high /var/www/html/a.php', 'high /var/www/html/b.php']);
    expect(report.findings.map(({ title }) => title)).toEqual([
      { zh: '/var/www/html/a.php 给搜索引擎，或给从搜索引擎点进来的人，看另一套内容或跳转到别处', en: '/var/www/html/a.php shows search engines, or those who come from one, something else or sends them elsewhere' },
      { zh: '/var/www/html/b.php 悄悄建立网站管理员', en: '/var/www/html/b.php makes an administrator of the site' },
    ]);
    for (const { means } of report.findings) expect(means).toMatchObject({ en: expect.stringContaining('works against the site'), zh: expect.stringContaining('损害网站') });
  });
});

describe('what cannot be looked at', () => {
  it('a file that is too hard is told, not passed over', async () => {
    const report = await scan({ '/var/www/html/deep.php': fill(`<?php ${'if ($x) {'.repeat(20_000)} «EVAL»($y); ${'}'.repeat(20_000)}`) });
    expect(shown(report)).toEqual(['low /var/www/html/deep.php']);
    expect(report.counts['files of the web that could not be looked at whole']).toBe(1);
  });

  it('a file that breaks its thread is read word by word', async () => {
    const report = await scanRoot([webshellCheck({ worker, memoryMb: 16 })], { '/var/www/html/a.php': fill(`<?php $a = array(${'1,'.repeat(400_000)}); @«EVAL»(«POST»['x']);`) });
    expect(shown(report)).toEqual(['critical /var/www/html/a.php']);
    expect(report.findings[0]!.evidence.at(-1)!.value).toBe(ended.memory);
  });

  it('a thread that takes too long is ended, and the next file is looked at by another', async () => {
    const pool = new Pool({ worker, deadline: 1, threads: 1 });
    const slow = Buffer.from(fill(`<?php $a = ${'['.repeat(3000)}1${']'.repeat(3000)}; «EVAL»(«POST»['x']);`));
    expect((await pool.analyse('php', slow)).cut).toEqual([ended.time]);
    await pool.close();
    const other = new Pool({ worker, threads: 1 });
    expect((await other.analyse('php', Buffer.from(shell))).signs[0]!.kind).toBe('code');
    expect(other.pending).toBe(0);
    await other.close();
  });

  it('a thread that takes too much memory is ended', async () => {
    const pool = new Pool({ worker, threads: 1, memoryMb: 16 });
    const large = Buffer.from(fill(`<?php $a = array(${'1,'.repeat(400_000)}); «EVAL»(«POST»['x']);`));
    expect((await pool.analyse('php', large)).cut).toEqual([ended.memory]);
    expect((await pool.analyse('php', Buffer.from(shell))).signs[0]!.level).toBe('critical');
    await pool.close();
  });

  it.skipIf(!lacks({ root: true }))('a file without leave to read is blind', async () => {
    const report = await scan({ '/var/www/html/a.php': { text: shell, mode: 0 } });
    expect(report.blind.map(({ what }) => what)).toEqual(['/var/www/html/a.php']);
  });
});
