import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { webSettings } from './check.ts';

const nginx = '/etc/nginx/nginx.conf';
const ini = '/etc/php/8.2/fpm/php.ini';
const pool = '/etc/php/8.2/fpm/pool.d/www.conf';
const told = async (planted: Parameters<typeof makeRoot>[0]) => (await scanRoot([webSettings], planted)).findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`);

describe('web-settings', () => {
  it('finds foreign modules', async () => {
    const root = makeRoot({ [nginx]: 'include modules/*.conf;\nhttp { }\n', '/etc/nginx/modules/x.conf': 'load_module /usr/lib/nginx/modules/x.so;\nload_module modules/own.so;', '/usr/lib/nginx/modules/x.so': 'x', '/usr/lib/nginx/modules/own.so': { text: 'x', package: 'libnginx-mod-own' } });
    expect(shown(await scanRoot([webSettings], root))).toEqual(['medium /etc/nginx/modules/x.conf']);
    rmSync(join(root, 'etc/nginx/modules/x.conf'));
    expect(shown(await scanRoot([webSettings], root))).toEqual([]);
    expect(await told({ '/etc/apache2/apache2.conf': 'IncludeOptional mods/*.load\n', '/etc/apache2/mods/x.load': 'LoadModule x_module /tmp/x.so\n' })).toEqual(['intrusion high /etc/apache2/mods/x.load']);
    expect(await told({ [ini]: 'extension=/var/tmp/x.so\nextension=curl\n' })).toEqual([`intrusion high ${ini}`]);
    expect(await told({ [ini]: { text: 'extension=/var/tmp/x.so\n', package: 'php8.2-fpm' } })).toEqual([]);
  });

  it('finds code in front of every page, and doors of PHP', async () => {
    expect(await told({ [ini]: 'auto_prepend_file = "/var/tmp/.c.php"\nallow_url_include = On\n' })).toEqual([`intrusion high ${ini}`, `weakness high ${ini}`]);
    expect(await told({ [pool]: '[www]\nlisten = 0.0.0.0:9000\nphp_admin_value[auto_prepend_file] = /srv/shop/wordfence-waf.php\n' })).toEqual([`weakness critical ${pool}`, `notice low ${pool}`]);
    expect(await told({ [pool]: '[www]\nlisten = /run/php/php8.2-fpm.sock\n[b]\nlisten = 127.0.0.1:9000\n', [ini]: 'auto_prepend_file =\nallow_url_include = Off\ndisable_functions =\n' })).toEqual([]);
    expect(await told({ [nginx]: 'http { server { location ~ \\.php$ { fastcgi_param PHP_VALUE "auto_prepend_file=/tmp/a.jpg"; } } }' })).toEqual([`intrusion high ${nginx}`]);
  });

  it('finds sites that serve somebody else', async () => {
    const site = (inner: string): string => `http { ${inner} }`;
    for (const inner of ['server { if ($http_referer ~* "baidu|sogou") { return 302 https://bad-host.invalid/; } }', 'map $http_user_agent $s { default 0; ~*Baiduspider 1; } server { location / { if ($s) { proxy_pass http://203.0.113.50; } } }', 'server { location ~ \\.(jpg|png)$ { fastcgi_pass unix:/run/php.sock; } }']) expect(await told({ [nginx]: site(inner) })).toEqual([`intrusion high ${nginx}`]);
    expect(await told({ [nginx]: site('server { location /x { content_by_lua_block { local h = io.popen(ngx.var.arg_c) } } }') })).toEqual([`intrusion critical ${nginx}`]);
    expect(await told({ [nginx]: site('server { if ($http_user_agent ~* googlebot) { set $p 1; } if ($p = 1) { proxy_pass http://service.prerender.io; } return 301 https://shop.invalid$request_uri; location ~ \\.php$ { fastcgi_pass unix:/run/php.sock; } location /l { content_by_lua_block { ngx.say("}") } } }') })).toEqual([]);
    const apache = '/etc/apache2/apache2.conf';
    expect(await told({ [apache]: 'RewriteCond %{HTTP_REFERER} baidu [NC]\nRewriteRule ^ https://bad-host.invalid/ [R,L]\n' })).toEqual([`intrusion high ${apache}`]);
    expect(await told({ [apache]: 'ExtFilterDefine x mode=output cmd="/var/tmp/.t"\nExtFilterDefine y cmd="/usr/bin/tidy -q"\n' })).toEqual([`intrusion high ${apache}`]);
  });

  it('finds what visitors may fetch', async () => {
    expect(await told({ [nginx]: 'http { server { location /x { alias /; } location /files { alias /srv/f/; } location /backup/ { autoindex on; } location /ok/ { alias /srv/ok/; } } }' })).toEqual([`weakness high ${nginx}`, `weakness medium ${nginx}`, `weakness medium ${nginx}`]);
    expect(await told({ '/var/www/html/.git/config': '[core]', '/var/www/html/backup-2026.sql.gz': 'x', '/var/www/html/info.php': '<?php phpinfo();', '/var/www/html/index.php': '<?php echo 1;', '/var/www/html/logo.zip': 'x' })).toEqual(['weakness medium /var/www/html/.git', 'weakness medium /var/www/html/backup-2026.sql.gz', 'weakness low /var/www/html/info.php']);
  });

  it('looks at panels', async () => {
    expect(await told({ '/www/server/panel/data/port.pl': '8888', '/www/server/panel/data/admin_path.pl': '/' })).toEqual(['weakness medium /www/server/panel/data']);
    expect(await told({ '/www/server/panel/data/port.pl': '21345', '/www/server/panel/data/admin_path.pl': '/a8f3', '/www/server/panel/data/ssl.pl': 'True' })).toEqual([]);
    expect(await told({ '/etc/webmin/miniserv.conf': 'port=10000\nssl=0\n' })).toEqual(['weakness medium /etc/webmin/miniserv.conf']);
    expect(await told({ '/opt/nacos/conf/application.properties': `nacos.core.auth.enabled=true\nnacos.core.auth.plugin.nacos.token.secret.key=${Buffer.from('SecretKey01234567890123456789').toString('base64')}\n` })).toEqual(['weakness critical /opt/nacos/conf/application.properties']);
    expect(await told({ '/var/lib/jenkins/config.xml': '<hudson>\n<useSecurity>false</useSecurity>\n' })).toEqual(['weakness critical /var/lib/jenkins/config.xml']);
  });

  it('bears hostile settings', async () => {
    expect(await told({ [nginx]: `${'${'.repeat(20_000)}${'}'.repeat(50_000)}${'{'.repeat(50_000)}"`, '/etc/nginx/a.conf': 'include a.conf;', '/etc/apache2/apache2.conf': `Include apache2.conf\n${'<A>\n'.repeat(5000)}${'"'.repeat(50_000)}`, [ini]: '['.repeat(50_000) })).toEqual([]);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    expect((await scanWithout([webSettings], makeRoot({ [nginx]: 'http{}' }), nginx)).blind.map(({ what }) => what)).toContain(nginx);
  });
});
