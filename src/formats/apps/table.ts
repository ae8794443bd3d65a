import type { App } from '../app-rules.ts';
import { code } from './code.ts';
import { home } from './home.ts';
import { identity } from './identity.ts';
import { media } from './media.ts';
import { office } from './office.ts';
import { panels } from './panels.ts';
import { webmail } from './webmail.ts';

/** Every application whose log lines Moat understands. */
export const apps: readonly App[] = [...panels, ...identity, ...webmail, ...code, ...media, ...office, ...home];
