import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Event } from './gen/event.ts';
import { maskSecrets, shownEvent } from './secrets.ts';

describe('secrets in command lines', () => {
  it.each([
    ['mysql -uroot -pHunter2! shop', 'mysql -uroot -p*** shop'],
    ['/usr/bin/mysqldump --all-databases -h db1 -u dump -pa=b"c', '/usr/bin/mysqldump --all-databases -h db1 -u dump -p***'],
    ['mysqldump --password=S3cret --port=3306 shop', 'mysqldump --password=*** --port=3306 shop'],
    ['tool --password "two words" --verbose', 'tool --password "***" --verbose'],
    ['PGPASSWORD=abc123 psql -h db1', 'PGPASSWORD=*** psql -h db1'],
    ['env MYSQL_PWD=abc123 mysql', 'env MYSQL_PWD=*** mysql'],
    ['curl -u kim:s3cret https://api.example.com/v1', 'curl -u kim:*** https://api.example.com/v1'],
    ['curl --proxy-user=kim:s3cret -sS example.com', 'curl --proxy-user=kim:*** -sS example.com'],
    ['curl -H Authorization: Bearer abcdef.ghijkl-mnop https://api.example.com', 'curl -H Authorization: Bearer *** https://api.example.com'],
    ['curl -H "X-Auth-Token: abcdef123" https://api.example.com', 'curl -H "X-Auth-Token: ***" https://api.example.com'],
    ['git clone https://kim:p@ss@git.example.com/a.git', 'git clone https://kim:***@git.example.com/a.git'],
    ['redis-cli -a hunter22 -h 10.0.0.3 ping', 'redis-cli -a *** -h 10.0.0.3 ping'],
    ['psql postgresql://app:hunter22@10.0.0.3:5432/shop', 'psql postgresql://app:***@10.0.0.3:5432/shop'],
    ['sshpass -p hunter22 ssh kim@10.0.0.4', 'sshpass -p *** ssh kim@10.0.0.4'],
    ['sshpass -phunter22 ssh -p 2222 kim@10.0.0.4', 'sshpass -p*** ssh -p *** kim@10.0.0.4'],
    ['mongodump -u app -p hunter22 --db shop', 'mongodump -u app -p *** --db shop'],
    ['docker login -u kim -p hunter22 registry.example.com', 'docker login -u kim -p *** registry.example.com'],
    ['openssl enc -aes-256-cbc -pass pass:hunter22 -in a', 'openssl enc -aes-256-cbc -pass pass:*** -in a'],
    ['aws configure set aws_secret_access_key=wJalrXUtnFEMI0K7MDENG0bPxRfiCYEXAMPLEKEY', 'aws configure set aws_secret_access_key=***'],
    ['s3tool AKIA0123456789ABCDEF wJalrXUtnFEMI0K7MDENG0bPxRfiCYEXAMPLEKEY ls', 's3tool AKIA***CDEF *** ls'],
    ['ossutil config -i LTAI5tAbCdEfGhIjKlMnOpQr -k abcdefghijklmnopqrstuvwxyz0123', 'ossutil config -i LTAI***OpQr -k ***'],
    ['coscli --secret-id AKIDabcdefghijklmnopqrstuvwx0123456 --secret-key abcdefghijklmnopqrstuvwxyz012345', 'coscli --secret-id AKID***3456 --secret-key ***'],
    ['env GITHUB_TOKEN=ghp_abcdefghijklmnopqrstuvwx0123 gh pr list', 'env GITHUB_TOKEN=*** gh pr list'],
    ['java -Dspring.datasource.password=abc -jar shop.jar', 'java -Dspring.datasource.password=*** -jar shop.jar'],
    ['{"level":"info","password":"a b\\c","next":1}', '{"level":"info","password":"***","next":1}'],
    ['htpasswd -cb /etc/nginx/users kim hunter22', 'htpasswd -cb /etc/nginx/users kim ***'],
    ['sh -c "mysqldump -pHunter2 shop | gzip"', 'sh -c "mysqldump -p*** shop | gzip"'],
    ['a=b; SECRET_KEY=/abc/def+1= run', 'a=b; SECRET_KEY=*** run'],
    ['smbclient -U kim%hunter22 //files/share', 'smbclient -U kim%*** //files/share'],
  ])('%s', (text, shown) => {
    expect(maskSecrets(text)).toBe(shown);
    expect(maskSecrets(shown)).toBe(shown); // masking again changes nothing
  });

  it.each([
    'mysql -p shop', 'mysqldump --port=3306 --single-transaction shop', 'curl https://example.com:8443/a@b', 'curl -u kim https://example.com', 'ssh -p 2222 kim@10.0.0.4',
    'Failed password for root from 203.0.113.9 port 22 ssh2', 'kim : TTY=pts/0 ; PWD=/home/kim ; USER=root ; COMMAND=/usr/bin/id', 'tool --password-file=/run/secrets/db --token-ttl 60',
    'mkdir -p /var/lib/mongodb', 'docker run -p 8080:80 nginx', 'type=SYSCALL key="identity"', 'cp -p /a /b', 'tar -pczf /backup/a.tgz /var/lib/mysql', 'mkdir -pv /var/lib/mysql /srv/x', 'ls -p /usr/bin/mysqldump', 'git clone https://git.example.com/a.git', '',
  ])('leaves %j alone', (text) => expect(maskSecrets(text)).toBe(text));

  it('is quick and idempotent on anything', () => {
    const words = fc.constantFrom('mysql ', '-p', '--password', '=', ' ', '://', 'a:', '@', '"', '\'', 'AKIA', 'ABCDEF0123456789', 'Bearer ', 'curl -u ', 'token', '***', 'x');
    fc.assert(fc.property(fc.array(words, { maxLength: 40 }).map((parts) => parts.join('')), (text) => {
      const once = maskSecrets(text);
      expect(maskSecrets(once)).toBe(once);
    }));
    // Each would take minutes if a pattern were not linear.
    for (const part of ['--', '--a-', 'password', 'pass=', '://a:', ':"', '"', 'AKIA', 'mysql -p', 'curl -u a', 'x-', 'htpasswd -b ', 'eyJ.']) maskSecrets(`curl mysql pass=: ${part.repeat(4000)}`);
  });
});

