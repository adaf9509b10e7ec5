import type { Scores } from './labelled.js';

/**
 * Area under the ROC curve: how often an unusual row scores higher than a usual one, ties counting half.
 * By the sum of ranks (Mann and Whitney, On a test of whether one of two random variables is stochastically
 * larger than the other, Ann. Math. Stat. 18, 1947). NaN where there are not both.
 */
export function auc(unusual: ArrayLike<boolean>, scores: Scores): number {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let ranks = 0;
  let positives = 0;
  for (let from = 0; from < order.length; ) {
    let to = from;
    let tied = 0;
    for (; to < order.length && scores[order[to]!] === scores[order[from]!]; to++) if (unusual[order[to]!] === true) tied += 1;
    // Ranks count from 1; rows of equal score share the mean of theirs.
    ranks += tied * ((from + 1 + to) / 2);
    positives += tied;
    from = to;
  }
  const negatives = order.length - positives;
  return (ranks - (positives * (positives + 1)) / 2) / (positives * negatives);
}
