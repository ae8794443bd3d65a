/** What the script that a package runs after its installation does to one of its files, where it says so in plain commands. Nothing is run. */
import { capabilitiesOf } from '../capabilities.ts';

export interface ScriptSays {
  mode?: number;
  user?: string;
  group?: string;
  /** Value of security.capability. */
  capabilities?: Buffer;
  /** It does something to the rights of the file that is not understood here. */
  unclear: boolean;
}

const command = /(?:^|[\s;&|(!])(chmod|chown|chgrp|setcap)[ \t]+(?:-[-\w]{1,20}[ \t]+)*["']?([\w:.,+=-]{1,200})["']?[ \t]+["']?([^\s"';&|)]{1,1000})/gm;

/** `names`: what the file may be called. The last command of a kind counts; those behind a condition too. */
export function scriptSays(script: string, names: readonly string[]): ScriptSays {
  const out: ScriptSays = { unclear: false };
  for (const [, program, what = '', path = ''] of script.matchAll(command)) {
    if (!names.includes(path)) continue;
    switch (program) {
      case 'setcap': {
        const value = capabilitiesOf(what);
        if (value) out.capabilities = value; else out.unclear = true;
        break;
      }
      case 'chgrp': out.group = what; break;
      case 'chown': {
        const [user, group] = what.split(/[:.]/);
        if (user) out.user = user;
        if (group) out.group = group;
        break;
      }
      // `chmod u-s` and `u+s` stand behind setcap, for where it does not work: capabilities, then, are what counts.
      default: if (/^[0-7]{3,4}$/.test(what)) out.mode = Number.parseInt(what, 8); else if (!/^u[+-]s$/.test(what)) out.unclear = true;
    }
  }
  return out;
}
