import { sinks as shipped } from '../../connectors/list.js';
import type { AnySink, Sink } from '../../engine/connector.js';

/** When the results of a run came, on `performance.now()`; of all its count sinks together. */
export class ResultTimes {
  first: number | undefined;
  /** When the sinks were told that the input has ended, after the last result. */
  end: number | undefined;
}

let times = new ResultTimes();

/** For the run that is started next. */
export function newResultTimes(): ResultTimes {
  times = new ResultTimes();
  return times;
}

function timed(sink: Sink, seen: ResultTimes): Sink {
  const write = sink.write.bind(sink);
  sink.write = (node, batch, names) => {
    seen.first ??= performance.now();
    return write(node, batch, names);
  };
  sink.advance = (watermark) => {
    if (watermark === Infinity) seen.end = performance.now();
    return Promise.resolve();
  };
  return sink;
}

/** As shipped, but `count` notes when its first and last results came. */
export const sinks: readonly AnySink[] = shipped.map((definition) => (definition.name === 'count' ? { ...definition, create: (config, context) => timed(definition.create(config, context), times) } : definition));
