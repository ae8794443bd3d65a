/** Programs that have rights of root piecemeal, by file capabilities: none but those that packages set so. */
import { parseCapabilities } from '../../linux/capabilities.ts';
import type { FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { fact, finding, octal } from '../finding.ts';
import type { Visitor, WalkCheck } from '../port.ts';
import { inOpenFolder, isHiddenPath, isShipped } from '../processes.ts';
import { baseName, interpreters } from '../shell-words.ts';

/** Each is as good as root to who knows how. */
const strong = new Set(['chown', 'dac_override', 'dac_read_search', 'fowner', 'setgid', 'setuid', 'setpcap', 'sys_module', 'sys_rawio', 'sys_ptrace', 'sys_admin', 'sys_chroot', 'mknod', 'setfcap', 'mac_override', 'mac_admin', 'bpf', 'fsetid', 'linux_immutable', 'audit_control', 'sys_boot', 'checkpoint_restore', 'perfmon', 'ipc_owner']);
/** Packages set these after unpacking, so their database does not hold them. */
const usual: Readonly<Record<string, readonly string[]>> = {
  newuidmap: ['setuid'], newgidmap: ['setgid'], ping: ['net_raw', 'net_admin'], ping6: ['net_raw'], arping: ['net_raw'], clockdiff: ['net_raw', 'sys_nice'], fping: ['net_raw'], 'mtr-packet': ['net_raw'],
  dumpcap: ['net_raw', 'net_admin', 'dac_override'], suexec: ['setuid', 'setgid', 'dac_override'], 'gst-ptp-helper': ['net_bind_service', 'net_admin', 'sys_nice'], 'systemd-detect-virt': ['dac_override', 'sys_ptrace'], 'gnome-keyring-daemon': ['ipc_lock'], kwin_wayland: ['sys_nice'],
  'snap-confine': ['chown', 'dac_override', 'dac_read_search', 'fowner', 'setgid', 'setuid', 'sys_chroot', 'sys_ptrace', 'sys_admin', 'sys_resource'], 'rlogin': ['net_bind_service'], mongod: ['sys_nice'], 'ksysguardd': ['net_raw'], 'apps.plugin': ['dac_read_search', 'sys_ptrace'], 'slabinfo.plugin': ['dac_read_search'], 'perf.plugin': ['perfmon', 'sys_admin'], 'debugfs.plugin': ['dac_read_search'], 'go.d.plugin': ['net_raw', 'net_admin', 'dac_read_search'],
};

export const capability: WalkCheck = {
  id: 'capability',
  title: { zh: '带特权能力的程序', en: 'programs with capabilities' },
  blind: { zh: '软件包数据库大多不记能力，属于软件包的程序按一张表核对', en: 'package databases mostly do not hold capabilities; programs of packages are held against a table' },
  group: 'files',
  scope: 'tree',
  everyMinutes: 24 * 60,
  walk(context): Visitor {
    const { tree, provenance } = context;
    const read = (path: string): Buffer | undefined => tree.attribute(path, 'security.capability');
    return {
      wants: ({ path, stat }) => stat.kind === 'file' && (stat.mode & 0o111) !== 0 && read(path) !== undefined,
      async *look({ path, stat }) {
        const value = read(path);
        const caps = value && parseCapabilities(value);
        if (!caps) { if (value) context.count('capabilities of files that are not understood'); return; }
        const name = baseName(path);
        const owner = await provenance.owner(path);
        const shipped = isShipped(owner);
        const beyond = caps.names.filter((cap) => !(shipped && usual[name]?.includes(cap)));
        const strongOnes = beyond.filter((cap) => strong.has(cap));
        const script = interpreters.test(name) || /^(?:gdb|vim?(?:\.\w+)?|tar|cp|dd|find|less|busybox|openssl|curl|rsync|nmap|tcpdump|env)$/.test(name);
        const odd = inOpenFolder(path) || isHiddenPath(path) || /^\/(?:home|root|var\/www)\//.test(path);
        if (strongOnes.length === 0 && (shipped || !odd)) return;
        const [kind, level]: [FindingKind, Level] = strongOnes.length === 0 ? ['notice', 'low'] : script && /^(?:python|perl|ruby|php|node|lua|gdb|bash|sh|dash|vim|tar)/.test(name) || odd ? ['intrusion', 'high'] : shipped ? ['notice', 'low'] : ['weakness', 'medium'];
        yield finding('capability', path, {
          kind, level, path, time: stat.changed,
          title: { zh: `${path} 带有特权能力 ${beyond.join('、')}`, en: `${path} has capabilities: ${beyond.join(', ')}` },
          evidence: [fact({ zh: '能力', en: 'capabilities' }, `${caps.names.map((cap) => `cap_${cap}`).join(',')}${caps.effective ? '=ep' : '=p'} (v${caps.version}${caps.rootId === 0 ? '' : `, root ${caps.rootId}`})`), fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`), ...(owner ? [fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version}, ${owner.state}`)] : [])],
          means: { zh: '能力和 SUID 一样把 root 的权力交给运行它的人，却不显示在 ls -l 里。解释器和编辑器带上它，任何人都能变成 root。', en: 'Like set-uid, capabilities hand rights of root to whoever runs the program, and ls -l does not show them. An interpreter or editor with them makes root of anybody.' },
          fix: { text: { zh: '不需要就去掉', en: 'take them away when they are not needed' }, commands: [['setcap', '-r', path]] },
          refs: ['attack:T1548', 'matrix:文件能力'],
        });
      },
    };
  },
};
