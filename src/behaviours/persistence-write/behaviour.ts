/**
 * Something written where it will run again or let somebody in (core/places.ts), by whom it should not come from: a web
 * service, a database, a container, a log-on from a new network, a program that no package owns. What one tree writes
 * is one alert that lists the places.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import { placeById, placeOf, type PlaceId } from '../../core/places.ts';
import type { Behaviour, BehaviourContext, BehaviourRun, Learning } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { actorOf, originKind, who, type Actor } from '../actor.ts';
import { KnownNetworks, logonKinds } from '../known-networks.ts';
import { isProgramFolder } from '../places.ts';
import { baseName, deedFile } from '../program-kind.ts';
import { isOdd, provenanceOf } from '../provenance.ts';
import { isCount, load, save } from '../saved.ts';
import { list, number } from '../settings.ts';
import { listed, lowered, raised, Stories } from '../stories.ts';
import { ancestors } from '../tree.ts';

export const persistenceWrite: Behaviour = {
  id: 'persistence-write',
  title: { zh: '持久化位置被写入', en: 'A persistence place was written' },
  means: { zh: '有程序写入了开机、登录或定时会自动运行的位置', en: 'A program wrote where things run by themselves at boot, at log-on or by the clock' },
  advice: { zh: '看写了什么、是谁写的；不是您或软件包所为就按所属事件的计划撤掉。', en: 'Look at what was written and by whom; if it was neither you nor a package, take it away by the plan of its incident.' },
  blind: {
    zh: '写了什么内容不看，只看写到哪里、由谁写；没有软件包索引时不知道程序是否来自软件包；学习期内不判断登录地址是否为新；从磁盘设备或其他命名空间改动的看不到。',
    en: 'Not what was written is judged, but where and by whom. Without an index of packages it is unknown where programs come from. While learning no address is new. What is changed through the disk device is not seen.',
  },
  kinds: ['file_event', ...logonKinds],
  settings: {
    tellKnown: { default: false, text: { zh: '管理员编辑、软件包与配置管理工具的写入也以 info 级列出', en: 'also list, at info, what administrators, package managers and configuration management write' } },
    learnDays: { default: 3, min: 0, max: 365, text: { zh: '学习登录来源网段的天数', en: 'days to learn the networks that people log on from' } },
    known: { default: [], text: { zh: '另外允许写入这些位置的程序：可执行文件或脚本的完整路径、程序名', en: 'more programs that may write there: full path of an executable or script, or a name' } },
    gitHooks: { default: false, text: { zh: '也判断各处 git 仓库的钩子（开发机上较多）', en: 'also judge the hooks of git repositories anywhere (many on a developer\'s machine)' } },
  },
  open,
};

const maxTrees = 5000;
const maxNetworks = 5000;
const storyMs = 6 * 3_600_000;

/** A place of the list, or a program that a package brought. */
type Where = PlaceId | 'program';
const programs = { name: { zh: '软件包自带的程序', en: 'programs of packages' }, attack: 'T1554' };

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** Put files there as their work, wherever they were started from; the name counts only for what a package owns. */
const managers = words('dpkg dpkg-deb dpkg-divert dpkg-trigger dpkg-statoverride apt apt-get apt-key aptitude unattended-upgrade unattended-upgrades rpm yum dnf microdnf zypper apk pacman snapd update-alternatives ucf debconf frontend puppet chef-client salt-minion salt-call cfagent ansible cloud-init systemd systemd-sysv-install deb-systemd-helper deb-systemd-invoke needrestart rsyslogd dracut update-initramfs mkinitramfs depmod dkms kmod grub-mkconfig update-grub grub2-mkconfig certbot letsencrypt logrotate fail2ban-server networkd-dispatcher dockerd containerd podman buildah runc crun moat');
/** Each place's own tools. */
const owners: Partial<Record<Where, ReadonlySet<string>>> = {
  'cron': words('crontab cron crond anacron fcrontab'), 'at': words('at atd batch'), 'systemd': words('systemctl systemd systemd-sysv-generator systemd-run netplan snap'), 'init': words('update-rc.d chkconfig insserv rc-update'),
  'boot': words('grub-install grub-set-default'), 'modules': words('depmod dkms kmod modprobe kernel-install'), 'accounts': words('useradd usermod userdel groupadd groupmod groupdel groupmems passwd chage chfn chsh chpasswd chgpasswd newusers gpasswd vipw vigr pwconv pwunconv grpconv grpunconv pwck grpck adduser addgroup deluser delgroup systemd-sysusers systemd-homed accounts-daemon update-passwd unix_chkpwd unix_update unix_chkpwd sshd su sudo login newgrp authconfig realmd'),
  'sudo': words('visudo'), 'pam': words('pam-auth-update authselect authconfig'), 'ssh': words('ssh-copy-id google_guest_agent waagent'), 'sshd': words('google_guest_agent'), 'udev': words('udevadm systemd-hwdb'), 'profile': words('localectl locale-gen update-locale useradd adduser'),
  'kernel-helper': words('sysctl systemd-sysctl systemd-binfmt systemd-coredump apport kdump-config update-binfmts qemu-binfmt-conf.sh'), 'loader': words('ldconfig'), 'git-hook': words('git git-lfs husky pre-commit npm npx node lefthook yarn pnpm composer'), 'polkit': words('polkitd'), 'network-hook': words('netplan NetworkManager'), 'cloud': words('cloud-init'), 'php': words('composer'), 'pods': words('kubeadm'), 'logrotate': words(''), 'package-hook': words('add-apt-repository software-properties-gtk'),
};
/** A write there hands over the whole machine. */
const grave: ReadonlySet<Where> = new Set<Where>(['preload', 'pam', 'nss', 'kernel-helper', 'modules', 'sudo', 'accounts', 'ssh', 'cron', 'systemd', 'program']);
/** A person's own settings. */
const slight: ReadonlySet<Where> = new Set<Where>(['git-hook', 'autostart', 'logrotate', 'motd', 'php', 'sysctl', 'container-engine', 'server-module']);

