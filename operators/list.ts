import type { AnyOperator } from '../engine/operator.js';
import detect from './detect/definition.js';
import select from './select/definition.js';
import rate from './rate/definition.js';
import window from './window/definition.js';

/** Every operator, by its one line. */
export const operators: readonly AnyOperator[] = [detect, rate, select, window];
