import type { AnySink, AnySource } from '../engine/connector.js';
import { captureSink } from './capture/sink.js';
import { countSink } from './count/sink.js';
import { duckdbSink } from './duckdb/sink.js';
import { feedbackSource } from './feedback/source.js';
import { fileSink } from './file/sink.js';
import { fileSource } from './file/source.js';
import { generateSource } from './generate/source.js';
import { historySource } from './history/source.js';
import { hostSource } from './host/source.js';
import { httpSource } from './http/source.js';
import { liveSink } from './live/sink.js';
import { logSink } from './log/sink.js';
import { natsSink } from './nats/sink.js';
import { natsSource } from './nats/source.js';
import { questdbSink } from './questdb/sink.js';

/** Every source, by the `type` it has in the config. Adding one is one line here and its own folder. */
export const sources: readonly AnySource[] = [feedbackSource, fileSource, generateSource, historySource, hostSource, httpSource, natsSource];

/** Every sink. */
export const sinks: readonly AnySink[] = [captureSink, countSink, duckdbSink, fileSink, liveSink, logSink, natsSink, questdbSink];
