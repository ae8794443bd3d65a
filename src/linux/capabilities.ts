/** Capabilities of a file, as the attribute security.capability keeps them. */

export interface FileCapabilities {
  version: 1 | 2 | 3;
  /** What the program has from the start (permitted), by name without `cap_`, in the kernel's order. */
  names: string[];
  /** Permitted ones are in effect at once. */
  effective: boolean;
  /** Root of the user namespace that they hold in; 0 for the machine's own. */
  rootId: number;
}

const names = [
  'chown', 'dac_override', 'dac_read_search', 'fowner', 'fsetid', 'kill', 'setgid', 'setuid', 'setpcap', 'linux_immutable', 'net_bind_service', 'net_broadcast', 'net_admin', 'net_raw',
  'ipc_lock', 'ipc_owner', 'sys_module', 'sys_rawio', 'sys_chroot', 'sys_ptrace', 'sys_pacct', 'sys_admin', 'sys_boot', 'sys_nice', 'sys_resource', 'sys_time', 'sys_tty_config', 'mknod',
  'lease', 'audit_write', 'audit_control', 'setfcap', 'mac_override', 'mac_admin', 'syslog', 'wake_alarm', 'block_suspend', 'audit_read', 'perfmon', 'bpf', 'checkpoint_restore',
];

/** Undefined for bytes that are none of the three layouts: 12, 20 or 24 bytes, little-endian. Inheritable ones count with the permitted. */
export function parseCapabilities(value: Buffer): FileCapabilities | undefined {
  if (value.length < 12) return undefined;
  const magic = value.readUInt32LE(0);
  const version = magic >>> 24;
  if (version !== 1 && version !== 2 && version !== 3) return undefined;
  if (value.length !== (version === 1 ? 12 : version === 2 ? 20 : 24)) return undefined;
  const set = new Set<number>();
  for (const [word, at] of (version === 1 ? [[0, 4]] : [[0, 4], [1, 12]]) as [number, number][]) {
    const bits = (value.readUInt32LE(at) | value.readUInt32LE(at + 4)) >>> 0;
    for (let i = 0; i < 32; i++) if ((bits >>> i) & 1) set.add(word * 32 + i);
  }
  return {
    version, effective: (magic & 1) !== 0, rootId: version === 3 ? value.readUInt32LE(20) : 0,
    names: [...set].sort((a, b) => a - b).map((bit) => names[bit] ?? `cap_${bit}`),
  };
}

/** What setcap would write for `cap_net_raw+ep` or `cap_net_raw,cap_net_admin=eip`: one clause. Undefined for what is none of these. */
export function capabilitiesOf(text: string): Buffer | undefined {
  const found = /^((?:cap_\w{2,30},?){1,64})[+=]([eip]{1,3})$/.exec(text);
  if (!found) return undefined;
  const words = [0, 0];
  for (const name of found[1]!.split(',')) {
    const bit = names.indexOf(name.slice('cap_'.length));
    if (bit < 0) return undefined;
    words[bit >> 5] = (words[bit >> 5]! | (1 << (bit & 31))) >>> 0;
  }
  const value = Buffer.alloc(20);
  const has = (flag: string): boolean => found[2]!.includes(flag);
  value.writeUInt32LE((0x0200_0000 | (has('e') ? 1 : 0)) >>> 0, 0);
  for (const [i, word] of words.entries()) {
    value.writeUInt32LE(has('p') ? word : 0, 4 + i * 8);
    value.writeUInt32LE(has('i') ? word : 0, 8 + i * 8);
  }
  return value;
}
