import uPlot from 'uplot';
import { serverNow } from '../clock.js';
import { formatMoment } from '../format/time.js';
import type { Anomaly } from '../live/protocol.js';
import { rank } from '../store/finding-store.js';
import type { Series } from '../store/series-store.js';
import type { Track } from '../store/track.js';
import { align, holeOf } from './align.js';
import { spanOf } from './anomaly-span.js';
import { forget, redraw, remember, type Drawn } from './frames.js';
import { Inspection } from './inspection.js';
import { clipped, paintBand, paintCurve, paintStretch } from './paint.js';
import { palette } from './palette.js';
import { plotOptions } from './plot-options.js';
import { limits, withBand } from './scale.js';
import type { PlotContent, Scene } from './scene.js';
import { range, stretch } from './view.js';

const HEIGHT = 172;
const NARROWEST = 200;

/** Bands of more series at once hide each other; then only that of a highlighted series is shown, and of those with an anomaly. */
const MOST_BANDS = 2;

/** A value this old is not called the newest, whatever the usual interval. */
const CURRENT_MS = 10_000;

/** One chart: lines, the bands in which they are expected, and anomalies. It draws only while it can be seen. */
export class Plot implements Drawn {
  private seen = false;
  private drawn = false;
  private readonly host: HTMLElement;
  private readonly content: PlotContent;
  private readonly u: uPlot;
  /** Undefined while uPlot draws for the first time, from its constructor. */
  private readonly inspection: Inspection | undefined;
  private readonly note: HTMLElement;
  private readonly resizing: ResizeObserver;
  private readonly seeing: IntersectionObserver;
  private scene: Scene = { window: [0, 1], tracks: [], bandTracks: [], holes: [], banded: [], anomalies: [] };
  private highlighted: string | undefined;

  constructor(host: HTMLElement, content: PlotContent) {
    this.host = host;
    this.content = content;
    const { members, unit } = content;
    const look = {
      unit,
      width: Math.max(NARROWEST, host.clientWidth),
      height: HEIGHT,
      colours: members.map(({ colour }) => () => palette().series[colour]!),
      limits: (_u: uPlot, low: number | null, high: number | null) => this.limits(low ?? NaN, high ?? NaN),
      hole: (member: number) => this.scene.holes[member] ?? Infinity,
      hooks: { drawAxes: [() => this.paintUnder()], draw: [() => this.paintOver()], setCursor: [() => this.inspection?.readCursor()] },
    };
    const empty: uPlot.AlignedData = [[], ...members.map(() => [])];
    this.u = new uPlot(plotOptions(look), empty, host);
    this.note = document.createElement('p');
    this.note.className = 'plot-note';
    this.note.hidden = true;
    host.append(this.note);
    this.inspection = new Inspection(this.u, host, content, () => this.scene);
    this.resizing = new ResizeObserver(() => this.u.setSize({ width: Math.max(NARROWEST, host.clientWidth), height: HEIGHT }));
    this.resizing.observe(host);
    this.seeing = new IntersectionObserver(
      (entries) => {
        this.seen = entries.at(-1)!.isIntersecting;
        if (this.seen) redraw(this);
      },
      { rootMargin: '100px' },
    );
    this.seeing.observe(host);
    remember(this);
    redraw(this);
  }

  /** Once it is drawn in any case: for whoever scrolls fast, or prints. */
  get visible(): boolean {
    return this.seen || !this.drawn;
  }

  shows(series: Series): boolean {
    return this.content.members.some((member) => member.series === series || member.band === series);
  }

  draw(): void {
    const { u, content } = this;
    const shown = range.peek();
    const window = stretch();
    const tracks = content.members.map(({ series }) => content.trackOf(series, shown));
    this.drawn = true;
    this.scene = {
      window,
      tracks,
      bandTracks: content.members.map(({ band }) => (band === undefined ? undefined : content.trackOf(band, shown))),
      holes: tracks.map(holeOf),
      anomalies: this.anomaliesIn(window),
      banded: this.chooseBands(),
    };
    const { times, values } = align(tracks, ...window);
    u.batch(() => {
      u.setData([times, ...values], false);
      u.setScale('x', { min: window[0], max: window[1] });
    });
    // How far it has come, for whoever looks at the page from outside.
    this.host.dataset['newest'] = String(Math.max(...tracks.map(({ newest }) => newest)));
    content.onValues(tracks.map((track, i) => this.current(track, this.scene.holes[i]!)));
    this.explainEmptiness(times);
  }

