// The same in a page: wall clock, so rounds must be short and many.
import { candidates, init } from './candidates.mjs';
import { interleaved } from './interleaved.mjs';
import { urls } from './world.mjs';

window.bench = async (rounds) => interleaved(await candidates(), urls, init, { micros: () => performance.now() * 1000, rounds });
