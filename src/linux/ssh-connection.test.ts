import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { sshConnection } from './ssh-connection.ts';

describe('sshConnection', () => {
  it('reads the variable', () => {
    expect(sshConnection(1, '203.0.113.9 50022 192.0.2.1 22')).toEqual({ address: '203.0.113.9', remote_port: 50_022, port: 22 });
    expect(sshConnection(1, 'fe80::9%eth0 50022 fe80::1%eth0 22')).toEqual({ address: 'fe80::9', remote_port: 50_022, port: 22 });
    expect(sshConnection(1, 'rubbish')).toBeUndefined();
    expect(sshConnection(2 ** 22, undefined)).toBeUndefined();
  });

  it('asks those it came from when the variable was taken away', async () => {
    const child = spawn('sh', ['-c', 'env -u SSH_CONNECTION sh -c "echo \\$\\$; read x"; true'], { env: { ...process.env, SSH_CONNECTION: '2001:db8::9 50022 2001:db8::1 2222' }, stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    expect(sshConnection(Number(line.toString()), undefined)).toEqual({ address: '2001:db8::9', remote_port: 50_022, port: 2222 });
    child.stdin.end('\n');
    await once(child, 'exit');
  });
});
