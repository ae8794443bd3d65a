import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { canonicalAddress } from '../address.ts';
import { tell } from '../tell.ts';

/** macOS screen sharing: `Authentication: FAILED :: User Name: NAME :: Viewer Address: ADDRESS :: Type: DH` */
export const screensharing: Program = {
  id: 'screensharing',
  title: { zh: 'macOS 屏幕共享', en: 'macOS screen sharing' },
  tags: ['screensharingd'],
  open: (): ProgramDecoder => ({ decode }),
};

function decode(message: string, event: Event): boolean {
  if (!message.startsWith('Authentication: ')) return false;
  // NAME is the client's choice: the address is the one at the end of the line.
  const found = /^Authentication: ([A-Z]{1,16}) :: User Name: (.{0,512}) :: Viewer Address: ([0-9A-Fa-f.:%a-z]{2,60}) :: Type: [^:]{1,64}$/.exec(message);
  if (found === null) return false;
  event.user = found[2];
  event.source_ip = canonicalAddress(found[3]!);
  return tell(event, 'auth', 'screensharing', 'authentication', 'login', found[1] === 'SUCCEEDED' ? 'success' : 'failure');
}
