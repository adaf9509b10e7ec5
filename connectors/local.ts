import type { AnySource } from '../engine/connector.js';
import { generateSource } from './generate/source.js';

/** Sources that shards read themselves. A list of its own, so that a shard loads no store or client library. */
export const sources: readonly AnySource[] = [generateSource];
