import type { AnyOperator } from '../engine/operator.js';
import select from './select/definition.js';
import rate from './rate/definition.js';

/** Every operator, by its one line. */
export const operators: readonly AnyOperator[] = [rate, select];
