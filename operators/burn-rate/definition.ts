import { STALE } from '../../engine/batch.js';
import { about, findingId, type Burn } from '../../engine/finding.js';
import { defineOperator } from '../../engine/operator.js';
import { compileMatchers } from '../../engine/selector.js';
import { makeSeries, seriesText, type Series } from '../../engine/series.js';
import { explain } from './explain.js';
import { increase, onGrid } from './increase.js';
import { Monitor, type Judgement } from './monitor.js';
import { readRatio } from './ratio.js';
import { burnRateConfig, pairsOf, type BurnRateConfig, type Slo } from './slo.js';

/** What a series is to an SLO; the member's text begins with its name. */
const roles = ['good', 'total', 'measured'] as const;
type Role = (typeof roles)[number];
const MEASURED = roles.indexOf('measured') + 1;

interface Watched {
  readonly group: number;
  readonly slo: Slo;
  readonly monitor: Monitor;
}

/** Metric of posted measurements, with the label `sli_name`. */
const MEASUREMENT = 'sli_measurement';

export default defineOperator({
  name: 'burn-rate',
  version: 1,
  summary: 'Watches service level objectives: compliance, error budget, and alerts on how fast the budget burns',
  description: `
Takes the SLOs of \`slos.yml\` (or written in place) and gives, for each, rows of the series \`slo{slo="NAME"}\`: \`compliance\`
(percent of good events over the period; 100 before the first), \`budget_remaining\` (percent of the error budget; negative when
overspent) and \`burn_rate\`, also the row's value: the burn rate over 1h. At a burn rate of 1 the budget lasts exactly the period.

**Events** come from two places, and an SLO may have both:

- \`query\`, a PromQL ratio of good to all events, \`rate(good[5m]) / rate(total[5m])\`, each side with or without \`sum(...)\`. How far each
  counter rose is counted at the time of its sample, over all series that a side selects, so the SLO is weighted by requests. A
  counter's first sample counts nothing; a drop is a restart from zero. For latency, \`good\` is a histogram's bucket with its
  \`le\`. Note that it is the ratio of good events, not of errors. Any other expression is refused, with its position.
- measurements posted to \`/api/sli-measurements\` under \`sli.name\`: each is one event, good at or above \`target_value\` (latency: at or below).

**Alerts** follow the Site Reliability Workbook: a pair fires while the burn rate is above its limit both over the long window and over
the short one, and ends when the short one no longer is. No events in a window: burn rate 0.

| limit | long and short window | default | severity |
| --- | --- | --- | --- |
| \`critical\` | 1h, 5m | 14.4 | critical |
| \`high\` | 6h, 30m | 6 | high |
| \`warning\` | 3d, 6h | 1 | medium |

A pair with a window longer than the period is left out. The finding of an SLO opens with the first pair that fires, gets a revision when
another pair becomes the most severe that fires (worse or better), and closes when none does; it then carries the highest severity it had.

**Time.** An SLO is judged in event time, at the end of each \`interval\` with events and whenever events leave the window of a burn rate, also
when nothing arrives any more. Without events for 3 days it rests, and its compliance stays as it was. Older samples count where they fall,
as long as the period reaches so far back; what is older, and a counter's sample older than its last, is \`late\`. An SLO without any events
begins with the first that come, however old.

**Memory.** A window is kept in at most 721 panes: 29 kB an SLO with the defaults, and 25 bytes a counter.
`.trim(),
  config: burnRateConfig,
  examples: [
    {
      title: 'Three percent of the requests fail, where one in a thousand may',
      config: {
        slos: [
          {
            name: 'api_availability',
            sli: {
              name: 'http_success_rate',
              type: 'availability',
              query: "rate(http_requests_total{status!~'5..'}[5m]) / rate(http_requests_total[5m])",
            },
            target_percentage: 99.9,
            time_period: '30d',
          },
        ],
      },
      input: [
        '0s http_requests_total{status="200"} 1000',
        '0s http_requests_total{status="503"} 0',
        '30s http_requests_total{status="200"} 1970',
        '30s http_requests_total{status="503"} 30',
        '90s http_requests_total{status="200"} 2970',
        '90s http_requests_total{status="503"} 30',
      ],
      output: [
        '1m slo{slo="api_availability"} 30 compliance=97 budget_remaining=-2900 burn_rate=30',
        '2m slo{slo="api_availability"} 15 compliance=98.5 budget_remaining=-1400 burn_rate=15',
        '1m burn opened slo{slo="api_availability"} critical: api_availability burns its error budget 30 times as fast as it lasts: 30 of 1000 events in 1h were bad, and the burn rate is 30 over 5m (limit 14.4); the error budget of 30d is spent 30 times over',
      ],
    },
    {
      title: 'A measured latency above its limit, and the recovery',
      config: {
        slos: [
          {
            name: 'fast_search',
            sli: { name: 'search_ms', type: 'latency', target_value: 200 },
            target_percentage: 95,
            time_period: '1h',
            burn_rate_thresholds: { critical: 8 },
          },
        ],
      },
      input: [
        '10s sli_measurement{sli_name="search_ms"} 180',
        '70s sli_measurement{sli_name="search_ms"} 450',
        '80s sli_measurement{sli_name="other"} 450',
        '310s sli_measurement{sli_name="search_ms"} 200',
        '320s sli_measurement{sli_name="search_ms"} 190',
        'watermark 10m',
      ],
      output: [
        '1m slo{slo="fast_search"} 0 compliance=100 budget_remaining=100 burn_rate=0',
        '2m slo{slo="fast_search"} 10 compliance=50 budget_remaining=-900 burn_rate=10',
        '6m slo{slo="fast_search"} 5 compliance=75 budget_remaining=-400 burn_rate=5',
        '7m slo{slo="fast_search"} 5 compliance=75 budget_remaining=-400 burn_rate=5',
        '2m burn opened slo{slo="fast_search"} critical: fast_search burns its error budget 10 times as fast as it lasts: 1 of 2 events in 1h were bad, and the burn rate is 10 over 5m (limit 8); the error budget of 1h is spent 10 times over',
        '6m burn closed slo{slo="fast_search"} critical: fast_search has recovered after 4m: the burn rate is 6.67 over 5m, no longer above 8; the error budget of 1h is spent 5 times over',
      ],
    },
  ],
  ports: () => ({ input: { rows: [] }, output: { rows: ['compliance', 'budget_remaining', 'burn_rate'], findings: ['burn'], late: true } }),
  route: () => 'group',
  series: ({ slos }) => {
    const targets = slos.flatMap((slo) => sourcesOf(slo).map(({ role, matches }) => ({ series: makeSeries('slo', { slo: slo.name }), role, matches })));
    return (of) =>
      targets.filter(({ matches }) => matches(of)).map(({ series, role }) => ({ series, member: `${role} ${seriesText(of.name, of.labels)}` }));
  },
  // Of members only: `last` and `at` are a counter's last value (on the grid) and time; `role` is its index in `roles` + 1, 0 before its first row that counts.
  state: () => ({ last: 'f64', at: 'f64', role: 'u8' }),
  keep: ({ slos }) => Math.max(...slos.map(({ time_period }) => time_period)),
  create(config, { node, names }) {
    const slos = new Map(config.slos.map((slo) => [slo.name, slo]));
    /** By group. */
    const all = new Map<number, Watched>();
    /** The same by member: a row looks up nothing else. */
    const ofMember: (Watched | undefined)[] = [];
    const sloOf = (group: number): Slo | undefined => slos.get(names.series(group).labels['slo'] ?? '');
    const watchedAt = (group: number): Watched => {
      let watched = all.get(group);
      if (watched === undefined) {
        const slo = sloOf(group)!;
        watched = { group, slo, monitor: new Monitor(pairsOf(slo), slo.target_percentage / 100, slo.time_period, config.interval) };
        all.set(group, watched);
      }
      return watched;
    };

    return {
      push(batch, { last, at, role }, out) {
        for (let i = 0; i < batch.length; i++) {
          const member = batch.slot[i]!;
          const time = batch.time[i]!;
          const value = batch.value[i]!;
          if ((batch.flags[i]! & STALE) !== 0 || !Number.isFinite(value)) continue;
          const seen = role[member] !== 0;
          const as = seen ? roles[role[member]! - 1]! : (names.member(member).split(' ', 1)[0] as Role);
          const { group, slo, monitor } = (ofMember[member] ??= watchedAt(names.group(member)));
          const due = monitor.due;
          let counted = true;
          if (as === 'measured') {
            role[member] = MEASURED;
            counted = monitor.count(time, isGood(slo, value) ? 1 : 0, 1);
          } else if (seen && time < at[member]!) counted = false;
          else if (value >= 0) {
            const now = onGrid(value);
            const rise = seen ? increase(last[member]!, now) : 0;
            last[member] = now;
            at[member] = time;
            role[member] = roles.indexOf(as) + 1;
            counted = monitor.count(time, as === 'good' ? rise : 0, as === 'total' ? rise : 0);
          }
          if (!counted) out.late(batch, i, 'late');
          if (monitor.due < due) out.wake(group, monitor.due);
        }
      },
      advance(watermark, from, to, _state, out) {
        for (let group = from; group < to; group++) {
          const watched = all.get(group);
          if (watched === undefined || watched.monitor.due > watermark) continue;
          const { slo, monitor } = watched;
          // After the last row there is no time in which windows could run empty.
          if (watermark === Infinity && !monitor.unjudged) continue;
          const judgement = monitor.judge();
          const { time, compliance, budgetRemaining, burnRate, change } = judgement;
          const row = out.row(time, group, burnRate);
          out.columns.compliance[row] = compliance;
          out.columns.budget_remaining[row] = budgetRemaining;
          out.columns.burn_rate[row] = burnRate;
          if (change !== 'none') out.finding(findingOf(node, names.series(group), slo, monitor, judgement, change));
          if (monitor.due !== Infinity) out.wake(group, monitor.due);
        }
      },
      save: (slot) => all.get(slot)?.monitor.save(),
      restore(slot, saved) {
        // An SLO that has left the config since has nothing to go on with.
        if (sloOf(slot) === undefined) return;
        all.delete(slot);
        watchedAt(slot).monitor.restore(saved);
      },
      release(slot) {
        all.delete(slot);
        ofMember[slot] = undefined;
      },
    };
  },
});

