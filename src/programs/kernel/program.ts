import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { canonicalAddress } from '../address.ts';
import { tell, type Outcome } from '../tell.ts';
import { readPacket } from './firewall.ts';

/** The kernel: firewall logs, disks and file systems that fail, memory, crashes, modules, AppArmor. */
export const kernel: Program = {
  id: 'kernel',
  title: { zh: '内核', en: 'kernel' },
  tags: ['kernel', 'ulogd'],
  open: (): ProgramDecoder => ({ decode }),
};

interface Fault {
  /** A word that must stand in the text: cheap, and most messages have none. */
  word: string;
  form: RegExp;
  category: 'kernel' | 'file' | 'network' | 'process';
  action: string;
  outcome: Outcome;
}

const fault = (word: string, form: RegExp, category: Fault['category'], action: string, outcome: Outcome = 'failure'): Fault => ({ word, form, category, action, outcome });

// Named groups go to the event field of that name; what is no field (device, module …) goes to extra.
const faults: readonly Fault[] = [
  fault('EXT', /^EXT[234]-fs (?:error|critical|warning) \(device (?<device>[^):]{1,64})\)/, 'kernel', 'filesystem-error'),
  fault('emounting', /^(?:EXT[234]-fs|XFS|BTRFS|F2FS-fs).{0,40}?\(?(?:device )?(?<device>[a-z][\w-]{1,63})\)?:? .{0,40}Remounting (?:filesystem|fs) read-only/i, 'kernel', 'filesystem-readonly'),
  fault('XFS', /^XFS \((?<device>[^)]{1,64})\): .{0,80}(?:[Cc]orruption|I\/O [Ee]rror|shut(?:ting)? down|[Mm]etadata)/, 'kernel', 'filesystem-error'),
  fault('BTRFS', /^BTRFS (?:error|critical)(?: \(device (?<device>[^):]{1,64})[^)]{0,64}\))?/, 'kernel', 'filesystem-error'),
  fault('FAT-fs', /^FAT-fs \((?<device>[^)]{1,64})\): (?:error|.{0,40}corrupted)/, 'kernel', 'filesystem-error'),
  fault('JBD2', /^(?:JBD2: .{0,80}(?:error|aborting)|Aborting journal on device (?<device>[\w-]{1,64}))/, 'kernel', 'filesystem-error'),
  fault('borting journal', /^Aborting journal on device (?<device>[\w-]{1,64})/, 'kernel', 'filesystem-error'),
  fault('I/O error', /I\/O error,? (?:on )?dev(?:ice)? (?<device>[\w-]{1,64})/, 'kernel', 'disk-error'),
  fault('critical ', /critical (?:medium|target|space allocation|nexus) error, dev (?<device>[\w-]{1,64})/, 'kernel', 'disk-error'),
  fault('ata', /^(?<device>ata\d{1,3}(?:\.\d{1,2})?): (?:exception Emask|failed command|hard resetting link|SError|status: \{|error: \{|link is slow|COMRESET failed)/, 'kernel', 'disk-error'),
  fault('nvme', /^nvme (?<device>nvme\d{1,3}(?:n\d{1,3})?): .{0,80}(?:timeout|controller is down|Abort status|resetting|Removing after probe failure|I\/O error)/i, 'kernel', 'disk-error'),
  fault('Medium Error', /(?:\[(?<device>sd[a-z]{1,3})\]).{0,40}Medium Error/, 'kernel', 'disk-error'),
  fault('md', /^md\/raid[^:]{0,16}:(?<device>[\w-]{1,64}): Disk failure/, 'kernel', 'disk-error'),
  fault('Hardware Error', /Hardware Error/, 'kernel', 'hardware-error'),
  fault('EDAC', /^EDAC .{1,80}(?:CE|UE) /, 'kernel', 'hardware-error'),
  fault('Killed process', /Killed process (?<pid>\d{1,10}),? \((?<process_name>.{1,64}?)\)/, 'process', 'oom-kill'),
  fault('oom-kill:', /^oom-kill:.{0,1024}task=(?<process_name>.{1,64}?),pid=(?<pid>\d{1,10}),uid=(?<uid>\d{1,10})/, 'process', 'oom-detail'),
  fault('segfault', /^(?<process_name>.{1,64}?)\[(?<pid>\d{1,10})\]: segfault at /, 'process', 'crash'),
  fault('traps:', /^traps: (?<process_name>.{1,64}?)\[(?<pid>\d{1,10})\] (?:general protection|trap )/, 'process', 'crash'),
  fault('general protection', /^(?:general protection|(?<process_name>.{1,64}?)\[(?<pid>\d{1,10})\] general protection)/, 'process', 'crash'),
  fault('blocked for more than', /task (?<process_name>.{1,64}):(?<pid>\d{1,10}) blocked for more than/, 'process', 'hung-task'),
  fault('soft lockup', /soft lockup - CPU#\d{1,4} stuck/, 'kernel', 'lockup'),
  fault('Kernel panic', /Kernel panic/, 'kernel', 'panic'),
  fault('BUG:', /^BUG: (?!soft lockup)/, 'kernel', 'kernel-bug'),
  fault('taint', /^(?<module>[\w-]{1,64}): (?:loading out-of-tree module taints kernel|module verification failed|module license .{0,40} taints kernel)/, 'kernel', 'module-taint', 'success'),
  fault('promiscuous mode', /^(?:device )?(?<interface>[^: ]{1,32}):? (?<change>entered|left) promiscuous mode/, 'network', 'promiscuous-mode', 'success'),
  fault('SYN flooding', /Possible SYN flooding on port (?:\[?[0-9A-Fa-f.:]{0,48}\]?[:.])?(?<destination_port>\d{1,5})\./, 'network', 'syn-flood'),
  fault('nf_conntrack', /table full, dropping packet/, 'network', 'conntrack-full'),
  fault('martian source', /martian source (?<destination_ip>[0-9.]{7,15}) from (?<source_ip>[0-9.]{7,15}), on dev (?<interface>\S{1,32})/, 'network', 'martian'),
  fault('Invalid handshake', /wireguard: (?<interface>\S{1,32}): Invalid handshake initiation from (?<source_ip>\[?[0-9A-Fa-f.:]{2,60}?\]?):(?<source_port>\d{1,5})$/, 'network', 'probe'),
  fault('apparmor="DENIED"', /apparmor="DENIED" operation="(?<operation>[^"]{1,64})"(?: info="[^"]{0,256}")?(?: error=-?\d{1,4})?(?: profile="(?<profile>[^"]{1,512})")?(?: name="(?<file_path>[^"]{1,4096})")?(?: pid=(?<pid>\d{1,10}))?(?: comm="(?<process_name>[^"]{1,64})")?/, 'kernel', 'apparmor-denied'),
  fault('New USB device found', /idVendor=(?<vendor>[0-9a-f]{4}), idProduct=(?<product>[0-9a-f]{4})/, 'kernel', 'usb-device', 'success'),
  fault('Linux version', /^Linux version (?<release>\S{1,128})/, 'kernel', 'boot', 'success'),
];

