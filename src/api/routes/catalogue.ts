/** Every operation of the API. */
import type { Route } from '../contract/route.ts';
import type { World } from '../world.ts';
import { aboutRoutes } from './about.ts';
import { accountRoutes } from './accounts.ts';
import { actionRoutes } from './actions.ts';
import { approveRoutes } from './approve.ts';
import { elevationRoutes } from './elevations.ts';
import { alertRoutes } from './alerts.ts';
import { evidenceRoutes } from './evidence.ts';
import { incidentRoutes } from './incidents.ts';
import { passkeyRoutes } from './passkeys.ts';
import { responseRoutes } from './response.ts';
import { sessionRoutes } from './session.ts';
import { systemRoutes } from './system.ts';

export const routes: readonly Route<World>[] = [...aboutRoutes, ...sessionRoutes, ...passkeyRoutes, ...accountRoutes, ...elevationRoutes, ...approveRoutes, ...alertRoutes, ...incidentRoutes, ...evidenceRoutes, ...responseRoutes, ...actionRoutes, ...systemRoutes];