/** Debian's redis-server is one file with redis-check-rdb, whose name the kernel tells. */
const databases = /^(?:mysqld|mariadbd|postgres|redis-server|redis-check-rdb|valkey-server|valkey-check-rdb|keydb-server|mongod|clickhouse-server|memcached|etcd|java)$/;
const systemManager = /^(?:dpkg|apt|apt-get|aptitude|unattended-upgrade|unattended-upgrades|rpm|yum|dnf|microdnf|zypper|apk|pacman|snapd)$/;
const fleet = /^(?:ansible.*|salt-.*|puppet|chef-client|cfagent|cloud-init|unattended-upgr.*|apt|apt-get|dpkg|dnf|yum|rpm|debootstrap|mmdebstrap)$/;

type Verdict = { level: Level; why: Text } | undefined;

function open(context: BehaviourContext): BehaviourRun {
  const tellKnown = context.settings['tellKnown'] === true, gitHooks = context.settings['gitHooks'] === true;
  const more = new Set(list(context, 'known'));
  const stories = new Stories(maxTrees, storyMs, () => { context.count('trees forgotten'); });
  const networks = new KnownNetworks(number(context, 'learnDays'), () => { context.count('known networks forgotten'); });
  let now = 0;

  load(context, ({ rows, since, samples }) => {
    if (rows.length > maxNetworks || !rows.every((row) => isCount(row[1]))) return false;
    networks.load(rows.map((row) => [row[0], Number(row[1])] as const), since, samples);
    return true;
  });

  const known: Verdict = { level: 'info', why: { zh: '已知的管理操作', en: 'known administration' } };

  function judge(event: Event, actor: Actor, place: Where): Verdict {
    const file = deedFile(actor.program, event.process_cmdline ?? actor.node?.cmdline);
    const provenance = provenanceOf(context, file, actor.container);
    const kind = originKind(actor, event);
    const origin = actor.node?.origin;
    if (more.has(file) || more.has(actor.program) || more.has(actor.name)) return known;
    if (kind === 'web') return { level: slight.has(place) ? 'high' : 'critical', why: { zh: '由网站进程引起', en: 'done under a web service' } };
    if (databases.test(actor.name) || underDatabase(actor)) return { level: 'critical', why: { zh: '由数据库进程引起', en: 'done by a database' } };
    if (isOdd(file, provenance)) {
      if (kind === 'package' && origin?.name !== undefined && systemManager.test(origin.name) && file.startsWith('/var/tmp/rpm-tmp.')) return known;
      return byFleet(actor) ? known : { level: slight.has(place) ? 'high' : 'critical', why: { zh: '程序位于临时或隐藏目录', en: 'the program lies in a temporary or hidden place' } };
    }
    if (actor.container !== undefined) return inContainer(actor, place);
    if (kind === 'package' && origin?.name !== undefined && !systemManager.test(origin.name)) return { level: slight.has(place) ? 'medium' : 'high', why: { zh: '由语言包管理器的安装脚本引起', en: 'done by an install script of a language\'s packages' } };
    const strange = provenance === 'unowned' || provenance === 'changed';
    const isOwnTool = managers.has(actor.name) || managers.has(baseName(file)) || owners[place]?.has(actor.name) === true || owners[place]?.has(baseName(file)) === true;
    if (networks.isNew(origin, event.time)) return { level: slight.has(place) ? 'medium' : 'high', why: { zh: '登录来自一天内首次出现的网段', en: 'the session came from a network not seen before this day' } };
    if (isOwnTool && !strange) return kind === 'cron' && place === 'cron' ? { level: 'medium', why: { zh: '计划任务又写计划任务', en: 'a scheduled job writes scheduled jobs' } } : known;
    if (byFleet(actor)) return known;
    if (strange) return unowned(kind, place);
    // Package managers were let through above; who else overwrites their programs?
    if (place === 'program') return { level: 'medium', why: { zh: '不是软件包管理器写的', en: 'not written by a package manager' } };
    switch (kind) {
      case 'login': case 'console': case 'package': case 'cloud': return known;
      case 'service': return { level: grave.has(place) ? 'low' : 'info', why: { zh: '服务写入', en: 'written by a service' } };
      case 'cron': case 'timer': return { level: place === 'preload' ? 'high' : 'medium', why: { zh: '由计划任务引起', en: 'done by a scheduled job' } };
      default: return { level: place === 'preload' || place === 'pam' ? 'high' : slight.has(place) ? 'low' : 'medium', why: { zh: '来由不明', en: 'its origin is unknown' } };
    }
  }

  return {
    observe(event) {
      now = Math.max(now, event.time);
      if (event.kind !== 'file_event') { networks.observe(event); return; }
      const path = event.file_path;
      if (path === undefined) return;
      switch (event.action) {
        case 'write': case 'create': case 'rename': case 'link': break;
        default: return;
      }
      const place = placeOf(path) ?? (isProgramFolder(path) && context.packages.owner(path) !== undefined ? 'program' : undefined);
      if (place === undefined || (place === 'git-hook' && !gitHooks)) return;
      const actor = actorOf(event, context);
      const judged = judge(event, actor, place);
      if (judged === undefined || (judged === known && !tellKnown)) return;
      tell(event, actor, place, path, judged);
    },
    tick(time) { now = Math.max(now, time); },
    save: () => save({ since: networks.since, samples: networks.samples, head: [], rows: networks.rows().map(([network, first]) => [network, Math.max(0, first)] as const) }, context),
    size: () => stories.size + networks.size,
    learning: (): Learning => ({ since: networks.since, samples: networks.samples, ready: networks.ready(now) }),
  };

  function tell(event: Event, actor: Actor, place: Where, path: string, judged: NonNullable<Verdict>): void {
    const key = `${judged === known ? 'known:' : ''}${event.pid === undefined ? actor.program : actor.tree}`;
    const before = stories.get(key);
    // Several places at once are what an intruder does to stay.
    const places = new Set<Where | undefined>((before?.things ?? []).map((thing) => placeOf(thing)));
    places.add(place);
    const level = places.size >= 3 && judged !== known && judged.level !== 'info' && judged.level !== 'critical' ? raised(judged.level) : judged.level;
    const told = stories.add(key, level, path, event.time);
    if (told === undefined) return;
    const { name, attack } = place === 'program' ? programs : placeById[place];
    context.emit({
      ruleId: 'behaviour.persistence-write', title: persistenceWrite.title, level: told.story.level,
      summary: {
        zh: `{program} 写入了${name.zh}：{things}（来由：{origin_zh}；${judged.why.zh}）`,
        en: `{program} wrote to a place that lasts, ${name.en}: {things} (from {origin_en}; ${judged.why.en})`,
      },
      attack: [attack], matrix: ['植入后门'], key, time: event.time, events: [event], count: told.count,
      group: { ...who(actor, event), things: listed(told.story, 8) },
    });
  }
}