const numberFields: ReadonlySet<string> = new Set(['pid', 'uid', 'source_port', 'destination_port']);

function decode(raw: string, event: Event): boolean {
  // A kernel message has 1 kB; what is longer was written by something else.
  let message = raw.length > 4096 ? raw.slice(0, 4096) : raw;
  // The kernel's own clock: "[12345.678901] text", and the caller's id "[   T1]" where that is switched on.
  if (message.charCodeAt(0) === 91) message = message.replace(/^\[ {0,8}\d{1,10}\.\d{6}\] {0,4}(?:\[ {0,6}[TC]\d{1,7}\] {0,2})?/, '');
  event.kind = 'kernel';
  event.service = 'kernel';
  if (message.includes('IN=') && message.includes(' SRC=') && readPacket(message, event)) return true;
  for (const { word, form, category, action, outcome } of faults) {
    if (!message.includes(word)) continue;
    const found = form.exec(message);
    if (found === null) continue;
    if (found.groups !== undefined) setGroups(event, found.groups);
    return tell(event, 'kernel', 'kernel', category, action, outcome);
  }
  return true;
}

function setGroups(event: Event, groups: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(groups)) {
    if (value === undefined) continue;
    if (numberFields.has(name)) setNumber(event, name, Number(value));
    else if (name === 'process_name') event.process_name = value;
    else if (name === 'file_path') event.file_path = value;
    else if (name === 'source_ip') event.source_ip = canonicalAddress(value);
    else if (name === 'destination_ip') event.destination_ip = canonicalAddress(value);
    else event.extra = { ...event.extra, [name]: value };
  }
}

function setNumber(event: Event, name: string, value: number): void {
  switch (name) {
    case 'pid': event.pid = value; break;
    case 'uid': event.uid = value; break;
    case 'source_port': event.source_port = value; break;
    default: event.destination_port = value;
  }
}
