/**
 * A Docker daemon as far as stopping a container goes: its API over a Unix socket, with its status codes and words (API 1.43). No engine
 * runs on a test machine; what it says is written down from the API's reference.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';

export interface FakeContainer { Id: string; Name: string; Status: 'running' | 'paused' | 'exited' | 'created'; restart: { Name: string; MaximumRetryCount: number }; AutoRemove?: boolean; Labels?: Record<string, string> }

export interface FakeDocker { containers: Map<string, FakeContainer>; /** Methods and paths, in order. */ asked: string[]; /** Does not end when it is asked to. */ stubborn: boolean; close(): Promise<void> }

export async function startDocker(socket: string, containers: readonly FakeContainer[]): Promise<FakeDocker> {
  const docker: FakeDocker = { containers: new Map(containers.map((one) => [one.Id, one])), asked: [], stubborn: false, close: () => new Promise((resolve) => { server.close(() => resolve()); server.closeAllConnections(); }) };
  const find = (name: string): FakeContainer | undefined => [...docker.containers.values()].find((one) => one.Name === `/${name}` || (name.length >= 3 && one.Id.startsWith(name)));
  const server: Server = createServer((request, answer) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      const body = await textOf(request);
      docker.asked.push(`${request.method} ${url.pathname.replace(/[0-9a-f]{64}/, 'ID')}`);
      const say = (status: number, value?: object): void => { answer.writeHead(status, value ? { 'content-type': 'application/json' } : {}); answer.end(value ? `${JSON.stringify(value)}\n` : undefined); };
      const [, , name = '', what = ''] = url.pathname.split('/');
      const one = find(decodeURIComponent(name));
      if (one === undefined) { say(404, { message: `No such container: ${name}` }); return; }
      const end = (): void => { if (one.AutoRemove) docker.containers.delete(one.Id); else one.Status = 'exited'; };
      switch (`${request.method} ${what}`) {
        case 'GET json':
          say(200, { Id: one.Id, Name: one.Name, State: { Status: one.Status, Running: one.Status === 'running' || one.Status === 'paused', Paused: one.Status === 'paused', Pid: 0 }, HostConfig: { RestartPolicy: one.restart, AutoRemove: one.AutoRemove ?? false }, Config: { Image: 'example/app:1', Labels: one.Labels ?? {} } });
          break;
        case 'POST stop':
          if (one.Status === 'exited' || one.Status === 'created') { say(304); break; }
          if (docker.stubborn) { say(500, { message: `cannot stop container: ${one.Id}: tried to kill container, but did not receive an exit event` }); break; }
          end();
          say(204);
          break;
        case 'POST kill':
          if (one.Status === 'exited' || one.Status === 'created') { say(409, { message: `cannot kill container: ${one.Id}: container ${one.Id} is not running` }); break; }
          end();
          say(204);
          break;
        case 'POST start':
          if (one.Status === 'running') { say(304); break; }
          if (one.Status === 'paused') { say(409, { message: 'cannot start a paused container, try unpause instead' }); break; }
          one.Status = 'running';
          say(204);
          break;
        case 'POST pause':
          if (one.Status !== 'running') { say(409, { message: one.Status === 'paused' ? `Container ${one.Id} is already paused` : `container ${one.Id} is not running` }); break; }
          one.Status = 'paused';
          say(204);
          break;
        case 'POST unpause':
          if (one.Status !== 'paused') { say(500, { message: `Container ${one.Id} is not paused` }); break; }
          one.Status = 'running';
          say(204);
          break;
        case 'POST update': {
          if (request.headers['content-type'] !== 'application/json') { say(400, { message: 'unsupported Content-Type header' }); break; }
          const { RestartPolicy } = JSON.parse(body) as { RestartPolicy: FakeContainer['restart'] };
          if (one.AutoRemove) { say(409, { message: 'Restart policy cannot be updated because AutoRemove is enabled for the container' }); break; }
          one.restart = RestartPolicy;
          say(200, { Warnings: null });
          break;
        }
        default: say(404, { message: 'page not found' });
      }
    })();
  });
  await new Promise<void>((resolve) => { server.listen(socket, resolve); });
  return docker;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text;
}
