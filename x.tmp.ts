import { isolate, freezeShells } from './bench/respond-strike.ts';
console.log(await freezeShells());
