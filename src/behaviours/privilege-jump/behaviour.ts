/**
 * An account becomes root without the programs that may make it so: a setuid file that no package owns, a process
 * that was another account and is root at its next program, a user namespace used as exploits of the kernel use it.
 *
 * Only processes that began as another account than root are kept; what began as root may go down and up again.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { actorOf, extraOf, originKind, who, type Actor } from '../actor.ts';
import { Lru } from '../lru.ts';
import { capabilitiesGained, namespacesOf } from '../namespaces.ts';
import { processKey, short } from '../process.ts';
import { baseName, deedFile } from '../program-kind.ts';
import { isOdd, isTrusted, provenanceOf } from '../provenance.ts';
import { list } from '../settings.ts';
import { listed, Stories } from '../stories.ts';

export const privilegeJump: Behaviour = {
  id: 'privilege-jump',
  title: { zh: '异常提权到 root', en: 'An account became root in an unusual way' },
  means: { zh: '普通账号没有经过 sudo、su 等正常途径就成了 root', en: 'An ordinary account became root by none of the usual ways such as sudo or su' },
  advice: { zh: '很可能是提权漏洞：冻结该进程，看它的来历，安装安全更新。', en: 'Most likely a hole was used: freeze the process, look at its origin and install the security updates.' },
  blind: {
    zh: '没有内核传感器时看不到 setuid 与能力变化，只能比较前后程序的账号；通过 sudo、su 等许可程序自身漏洞的提权看起来与正常使用一样；Moat 启动前已经完成的看不到。',
    en: 'Without the kernel sensor changes of account are seen only from one program to the next. A flaw in sudo, su or another permitted program looks like their ordinary use. What was done before Moat started is not seen.',
  },
  kinds: ['process_creation', 'privilege', 'namespace'],
  settings: {
    allowed: { default: [], text: { zh: '另外允许成为 root 的程序：完整路径或程序名', en: 'more programs that may become root: full path or name' } },
  },
  open,
};

/** What began as another account. `may`: it runs a program that is allowed to make it root. */
interface Began { uid: number; program: string; may: boolean }

const maxProcesses = 12_000;
const maxTrees = 3000;
const storyMs = 6 * 3_600_000;
const namespaceMs = 10 * 60_000;

/** Where no index of packages tells: programs that come setuid or with the right to. */
const elevators = new Set([
  'sudo', 'su', 'pkexec', 'doas', 'runuser', 'polkit-agent-helper-1', 'dbus-daemon-launch-helper', 'passwd', 'chsh', 'chfn', 'chage', 'gpasswd', 'newgrp', 'expiry', 'unix_chkpwd', 'mount', 'umount', 'fusermount', 'fusermount3', 'ping', 'ping6', 'traceroute', 'mtr-packet',
  'ssh-keysign', 'crontab', 'at', 'newuidmap', 'newgidmap', 'snap-confine', 'ntfs-3g', 'exim4', 'sendmail', 'postdrop', 'postqueue', 'procmail', 'maildrop', 'Xorg.wrap', 'chrome-sandbox', 'staprun', 'pppd', 'vmware-user-suid-wrapper', 'userhelper', 'usernetctl', 'ksu', 'sg', 'login',
  'gosu', 'su-exec', 'mount.nfs', 'mount.cifs', 'pmount', 'bwrap', 'systemd', 'sshd', 'sshd-session', 'cron', 'crond', 'atd', 'polkitd', 'suexec', 'dumpcap', 'lxc-user-nic', 'Xorg', 'screen', 'utempter', 'pam_timestamp_check', 'cockpit-session', 'kismet_cap_linux_wifi', 'authbind', 'helper',
]);
/** Make user namespaces as their way of working. */
const sandboxes = /^(?:chrome|chromium|chromium-browser|headless_shell|electron|firefox|firefox-esr|bwrap|flatpak|podman|buildah|rootlesskit|newuidmap|newgidmap|snap-confine|fuse-overlayfs|unprivileged-userns|slirp4netns|crun|runc|conmon|mmdebstrap|sbuild|systemd|\(.*\)|steam.*|code|node|dockerd|dockerd-rootless.sh|apptainer|singularity|starter|nix|nix-daemon|bazel|linux-sandbox)$/;

