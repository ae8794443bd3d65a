/** Programs that the message bus starts when somebody asks for a name. */
import { commandFindings, homes, isOwned, isShipped, listHook, readHook, writableFinding, type Place } from '../hooks.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck } from '../port.ts';

const systemFolders = ['/etc/dbus-1/system-services', '/usr/local/share/dbus-1/system-services', '/usr/share/dbus-1/system-services', '/lib/dbus-1/system-services', '/usr/lib/dbus-1/system-services', '/run/dbus-1/system-services'];
const sessionFolders = ['/etc/dbus-1/services', '/usr/local/share/dbus-1/services', '/usr/share/dbus-1/services', '/run/dbus-1/services'];

const place: Place = {
  check: 'dbus', name: { zh: 'D-Bus 按需启动的服务', en: 'service that D-Bus starts' },
  means: { zh: '谁在总线上叫这个名字，D-Bus 就启动它的程序：不用开机项，也不用定时任务。', en: 'Whoever calls the name on the bus makes D-Bus start its program: no entry at boot, no job is needed.' },
  refs: ['attack:T1543'],
};

export const dbus: PlaceCheck = {
  id: 'dbus',
  title: { zh: 'D-Bus 激活服务', en: 'D-Bus activation' },
  blind: { zh: '总线的访问策略不在这里看', en: 'policies of the bus are looked at elsewhere' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const folders: [string, string][] = [...systemFolders.map((folder): [string, string] => [folder, 'root']), ...sessionFolders.map((folder): [string, string] => [folder, 'a user']), ...homes(context).map(({ home, user }): [string, string] => [`${home}/.local/share/dbus-1/services`, user])];
    for (const [folder, user] of folders) for (const path of listHook(context, folder)) {
      if (!path.endsWith('.service') || await isShipped(context, path)) continue;
      const file = readHook(context, path);
      if (!file) continue;
      const open = user === 'root' ? writableFinding(place, context, path, file.stat) : undefined;
      if (open) yield open;
      const lines = file.text.split('\n');
      const account = user === 'root' ? /^\s*User\s*=\s*(\S+)/m.exec(file.text)?.[1] ?? 'root' : user;
      let any = false;
      const commands = lines.flatMap((text, i) => { const exec = /^\s*Exec\s*=\s*(.*)$/.exec(text); return exec ? [{ line: i + 1, text, command: exec[1]!, how: { user: account } }] : []; });
      for await (const one of commandFindings(place, context, file, commands)) { any = true; yield one; }
      if (any || user !== 'root' || account !== 'root' || !context.provenance.known || commands.every(({ command }) => /^\/bin\/(?:false|true)$/.test(command.trim())) || await isOwned(context, path)) continue;
      yield finding('dbus', `${path}\0unowned`, { kind: 'notice', level: 'low', path, time: file.stat.changed, title: { zh: `没有软件包提供的系统总线服务 ${path}`, en: `a service of the system bus that no package ships: ${path}` }, evidence: commands.map(({ text }) => fact({ zh: '启动', en: 'starts' }, text.trim())), means: place.means, refs: place.refs });
    }
  },
};
