import type { AnyOperator } from '../engine/operator.js';

/** Every operator, by its one line. */
export const operators: readonly AnyOperator[] = [];
