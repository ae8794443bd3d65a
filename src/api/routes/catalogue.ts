/** Every operation of the API. */
import type { Route } from '../contract/route.ts';
import type { World } from '../world.ts';
import { accountRoutes } from './accounts.ts';
import { alertRoutes } from './alerts.ts';
import { incidentRoutes } from './incidents.ts';
import { responseRoutes } from './response.ts';
import { sessionRoutes } from './session.ts';
import { systemRoutes } from './system.ts';

export const routes: readonly Route<World>[] = [...sessionRoutes, ...accountRoutes, ...alertRoutes, ...incidentRoutes, ...responseRoutes, ...systemRoutes];
