import type { MountChoice } from '../scan/mounts.ts';
import type { Config } from './config-schema.ts';

/** Which mounts a scan of this machine looks into, as configured once. */
export const mountChoiceOf = ({ without_mounts: without, into_mounts: into }: Config['scan']): MountChoice => ({ without, into });
