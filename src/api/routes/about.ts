/** What this server is: asked before anything else by whoever may be older or newer. */
import { about, contract, oldest } from '../contract/revision.ts';
import { route } from '../contract/route.ts';
import type { World } from '../world.ts';

export const aboutRoutes = [
  route({ id: 'about', method: 'GET', path: '/about', access: 'anyone', title: { zh: '版本与接口修订号', en: 'version, and revision of the contract' }, answer: about, run: (_call, world: World) => ({ body: { version: world.version, contract, oldest } }) }),
] as const;
