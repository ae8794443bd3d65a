import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { tell } from '../tell.ts';

/** polkitd's decisions and pkexec's commands. */
export const polkit: Program = {
  id: 'polkit',
  title: { zh: 'polkit 授权', en: 'polkit' },
  tags: ['polkitd', 'pkexec', 'polkit-agent-helper-1'],
  open: (): ProgramDecoder => ({ decode }),
};

function decode(message: string, event: Event): boolean {
  const operator = /^Operator of (\S{1,64}) (successfully authenticated as unix-user:(\S{1,256}) to gain|FAILED to authenticate to gain) .{0,64}?authorization for action (\S{1,256})/.exec(message);
  if (operator !== null) {
    event.session = operator[1];
    event.target_user = operator[3];
    event.user = /\(owned by unix-user:([^()]{1,256})\)$/.exec(message)?.[1];
    event.extra = { ...event.extra, polkit_action: operator[4] };
    return tell(event, 'auth', 'polkit', 'privilege', 'authorize', operator[3] === undefined ? 'failure' : 'success');
  }
  const command = /^([^:]{1,256}): (Executing command|Error executing command as another user: .{1,200}?|The value for .{1,200}?) \[USER=([^\]]{0,256})\] \[TTY=([^\]]{0,128})\] \[CWD=(.{0,2048}?)\] \[COMMAND=(.{0,4096})\]$/.exec(message);
  if (command === null) return false;
  event.user = command[1];
  event.target_user = command[3];
  if (command[4] !== 'unknown') event.terminal = command[4];
  event.process_cwd = command[5];
  event.process_cmdline = command[6];
  // "The value for … contains suspicious content" is what the exploit of CVE-2021-4034 leaves.
  const action = command[2]!.startsWith('The value') ? 'pkexec-suspicious' : 'pkexec';
  return tell(event, 'auth', 'pkexec', 'privilege', action, command[2] === 'Executing command' ? 'success' : 'failure');
}
