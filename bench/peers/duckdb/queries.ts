import { T0 } from '../../samples.js';

/** The samples, made by the formula: 64-bit integers, of whose product the lower 32 bits are taken. */
const samples = (count: number, series: number): string => `
  hashed AS (SELECT i, (i * 2654435761) & 4294967295 AS h FROM range(${count}) AS r(i)),
  samples AS (
    SELECT
      i % ${series} AS series,
      ${T0} + i // ${series} * 1000 - CASE WHEN h % 20 = 0 THEN 1000 * (1 + (i >> 3) % 5) ELSE 0 END AS time,
      (h % 1000) / 10 AS value
    FROM hashed
  )`;

/** Sums over the results are taken in SQL too: as rows in JavaScript they would cost more than all else. */
export const queries = {
  W1: (count: number, series: number): string => `
WITH ${samples(count, series)},
  windows AS (
    SELECT series, time // 10000 AS window_, count(*) AS n, avg(value) AS mean, stddev_pop(value) AS deviation
    FROM samples GROUP BY ALL
  )
SELECT count(*)::DOUBLE AS results, sum(n)::DOUBLE AS counts, sum(mean) AS means, sum(deviation) AS deviations FROM windows`,

  /** Panes of a second, then sums over 60 of them: where a series has no pane, its row in the grid has none either. */
  W2: (count: number, series: number): string => `
WITH ${samples(count, series)},
  panes AS (SELECT series, time // 1000 AS second, count(*) AS n, sum(value) AS total FROM samples GROUP BY ALL),
  seconds AS (SELECT unnest(range(min(second), max(second) + 60)) AS second FROM panes),
  grid AS (SELECT series, second FROM (SELECT DISTINCT series FROM panes), seconds),
  windows AS (
    SELECT sum(n) OVER minute AS n, sum(total) OVER minute AS total
    FROM grid LEFT JOIN panes USING (series, second)
    WINDOW minute AS (PARTITION BY series ORDER BY second ROWS 59 PRECEDING)
  )
SELECT count(*)::DOUBLE AS results, sum(n)::DOUBLE AS counts, sum(total / n) AS means FROM windows WHERE n > 0`,
};
