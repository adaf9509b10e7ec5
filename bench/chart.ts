import { init, type EChartsOption } from 'echarts';
import type { Grown } from './expectations.js';
import type { Figure } from './figures.js';
import { short } from './report.js';
import { growths, type Workload } from './workloads.js';

const OURS = '#2563eb';
const THEIRS = '#94a3b8';
const YARDSTICK = '#334155';
const TEXT = '#1e293b';
const GRID = '#e2e8f0';
const FONT = 'system-ui, sans-serif';

/** To SVG, without a browser; white behind it, so that it is read in a dark viewer too. */
function render(option: EChartsOption, width: number, height: number): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({ backgroundColor: '#ffffff', animation: false, textStyle: { fontFamily: FONT, color: TEXT }, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}

/** `0.55×`, or `1/15` where it is a small part. */
const times = (ratio: number): string => (ratio < 0.1 ? `1/${short(1 / ratio)}` : `${ratio.toFixed(2)}×`);

/** A bar an engine, fastest first, in millions a second on a logarithmic scale: ratios reach from two to hundreds. */
export function speedChart(workload: Workload, figures: readonly Figure[]): string {
  const bars = figures
    .map((f) => ({ name: `${f.engine}${f.threads === 1 ? '' : ` × ${f.threads}`}`, speed: f.samples_per_second.median, engine: f.engine }))
    .sort((a, b) => a.speed - b.speed);
  const least = 10 ** Math.floor(Math.log10(Math.min(...bars.map((b) => b.speed)) / 1.5));
  const yardstick = figures.find((f) => f.engine === workload.against && f.threads === 1)?.samples_per_second.median;
  const option: EChartsOption = {
    title: { text: workload.title, subtext: `Million ${workload.unit} a second, logarithmic; in brackets against ${workload.against} on one thread`, left: 16, top: 12, textStyle: { fontSize: 16, color: TEXT }, subtextStyle: { fontSize: 12, color: '#64748b' } },
    grid: { left: 32, right: 120, top: 76, bottom: 16, containLabel: true },
    xAxis: { type: 'log', min: least, axisLabel: { color: '#64748b', formatter: (value: number) => (value / 1e6).toLocaleString('en-US') }, splitLine: { lineStyle: { color: GRID } } },
    yAxis: { type: 'category', data: bars.map((b) => b.name), axisTick: { show: false }, axisLine: { show: false }, axisLabel: { fontSize: 13, color: TEXT } },
    series: [
      {
        type: 'bar',
        barWidth: '64%',
        data: bars.map((b) => ({ value: b.speed, itemStyle: { color: b.engine.startsWith('millrace') ? OURS : b.engine === workload.against ? YARDSTICK : THEIRS, borderRadius: [0, 3, 3, 0] } })),
        label: {
          show: true,
          position: 'right',
          fontSize: 13,
          color: TEXT,
          formatter: ({ dataIndex }) => {
            const { speed } = bars[dataIndex]!;
            return `${short(speed / 1e6)}${yardstick === undefined ? '' : `  (${times(speed / yardstick)})`}`;
          },
        },
      },
    ],
  };
  return render(option, 860, 100 + 30 * bars.length);
}

/** One small chart for each thing that grows, two in a row: speed over it. */
export function growthChart(grown: readonly Grown[]): string {
  const shown = grown.flatMap((g) => {
    const growth = growths.find(({ name }) => name === g.name);
    return growth === undefined ? [] : [{ growth, points: g.points }];
  });
  const [width, height, margin] = [430, 270, 16];
  const cell = (i: number): { left: number; top: number } => ({ left: (i % 2) * width, top: Math.floor(i / 2) * height });
  const option: EChartsOption = {
    title: shown.map(({ growth }, i) => ({ text: growth.title, subtext: 'million samples a second', left: cell(i).left + margin, top: cell(i).top + 10, textStyle: { fontSize: 13, color: TEXT }, subtextStyle: { fontSize: 11, color: '#64748b' } })),
    grid: shown.map((_, i) => ({ left: cell(i).left + 52, top: cell(i).top + 68, width: width - 92, height: height - 118 })),
    xAxis: shown.map(({ growth, points }, i) => ({ gridIndex: i, type: 'category', name: growth.axis, nameLocation: 'middle', nameGap: 26, data: points.map((p) => p.at.toLocaleString('en-US')), axisLabel: { color: TEXT }, nameTextStyle: { color: '#64748b' } })),
    yAxis: shown.map((_, i) => ({ gridIndex: i, type: 'value', min: 0, splitNumber: 4, axisLabel: { color: '#64748b' }, splitLine: { lineStyle: { color: GRID } } })),
    series: shown.map(({ growth, points }, i) => ({
      // What is counted by ones is compared side by side; what grows by factors is a line.
      ...(growth.name === 'shards' ? { type: 'bar' as const, barWidth: 48 } : { type: 'line' as const, symbolSize: 8, lineStyle: { width: 2.5 } }),
      xAxisIndex: i,
      yAxisIndex: i,
      itemStyle: { color: OURS },
      label: { show: true, position: 'top' as const, color: TEXT, formatter: ({ value }: { value: unknown }) => short(Number(value)) },
      data: points.map((p) => p.samples_per_second / 1e6),
    })),
  };
  return render(option, 2 * width, height * Math.ceil(shown.length / 2));
}