/** Which series count for an SLO, and as what. */
function sourcesOf({ sli }: BurnRateConfig['slos'][number]): { role: Role; matches: (of: Series) => boolean }[] {
  const sources: { role: Role; matches: (of: Series) => boolean }[] = [];
  if (sli.query !== undefined) {
    const { good, total } = readRatio(sli.query);
    sources.push({ role: 'good', matches: compileMatchers(good) }, { role: 'total', matches: compileMatchers(total) });
  }
  if (sli.target_value !== undefined) sources.push({ role: 'measured', matches: ({ name, labels }) => name === MEASUREMENT && labels['sli_name'] === sli.name });
  return sources;
}

function isGood({ sli: { type, target_value } }: Slo, value: number): boolean {
  return type === 'latency' ? value <= target_value! : value >= target_value!;
}

function findingOf(node: string, series: Series, slo: Slo, monitor: Monitor, judgement: Judgement, state: Burn['state']): Burn {
  const { pair, severity, long, short } = monitor.firing;
  const subject = about(series);
  return {
    id: findingId(node, 'burn', subject.series, monitor.openedAt),
    revision: monitor.revision,
    state,
    operator: node,
    ...subject,
    openedAt: monitor.openedAt,
    time: judgement.time,
    severity,
    explanation: explain(slo.name, judgement, monitor.firing, slo.time_period, monitor.openedAt),
    kind: 'burn',
    slo: slo.name,
    burnRate: long,
    shortBurnRate: short,
    threshold: pair.threshold,
    longMs: pair.long,
    shortMs: pair.short,
    compliance: judgement.compliance,
    target: slo.target_percentage,
    budgetRemaining: judgement.budgetRemaining,
  };
}
