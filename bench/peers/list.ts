import type { Engine } from '../engine.js';
import { engines as millrace } from '../millrace/engine.js';
import { engines as channel } from './channel/engine.js';
import { engines as flink } from './flink/engine.js';
import { engines as jet } from './jet/engine.js';
import { engines as loop } from './loop/engine.js';
import { engines as rxjs } from './rxjs/engine.js';

/** Every engine that is measured, in the order of the tables. */
export const engines: readonly Engine[] = [...loop, ...millrace, ...rxjs, ...jet, ...flink, ...channel];
