import { describe, expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { kernel } from './program.ts';

const packet = 'IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=192.0.2.7 DST=198.51.100.1 LEN=40 TOS=0x00 PREC=0x00 TTL=52 ID=54321 PROTO=TCP SPT=40000 DPT=23 WINDOW=65535 RES=0x00 SYN URGP=0 ';

describe('packets the firewall logged', () => {
  it('tell from where to where', () => {
    expect(feed(kernel)(`[12345.678901] [UFW BLOCK] ${packet}`)).toMatchObject({
      said: true, kind: 'firewall', service: 'firewall', category: 'firewall', action: 'drop', outcome: 'failure', source_ip: '192.0.2.7', destination_ip: '198.51.100.1',
      source_port: 40000, destination_port: 23, protocol: 'tcp', direction: 'inbound', extra: { rule: '[UFW BLOCK]', in: 'eth0', out: '', flags: 'SYN' },
    });
  });

  it.each([
    [`REJECT-IN: ${packet}`, 'reject', 'failure'], [`FINAL_REJECT: ${packet}`, 'reject', 'failure'], [`nft drop ${packet}`, 'drop', 'failure'],
    [`DROP:${packet}`, 'drop', 'failure'], [`[UFW ALLOW] ${packet}`, 'accept', 'success'], [`[UFW AUDIT] ${packet}`, 'log', 'unknown'], [packet, 'log', 'unknown'],
  ])('%s', (message, action, outcome) => {
    expect(feed(kernel)(message)).toMatchObject({ kind: 'firewall', action, outcome, source_ip: '192.0.2.7', destination_port: 23 });
  });

  it('over IPv6, without ports, outbound', () => {
    expect(feed(kernel)('out IN= OUT=eth0 SRC=2001:0db8:0000:0000:0000:0000:0000:0007 DST=2001:0db8:0000:0000:0000:0000:0000:0001 LEN=64 HOPLIMIT=64 PROTO=ICMPv6 TYPE=128 CODE=0 ')).toMatchObject({
      source_ip: '2001:db8::7', destination_ip: '2001:db8::1', protocol: 'icmpv6', direction: 'outbound', source_port: undefined,
    });
  });

  it('are not made of text that only looks like one', () => {
    expect(feed(kernel)('module says IN= SRC=203.0.113.9').kind).toBe('kernel');
  });
});

describe('faults', () => {
  it.each([
    ['EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2: comm ls: reading directory lblock 0', 'filesystem-error', { extra: { device: 'sda1' } }],
    ['EXT4-fs (sda1): Remounting filesystem read-only', 'filesystem-readonly', { extra: { device: 'sda1' } }],
    ['XFS (dm-0): Metadata corruption detected at xfs_agi_read_verify+0x5e', 'filesystem-error', { extra: { device: 'dm-0' } }],
    ['BTRFS error (device sdb): bdev /dev/sdb errs: wr 0, rd 1', 'filesystem-error', { extra: { device: 'sdb' } }],
    ['blk_update_request: I/O error, dev sda, sector 2048 op 0x0', 'disk-error', { extra: { device: 'sda' } }],
    ['Buffer I/O error on dev sda1, logical block 0, async page read', 'disk-error', { extra: { device: 'sda1' } }],
    ['critical medium error, dev sdb, sector 123456', 'disk-error', { extra: { device: 'sdb' } }],
    ['ata1.00: failed command: READ FPDMA QUEUED', 'disk-error', { extra: { device: 'ata1.00' } }],
    ['nvme nvme0: I/O 12 QID 1 timeout, aborting', 'disk-error', { extra: { device: 'nvme0' } }],
    ['Out of memory: Killed process 4242 (mysqld) total-vm:1000kB, anon-rss:900kB', 'oom-kill', { pid: 4242, process_name: 'mysqld' }],
    ['Memory cgroup out of memory: Killed process 4242 (node) total-vm:1000kB', 'oom-kill', { pid: 4242, process_name: 'node' }],
    ['shop[77]: segfault at 0 ip 000055d0 sp 00007ffd error 4 in shop[55d0+1000]', 'crash', { pid: 77, process_name: 'shop' }],
    ['traps: shop[77] general protection fault ip:55d0 sp:7ffd error:0', 'crash', { pid: 77 }],
    ['INFO: task jbd2/sda1-8:254 blocked for more than 120 seconds.', 'hung-task', { process_name: 'jbd2/sda1-8', pid: 254 }],
    ['rootkit: loading out-of-tree module taints kernel.', 'module-taint', { extra: { module: 'rootkit' } }],
    ['rootkit: module verification failed: signature and/or required key missing - tainting kernel', 'module-taint', { extra: { module: 'rootkit' } }],
    ['device eth0 entered promiscuous mode', 'promiscuous-mode', { extra: { interface: 'eth0', change: 'entered' } }],
    ['eth0: entered promiscuous mode', 'promiscuous-mode', { extra: { interface: 'eth0', change: 'entered' } }],
    ['TCP: request_sock_TCP: Possible SYN flooding on port 80. Sending cookies.  Check SNMP counters.', 'syn-flood', { destination_port: 80 }],
    ['TCP: request_sock_TCP: Possible SYN flooding on port [::]:443. Sending cookies.', 'syn-flood', { destination_port: 443 }],
    ['nf_conntrack: nf_conntrack: table full, dropping packet', 'conntrack-full', {}],
    ['wireguard: wg0: Invalid handshake initiation from 192.0.2.7:51820', 'probe', { source_ip: '192.0.2.7', source_port: 51820 }],
    ['audit: type=1400 audit(1795314421.123:99): apparmor="DENIED" operation="open" profile="/usr/sbin/named" name="/etc/shadow" pid=812 comm="named" requested_mask="r"', 'apparmor-denied', { file_path: '/etc/shadow', pid: 812, process_name: 'named' }],
  ])('%s', (message, action, expected) => {
    expect(feed(kernel)(`[   12.345678] ${message}`)).toMatchObject({ said: true, kind: 'kernel', service: 'kernel', action, ...expected });
  });

  it('stay quiet about ordinary messages', () => {
    for (const text of ['EXT4-fs (sda1): mounted filesystem with ordered data mode', 'ata1: SATA link up 6.0 Gbps (SStatus 133 SControl 300)', 'nvme nvme0: 8/0/0 default/read/poll queues', 'eth0: link becomes ready', '']) {
      expect(feed(kernel)(text)).toMatchObject({ said: true, kind: 'kernel', action: undefined, outcome: undefined });
    }
  });
});
