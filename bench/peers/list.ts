import type { Engine } from '../engine.js';
import { engines as millrace } from '../millrace/engine.js';
import { engines as byHandDecoders } from './by-hand-decoders/engine.js';
import { engines as bytewax } from './bytewax/engine.js';
import { engines as channel } from './channel/engine.js';
import { engines as d2ts } from './d2ts/engine.js';
import { engines as dbIvm } from './db-ivm/engine.js';
import { engines as duckdb } from './duckdb/engine.js';
import { engines as flink } from './flink/engine.js';
import { engines as jet } from './jet/engine.js';
import { engines as loop } from './loop/engine.js';
import { engines as natsClient } from './nats-client/engine.js';
import { engines as questdbClient } from './questdb-client/engine.js';
import { engines as questdbPosts } from './questdb-posts/engine.js';
import { engines as rxjs } from './rxjs/engine.js';
import { engines as timely } from './timely/engine.js';

/** Every engine that is measured, in the order of the tables. */
export const engines: readonly Engine[] = [...loop, ...millrace, ...timely, ...duckdb, ...rxjs, ...dbIvm, ...d2ts, ...jet, ...flink, ...bytewax, ...natsClient, ...questdbClient, ...questdbPosts, ...byHandDecoders, ...channel];
