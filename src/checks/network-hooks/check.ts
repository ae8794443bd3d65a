/** Scripts that run when the network comes, goes or changes. */
import { configFindings, foldersOf, linesOf, listHook, scriptFindings, sourcedFindings, type HookCommand, type Place } from '../hooks.ts';
import type { PlaceCheck } from '../port.ts';

const nm = ['/etc/NetworkManager/dispatcher.d', '/usr/lib/NetworkManager/dispatcher.d', '/usr/local/lib/NetworkManager/dispatcher.d'];
const scriptFolders = [
  ...nm.flatMap((folder) => [folder, ...['pre-up.d', 'pre-down.d', 'no-wait.d'].map((sub) => `${folder}/${sub}`)]),
  ...['if-up.d', 'if-pre-up.d', 'if-down.d', 'if-post-down.d'].map((sub) => `/etc/network/${sub}`),
  '/etc/dhcp/dhclient-enter-hooks.d', '/etc/dhcp/dhclient-exit-hooks.d', '/etc/dhcp/dhclient.d', '/etc/dhcp3/dhclient-exit-hooks.d', '/lib/dhcpcd/dhcpcd-hooks', '/usr/lib/dhcpcd/dhcpcd-hooks', '/usr/share/dhcpcd/hooks',
  '/etc/ppp/ip-up.d', '/etc/ppp/ip-down.d', '/etc/ppp/ipv6-up.d', '/etc/ppp/ipv6-down.d', '/etc/resolvconf/update.d', '/etc/resolvconf/update-libc.d', '/etc/ifplugd/action.d', '/etc/udhcpc', '/etc/network.d',
];
const dispatcher = ['routable.d', 'dormant.d', 'no-carrier.d', 'off.d', 'carrier.d', 'degraded.d', 'configuring.d', 'configured.d'].flatMap((sub) => [`/etc/networkd-dispatcher/${sub}`, `/usr/lib/networkd-dispatcher/${sub}`]);
const scripts = ['/etc/dhclient-enter-hooks', '/etc/dhclient-exit-hooks', '/etc/dhcp/dhclient-enter-hooks', '/etc/dhcp/dhclient-exit-hooks', '/etc/dhcpcd.enter-hook', '/etc/dhcpcd.exit-hook', '/etc/ppp/ip-up', '/etc/ppp/ip-down', '/etc/ppp/ip-up.local', '/etc/ppp/ip-down.local', '/etc/sysconfig/network-scripts/ifup-local', '/etc/sysconfig/network-scripts/ifdown-local', '/sbin/ifup-local', '/sbin/ifup-pre-local', '/sbin/ifdown-local', '/usr/sbin/ifup-local'];

const place: Place = {
  check: 'network-hooks', name: { zh: '网络事件脚本', en: 'script of a network event' },
  means: { zh: '网卡每次启用或地址每次变化，它就以 root 运行；开机时一定会发生。', en: 'It runs as root each time an interface comes up or an address changes, at each boot too.' },
  refs: ['attack:T1546'],
};

export const networkHooks: PlaceCheck = {
  id: 'network-hooks',
  title: { zh: '网络事件脚本', en: 'hooks of the network' },
  blind: { zh: 'VPN 程序放在别处的配置看不到', en: 'cannot see settings of tunnels that lie elsewhere' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const seen = new Set<string>();
    for (const path of [...scripts, ...[...scriptFolders, ...dispatcher].flatMap((folder) => listHook(context, folder))]) {
      const real = context.tree.real(path);
      if (real === undefined || seen.has(real)) continue;
      seen.add(real);
      yield* scriptFindings(place, context, [path]);
    }
    for (const path of ['/etc/network/interfaces', ...listHook(context, '/etc/network/interfaces.d')]) yield* configFindings(place, context, path, interfaceCommands);
    for (const path of ['/etc/dhcp/dhclient.conf', '/etc/dhclient.conf', '/etc/dhcp3/dhclient.conf']) yield* configFindings(place, context, path, dhclientScript);
    for (const path of listHook(context, '/etc/wireguard')) if (path.endsWith('.conf')) yield* configFindings(place, context, path, (text) => keyed(text, /^\s*(?:Pre|Post)(?:Up|Down)\s*=\s*(.*)$/i));
    for (const path of ['/etc/openvpn', ...foldersOf(context, '/etc/openvpn')].flatMap((folder) => listHook(context, folder))) if (/\.(?:conf|ovpn)$/.test(path)) yield* configFindings(place, context, path, (text) => keyed(text, /^\s*(?:up|down|route-up|route-pre-down|ipchange|tls-verify|auth-user-pass-verify|client-connect|client-disconnect|learn-address|plugin)\s+(.*)$/));
    for (const path of listHook(context, '/etc/sysconfig/network-scripts')) if (/\/(?:ifcfg|route6?|rule6?)-/.test(path)) yield* sourcedFindings(place, context, path);
  },
};

const interfaceCommands = (text: string): Iterable<HookCommand> => keyed(text, /^\s*(?:up|pre-up|post-up|down|pre-down|post-down|wpa-action|mapping-script|script)\s+(.*)$/);
const dhclientScript = (text: string): Iterable<HookCommand> => keyed(text, /^\s*script\s+"?([^";]+)"?\s*;/);

function* keyed(text: string, pattern: RegExp): Iterable<HookCommand> {
  for (const { line, text: entry } of linesOf(text, /^\s*[#;]/)) {
    const found = pattern.exec(entry);
    if (found) yield { line, text: entry, command: found[1]!.replace(/^"(.*)"$/, '$1') };
  }
}
