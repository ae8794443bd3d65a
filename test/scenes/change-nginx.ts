/** An nginx in a folder, told to hide its version: its own check judges the change; none runs, so nothing has to be waited for. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scene } from '../actions.ts';
import { settingActions, settingWorld } from './change-setting.ts';
import { everything } from './files.ts';

export function plantNginx(folder: string, port: number): string {
  for (const one of ['conf', 'sites', 'www', 'tmp']) mkdirSync(join(folder, one), { recursive: true });
  const config = join(folder, 'conf/nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `  ${one}_temp_path ${folder}/tmp/${one};`).join('\n');
  writeFileSync(config, `user root;\npid ${folder}/nginx.pid;\nerror_log ${folder}/error.log;\nworker_processes 1;\nevents { worker_connections 64; }\nhttp {\n  access_log off;\n${temporary}\n  server_tokens on; # shown\n  include ${folder}/sites/*.conf;\n}\n`);
  writeFileSync(join(folder, 'sites/one.conf'), `server {\n  listen 127.0.0.1:${port};\n  root ${folder}/www;\n  location /files/ {\n    autoindex on;\n  }\n  location /door {\n    return 200 "invented";\n  }\n}\n`);
  return config;
}

export async function scene(folder: string): Promise<Scene> {
  const config = join(folder, 'conf/nginx.conf');
  if (!existsSync(config)) plantNginx(folder, 18_080);
  return Promise.resolve({
    actions: () => settingActions(settingWorld(folder)), action: 'change-setting', input: { kind: 'nginx', config, key: 'server_tokens', value: 'off', confirm_within: 0 },
    // Not when it was read: nginx reads it.
    look: async () => ((await everything(join(folder, 'conf'))) as unknown[][]).map((one) => one.toSpliced(4, 1)),
    done: (_, after) => {
      if (!readFileSync(config, 'utf8').includes('\n  server_tokens off; # shown\n') || (after as unknown[]).length !== 2) throw new Error(`expected the setting and nothing else, got ${JSON.stringify(after)}`);
    },
  });
}
