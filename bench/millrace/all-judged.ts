import { totals } from '../../connectors/count/sink.js';

const LOOK_MS = 2;

/** Resolves when the windows of so many samples have come, and all of them were judged. */
export function allJudged(samples: number): Promise<void> {
  return new Promise((resolve) => {
    const look = setInterval(() => {
      const nodes = totals('out');
      const win = nodes.get('win');
      if ((win?.columns['count']?.sum ?? 0) < samples || nodes.get('odd')?.rows !== win!.rows) return;
      clearInterval(look);
      resolve();
    }, LOOK_MS);
  });
}
