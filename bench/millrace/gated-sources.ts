import type { AnySource, LocalSource } from '../../engine/connector.js';
import { sources as shipped } from '../../connectors/local.js';
import { passGate } from './start-gate.js';

/** Begins to read when the gate is open: so that the start of threads is not measured, nor has the first a start over the second. */
function gated(source: LocalSource): LocalSource {
  const fill = source.fill.bind(source);
  source.fill = (batch) => {
    passGate();
    source.fill = fill;
    return fill(batch);
  };
  return source;
}

/** As shipped, for shards. */
export const sources: readonly AnySource[] = shipped.map((definition) => ({
  ...definition,
  ...(definition.local === undefined
    ? {}
    : {
        local: (config: unknown) => {
          const source = definition.local!(config);
          return source === undefined ? undefined : gated(source);
        },
      }),
}));
