import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import '../../test/seed.ts';
import { commandsOf, inlineCode, languageOf, programsOf, startsOf } from './shell-words.ts';
import { fetchedFiles, fetchOf } from './fetch-words.ts';

const programs = (line: string): string[] => commandsOf(line).flatMap((words) => programsOf(words));
const code = (line: string): string[] => commandsOf(line).flatMap((words) => startsOf(words).code.map(({ language, text }) => `${language} ${text}`));

it('sees through programs that start others', () => {
  for (const line of [
    'nohup /x a', 'sudo -u www-data -H /x', 'env -i A=1 /x', 'nice -n 19 ionice -c2 -n7 /x', 'timeout -s KILL 5m /x', 'setsid -f /x', 'flock -n /run/lock /x', 'stdbuf -oL /x', 'exec -a name /x', 'xargs -I{} -n 1 /x', 'taskset -c 0-3 /x', 'chrt -f 10 /x',
    'start-stop-daemon --start --quiet --pidfile /p --exec /x -- -d', 'start-stop-daemon -S -x /x', 'systemd-run --unit=a --on-boot=1m /x', 'chroot /mnt /x', 'unshare -m /x', 'find / -name a -exec /x {} \\;', '/lib64/ld-linux-x86-64.so.2 --library-path /l /x', 'busybox /x', 'runuser -u lin -- /x', 'gosu lin /x', 'A=1 B=2 /x', 'if /x', 'pkexec --user root /x', 'nsenter -t 1 -m -- /x', 'daemonize -p /p /x',
  ]) expect([line, programs(line).at(-1)]).toEqual([line, '/x']);
});

it('knows scripts of interpreters from their options', () => {
  for (const line of ['sh /x', 'bash -e -o pipefail /x', 'bash --rcfile /r /x', 'python3 -u -W ignore /x', 'perl -w -I /l /x', 'node --max-old-space-size=99 /x', 'php -d a=b -f /x', 'ruby -W0 /x', '. /x', 'source /x', 'java -Xmx1g -jar /x', 'awk -f /x', 'python3 -- /x']) expect([line, programs(line).at(-1)]).toEqual([line, '/x']);
  expect(programs('node -r /a/hook.js /srv/app.js')).toEqual(['node', '/a/hook.js', '/srv/app.js']);
  expect(programs('python3 -m http.server 8000')).toEqual(['python3']);
});

it('finds code on the command line', () => {
  expect(code("sh -c 'a b' x; bash -lc c; su - lin -c d; flock /l -c e; eval f g; python3 -uc 'h'; perl -we i; php -r j; node -e k; awk '{l}' f; trap m EXIT; script -qc n /dev/null; env -S 'o p'; watch -n 5 q r")).toEqual(['shell a b', 'shell c', 'shell d', 'shell e', 'shell f g', 'python h', 'perl i', 'php j', 'node k', 'awk {l}', 'shell m', 'shell n', 'shell o p', 'shell q r']);
  expect(inlineCode(['bash', '-ex', '/x'])).toBeUndefined();
  expect(['sh', 'bash -s', 'python3 -', 'sh -x', 'bash /dev/stdin', 'perl', 'node', 'sh /x', 'cat'].map((line) => startsOf(commandsOf(line)[0]!).fromInput)).toEqual(['shell', 'shell', 'python', 'shell', 'shell', 'perl', 'node', undefined, undefined]);
  expect(['/usr/bin/python3.11', 'dash', 'php8.2', 'nodejs', 'tclsh', 'cat', 'shutdown'].map(languageOf)).toEqual(['python', 'shell', 'php', 'node', 'other', undefined, undefined]);
});

it('knows what fetches, from where and into which file', () => {
  const level = (line: string): string | undefined => fetchOf(commandsOf(line))?.level;
  expect(['curl http://203.0.113.1/a', 'wget -q https://203.0.113.1/a', 'curl https://get.example.com/a', 'curl http://get.example.com/a', 'curl -s https://transfer.sh/a', 'curl -s 192.168.1.5/a', 'curl http://127.0.0.1:8080/health', 'nc 203.0.113.1 99', 'echo https://x.example.com/'].map(level)).toEqual(['high', 'high', 'medium', 'high', 'high', 'medium', undefined, 'high', undefined]);
  expect(fetchedFiles(['curl', '-so', '/tmp/a', 'https://x.example.com/b'], [], undefined).map(([path]) => path)).toEqual(['/tmp/a']);
  expect(fetchedFiles(['wget', 'https://x.example.com/b.sh?v=1'], [], '/root').map(([path]) => path)).toEqual(['/root/b.sh', 'b.sh']);
});

it('survives any words', () => {
  const word = fc.oneof(fc.constantFrom('sudo', 'env', '-c', '-S', '--', 'exec', '-a', 'find', '-exec', ';', 'sh', 'flock', 'start-stop-daemon', '-x', 'pkexec', 'ld-linux-x86-64.so.2', 'python3', '-m', 'constructor', '__proto__', 'A=1', '', '-'), fc.string({ maxLength: 8 }));
  fc.assert(fc.property(fc.array(word, { maxLength: 40 }), (words) => { startsOf(words); fetchOf([words]); fetchedFiles(words, [], '/'); }), { numRuns: 1500 });
  expect(startsOf(Array.from({ length: 3000 }, () => 'find')).programs.length).toBeLessThan(100);
});