const setuidFile: Text = { zh: '运行了不属于任何软件包的 setuid 程序', en: 'ran a setuid file that no package owns' };
const changedFile: Text = { zh: '运行了被改动过的 setuid 程序', en: 'ran a setuid program that is not as its package shipped it' };
const unknownFile: Text = { zh: '运行了不常见的 setuid 程序', en: 'ran an unusual setuid program' };
const becameRoot: Text = { zh: '未经 sudo、su 等程序就成了 root', en: 'became root without sudo, su or their like' };
const calledSetuid: Text = { zh: '自行把账号改为 root（setuid）', en: 'made itself root (setuid)' };
const tookCapability: Text = { zh: '取得了相当于 root 的权能', en: 'took capabilities that are as good as root' };
const namespaceMount: Text = { zh: '在自建的用户命名空间里挂载文件系统（内核提权漏洞常用）', en: 'mounted a file system in a user namespace of its own, as exploits of the kernel do' };

function open(context: BehaviourContext): BehaviourRun {
  const allowed = new Set(list(context, 'allowed'));
  const began = new Lru<Began>(maxProcesses, () => { context.count('processes forgotten'); });
  const stories = new Stories(maxTrees, storyMs, () => { context.count('trees forgotten'); });
  const namespaces = new Lru<number>(maxTrees, () => { context.count('trees forgotten'); });

  const isAllowed = (program: string): boolean => allowed.has(program) || allowed.has(baseName(program));
  const keyOf = (node: ProcessNode): string => `${node.pid}:${node.started}`;

  /** What the process began as; of a fork that runs no program of its own, what its parent began as. */
  function before(event: Event, node: ProcessNode | undefined): Began | undefined {
    const own = began.get(processKey(event));
    if (own !== undefined || node?.parent === undefined) return own;
    return began.get(keyOf(node.parent));
  }

  function tell(event: Event, actor: Actor, what: Text, thing: string, level: Level, was: Began | undefined): void {
    const madeAt = namespaces.size > 0 ? namespaces.get(actor.tree) : undefined;
    const exploit = madeAt !== undefined && event.time - madeAt < namespaceMs && what !== namespaceMount;
    const told = stories.add(actor.tree, exploit ? 'critical' : level, thing, event.time);
    if (told === undefined) return;
    context.emit({
      ruleId: 'behaviour.privilege-jump', title: privilegeJump.title, level: told.story.level,
      summary: {
        zh: `{program} ${what.zh}：{command}（来由：{origin_zh}${was === undefined ? '' : '；原为用户号 {was_uid}，程序 {was_program}'}${exploit ? '；此前新建过用户命名空间' : ''}）`,
        en: `{program} ${what.en}: {command} (from {origin_en}${was === undefined ? '' : '; it was user {was_uid} in {was_program}'}${exploit ? '; it had made a user namespace before' : ''})`,
      },
      attack: what === setuidFile || what === changedFile || what === unknownFile ? ['T1548.001'] : ['T1068'], matrix: ['利用操作系统漏洞进行提权'],
      key: actor.tree, time: event.time, events: [event], count: told.count,
      group: { ...who(actor, event), command: short(event.process_cmdline ?? actor.node?.cmdline ?? '', 160), things: listed(told.story), was_uid: String(was?.uid ?? ''), was_program: short(was?.program ?? '', 100) },
    });
  }

  /** How bad it is by who did it. */
  function levelOf(event: Event, actor: Actor, program: string): Level {
    const provenance = provenanceOf(context, deedFile(program, event.process_cmdline), actor.container);
    if (originKind(actor, event) === 'web' || provenance === 'unowned' || provenance === 'changed' || isOdd(program, provenance)) return 'critical';
    return actor.container === undefined ? 'high' : 'medium';
  }

  function started(event: Event): void {
    const { uid } = event;
    if (uid === undefined || event.pid === undefined) return;
    const key = processKey(event);
    if (uid !== 0) {
      const isRoot = extraOf(event, 'euid') === '0';
      const program = event.process_path ?? event.process_name ?? '?';
      if (!isRoot) { began.set(key, { uid, program, may: isElevator(program, event) }); return; }
      const actor = actorOf(event, context);
      const verdict = setuidVerdict(actor, program);
      began.set(key, { uid, program, may: verdict === undefined });
      // Root by now, however it came: what follows is part of this one story.
      if (verdict !== undefined) { began.set(key, { uid, program, may: true }); tell(event, actor, verdict.what, program, originKind(actor, event) === 'web' ? 'critical' : verdict.level, { uid, program: event.parent_path ?? '?', may: false }); }
      return;
    }
    if (event.action === 'process-seen') return;
    const actor = actorOf(event, context);
    const was = before(event, actor.node);
    began.delete(key);
    if (was === undefined || was.may) return;
    if (isAllowed(was.program) || isAllowed(actor.program)) return;
    tell(event, actor, becameRoot, actor.program, levelOf(event, actor, was.program), was);
  }

  /** Programs that hold the right by capability or by name, as far as a package brought them. */
  function isElevator(program: string, event: Event): boolean {
    if (isAllowed(program)) return true;
    if (!elevators.has(baseName(program))) return false;
    const provenance = provenanceOf(context, program, event.container_id);
    return isTrusted(provenance) || provenance === 'unknown';
  }

  /** Undefined for a setuid file that is as it should be. */
  function setuidVerdict(actor: Actor, program: string): { what: Text; level: Level } | undefined {
    if (isAllowed(program)) return undefined;
    const provenance = provenanceOf(context, program, actor.container);
    switch (provenance) {
      case 'owned': return undefined;
      case 'changed': return { what: changedFile, level: 'critical' };
      case 'unowned': return { what: setuidFile, level: 'critical' };
      default: {
        if (isOdd(program, provenance)) return { what: setuidFile, level: 'critical' };
        return elevators.has(actor.name) ? undefined : { what: unknownFile, level: 'medium' };
      }
    }
  }

  function changed(event: Event): void {
    const actor = actorOf(event, context);
    if (event.action === 'capset') {
      // The rights within a namespace of its own are no rights outside it.
      const isUser = event.uid !== undefined && event.uid !== 0 && namespaces.get(actor.tree) === undefined && !sandboxes.test(actor.name);
      if (!isUser || actor.container !== undefined || capabilitiesGained(event).length === 0 || isAllowed(actor.program)) return;
      const provenance = provenanceOf(context, actor.program, actor.container);
      if (provenance === 'unowned' || provenance === 'changed' || isOdd(actor.program, provenance)) tell(event, actor, tookCapability, actor.program, 'high', began.get(processKey(event)));
      return;
    }
    if (event.action !== 'setuid' || !isUserText(extraOf(event, 'from')) || !isRootText(extraOf(event, 'to'))) return;
    const was = before(event, actor.node);
    // Nothing known of its beginning, or it began as root: it may only be coming back.
    if (was === undefined || was.may || isAllowed(actor.program) || was.program !== actor.program) return;
    tell(event, actor, calledSetuid, actor.program, levelOf(event, actor, actor.program), was);
    began.set(processKey(event), { ...was, may: true });
  }

  function namespace(event: Event): void {
    if (event.outcome === 'failure' || event.uid === undefined || event.uid === 0) return;
    const isMaking = event.action === 'unshare';
    if (!isMaking && (event.action !== 'mount' || namespaces.size === 0)) return;
    const actor = actorOf(event, context);
    if (actor.container !== undefined || sandboxes.test(actor.name) || isAllowed(actor.program)) return;
    if (isMaking) { if (namespacesOf(event).has('user')) namespaces.set(actor.tree, event.time); return; }
    const madeAt = namespaces.get(actor.tree);
    const type = extraOf(event, 'type');
    if (madeAt === undefined || event.time - madeAt > namespaceMs || !/^(?:overlay|fuse|fuseblk|ext4|xfs|btrfs|cgroup|nfs|cifs|ntfs3?)$/.test(type)) return;
    const provenance = provenanceOf(context, deedFile(actor.program, event.process_cmdline ?? actor.node?.cmdline), actor.container);
    tell(event, actor, namespaceMount, `mount ${type}`, provenance === 'owned' && originKind(actor, event) !== 'web' ? 'medium' : 'high', began.get(processKey(event)));
  }

  return {
    observe(event) {
      switch (event.kind) {
        case 'process_creation': started(event); break;
        case 'privilege': changed(event); break;
        default: namespace(event);
      }
    },
    size: () => began.size + stories.size + namespaces.size,
  };
}

/** `1000` or `1000/33`: real and effective account. */
const isUserText = (text: string): boolean => /^\d{1,10}(?:\/\d{1,10})?$/.test(text) && !text.split('/').includes('0');
/** Root as real or effective account. */
const isRootText = (text: string): boolean => text.split('/').includes('0');
