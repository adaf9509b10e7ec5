import { defineOperator, type AnyOperator, type Operator } from '../../engine/operator.js';

/**
 * The same operator, that forgets everything but its columns and what it saves, after every call. Each
 * slot it has heard of is saved, and restored in a fresh operator.
 */
export function restarting(definition: AnyOperator): AnyOperator {
  return defineOperator({
    ...definition,
    create(config: unknown, context) {
      const slots = new Set<number>([context.self]);
      let operator: Operator = definition.create(config, context);
      const restart = (): void => {
        const saved = [...slots].map((slot) => ({ slot, bytes: operator.save?.(slot) }));
        operator = definition.create(config, context);
        for (const { slot, bytes } of saved) if (bytes !== undefined) operator.restore!(slot, bytes);
      };
      return {
        push(batch, state, out, port) {
          for (let i = 0; i < batch.length; i++) slots.add(batch.slot[i]!).add(context.names.group(batch.slot[i]!));
          operator.push!(batch, state, out, port);
          restart();
        },
        receive(finding, state, out, port) {
          operator.receive!(finding, state, out, port);
          restart();
        },
        ...(operator.wake && {
          wake(slot, time, state, out) {
            operator.wake!(slot, time, state, out);
            restart();
          },
        }),
        ...(operator.advance && {
          advance(watermark, from, to, state, out) {
            operator.advance!(watermark, from, to, state, out);
            restart();
          },
        }),
      };
    },
  }) as AnyOperator;
}
