import type { Engine } from '../engine.js';
import { engine as millrace } from '../millrace/engine.js';
import { engines as channel } from './channel/engine.js';
import { engines as jet } from './jet/engine.js';
import { engines as loop } from './loop/engine.js';

/** Every engine that is measured, in the order of the tables. */
export const engines: readonly Engine[] = [...loop, millrace, ...jet, ...channel];