/** Inside its own root a container may do as it likes; only what reloads an intruder there is told. */
function inContainer(actor: Actor, place: Where): Verdict {
  if (managers.has(actor.name) || owners[place]?.has(actor.name) === true || byFleet(actor)) return undefined;
  const why: Text = { zh: '在容器内', en: 'inside a container' };
  if (place === 'preload') return { level: 'high', why };
  return place === 'cron' || place === 'ssh' || place === 'pam' ? { level: 'low', why } : undefined;
}

function unowned(kind: string, place: Where): Verdict {
  const why: Text = { zh: '程序不属于任何软件包', en: 'no package owns the program' };
  const level: Level = place === 'preload' || place === 'pam' ? 'critical' : slight.has(place) ? 'medium' : 'high';
  // Installers of one's own (curl | sh, vendors' packages of files) run in a session, and mostly install a unit.
  if (kind === 'login' || kind === 'console' || kind === 'cloud' || kind === 'package') return { level: place === 'systemd' || place === 'profile' || place === 'loader' || place === 'udev' ? 'low' : lowered(level), why };
  return { level, why };
}

/** Redis, MySQL and their like write no start-up files; a shell of theirs counts too. */
function underDatabase(actor: Actor): boolean {
  for (const parent of ancestors(actor.node)) if (databases.test(baseName(parent.path ?? '')) && parent.path !== '/usr/bin/java') return true;
  return false;
}

function byFleet(actor: Actor): boolean {
  for (const parent of ancestors(actor.node)) {
    if (parent.path === undefined || parent.origin.kind === 'web') continue;
    if (fleet.test(baseName(deedFile(parent.path, parent.cmdline)))) return true;
  }
  return (actor.node?.cmdline ?? '').includes('/.ansible/tmp/');
}