  /** Makes one series stand out; undefined: none. */
  highlight(key: string | undefined): void {
    if (this.highlighted === key) return;
    this.highlighted = key;
    const index = this.content.members.findIndex(({ series }) => series.key === key);
    this.u.setSeries(index < 0 ? null : index + 1, { focus: true });
    redraw(this);
  }

  destroy(): void {
    forget(this);
    this.inspection?.close();
    this.resizing.disconnect();
    this.seeing.disconnect();
    this.u.destroy();
    this.host.replaceChildren();
  }

  private current(track: Track, hole: number): number {
    if (track.length === 0 || this.scene.window[1] - track.newest > Math.max(hole === Infinity ? 0 : hole, CURRENT_MS)) return NaN;
    return track.get(track.length - 1, 0);
  }

  private explainEmptiness(times: readonly number[]): void {
    const newest = Math.max(...this.scene.tracks.map(({ newest: time }) => time));
    const empty = times.length === 0 || newest < this.scene.window[0];
    this.note.hidden = !empty;
    if (empty) this.note.textContent = Number.isFinite(newest) ? `Nothing in this range. The newest value is of ${formatMoment(newest, serverNow())}.` : 'No values yet.';
  }

  private anomaliesIn([from, to]: readonly [number, number]): Scene['anomalies'] {
    return this.content.members.flatMap(({ series }, member) =>
      this.content.anomaliesOf(series.key).flatMap((anomaly) => {
        const [start, end] = spanOf(anomaly, to);
        return end >= from && start <= to ? [{ anomaly, member }] : [];
      }),
    );
  }

  private chooseBands(): number[] {
    const { members, anomaliesOf } = this.content;
    const able = members.flatMap(({ band }, i) => (band === undefined ? [] : [i]));
    if (able.length <= MOST_BANDS) return able;
    const wanted = able.filter((i) => members[i]!.series.key === this.highlighted);
    if (wanted.length > 0) return wanted;
    return able.filter((i) => anomaliesOf(members[i]!.series.key).some(({ state }) => state !== 'closed')).slice(0, MOST_BANDS);
  }

  private limits(low: number, high: number): [number, number] {
    const { banded, bandTracks, window } = this.scene;
    let bandLow = Infinity;
    let bandHigh = -Infinity;
    for (const i of banded) {
      const track = bandTracks[i]!;
      const { lower, upper } = this.content.members[i]!.band!;
      for (let row = track.find(window[0]); row < track.length; row++) {
        const [under, over] = [track.get(row, lower), track.get(row, upper)];
        if (under < bandLow) bandLow = under;
        if (over > bandHigh) bandHigh = over;
      }
    }
    const { unit } = this.content;
    return limits(...withBand(low, high, bandLow, bandHigh, unit), unit);
  }

  private paintUnder(): void {
    const { window, bandTracks, banded, anomalies } = this.scene;
    const { members } = this.content;
    const colours = palette();
    clipped(this.u, (context) => {
      for (const { anomaly } of anomalies) paintStretch(this.u, context, ...spanOf(anomaly, window[1]), toneColour(anomaly));
      for (const i of banded) {
        const { band, colour } = members[i]!;
        const track = bandTracks[i]!;
        // Alone it has the colour of all bands; among others that of its line.
        context.globalAlpha = members.length > 1 ? 0.16 : 1;
        paintBand(this.u, context, track, band!, window, holeOf(track), members.length > 1 ? colours.series[colour]! : colours.band);
      }
    });
  }

  private paintOver(): void {
    const { window, tracks, holes, anomalies } = this.scene;
    clipped(this.u, (context) => {
      for (const { anomaly, member } of anomalies) {
        const track = tracks[member]!;
        const [start, end] = spanOf(anomaly, window[1]);
        paintCurve(this.u, context, track, Math.max(window[0], start - track.step), end, holes[member]!, toneColour(anomaly));
      }
    });
    this.inspection?.placeMarks();
  }
}

function toneColour({ severity }: Anomaly): string {
  return rank(severity) >= rank('high') ? palette().serious : palette().notable;
}