describe('an event as it is shown', () => {
  const process = (over: Partial<Event>): Event => Object.assign(new Event('e1', 1, 'process_creation'), over);

  it('is the same event when it has no secret, and a copy when it has', () => {
    const plain = process({ process_cmdline: 'ls -l', extra: { a: 'b', n: 1 } });
    expect(shownEvent(plain)).toBe(plain);
    const event = process({ process_cmdline: 'mysql -pHunter22', parent_cmdline: 'sh -c mysql -pHunter22', pid: 7 });
    const shown = shownEvent(event);
    expect(shown).toMatchObject({ id: 'e1', time: 1, kind: 'process_creation', pid: 7, process_cmdline: 'mysql -p***', parent_cmdline: 'sh -c mysql -p***' });
    expect(Object.keys(shown)).toEqual(Object.keys(event)); // one hidden class
    expect(event.process_cmdline).toBe('mysql -pHunter22');
  });

  it('masks a found secret also where an argument stands alone or in hex', () => {
    const shown = shownEvent(Object.assign(new Event('e2', 1, 'auditd'), {
      process_cmdline: 'mysql -pHunter22', message: 'type=EXECVE msg=audit(1.0:1): argc=2 a0="mysql" a1="-pHunter22"', extra: { a0: 'mysql', a1: '-pHunter22', title: '6D7973716C002D7048756E7465723232', list: ['-pHunter22', 4], deep: { x: 'Hunter22' } },
    }));
    expect(JSON.stringify(shown)).not.toMatch(/Hunter22|48756E7465723232/);
    expect(shown.extra).toMatchObject({ a0: 'mysql', a1: '-p***', list: ['-p***', 4], deep: { x: '***' } });
  });

  it('masks only the password where the account is the same word', () => {
    expect(shownEvent(process({ process_cmdline: 'mysql -uroot -proot' })).process_cmdline).toBe('mysql -uroot -p***');
  });

  it('cuts what is too long to look at', () => {
    const shown = shownEvent(process({ message: `${'a '.repeat(40_000)}--password=Hunter22` }));
    expect(shown.message!.length).toBeLessThan(66_000);
    expect(shown.message).not.toContain('Hunter22');
  });

  it('keeps what a visitor of a web server sent', () => {
    const request = Object.assign(new Event('e3', 1, 'nginx'), { message: 'GET /?password=abc HTTP/1.1' });
    expect(shownEvent(request)).toBe(request);
  });
});
