import { LEARNING, STEP_MS, type Shape } from '../../bench/quality/shapes.js';
import type { AnyOperator } from '../../engine/operator.js';
import { shareAbove, tails } from '../../quality/calibration.js';
import { runReference } from '../kit/reference.js';
import type { Message } from '../kit/text.js';

/** How often the score that an operator gives is above 1 - p, for each p of `tails`, on a series in which nothing is unusual. */
export function sharesAbove(definition: AnyOperator, config: Readonly<Record<string, unknown>>, shape: Shape, { rows, seed }: { readonly rows: number; readonly seed: number }): number[] {
  const messages = Array.from(shape.values(LEARNING + rows, seed), (value, i): Message => ({ type: 'row', port: 0, row: { time: i * STEP_MS, series: { name: 'clean', labels: {} }, value, flags: 0, columns: {} } }));
  const scores = runReference(definition, definition.config.parse(config), messages).rows.map(({ columns }) => columns['score']!);
  return tails.map((p) => shareAbove(scores.slice(LEARNING), p));
}
