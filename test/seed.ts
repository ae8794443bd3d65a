/** Property tests start from one seed, so that a run judges the change and not the dice. `FC_SEED=$RANDOM npm test` rolls anew. */
import * as fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['FC_SEED'] ?? 20261122) });
