import type { AnySink, AnySource } from '../engine/connector.js';
import { httpSource } from './http/source.js';

/** Every source, by the `type` it has in the config. Adding one is one line here and its own folder. */
export const sources: readonly AnySource[] = [httpSource];

/** Every sink. */
export const sinks: readonly AnySink[] = [];
