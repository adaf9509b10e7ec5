import type uPlot from 'uplot';
import { serverNow } from '../clock.js';
import { formatBand } from '../format/findings.js';
import { formatValue } from '../format/number.js';
import type { Anomaly } from '../live/protocol.js';
import { rank } from '../store/finding-store.js';
import { peakOf, spanOf } from './anomaly-span.js';
import { Marks, type Mark } from './marks.js';
import { palette } from './palette.js';
import type { PlotContent, Scene } from './scene.js';
import { Tip, type TipRow } from './tip.js';
import { hold, release } from './view.js';

/** How near, in pixels, the cursor has to be to a stretch to be told of its anomaly. */
const NEAR = 8;

/** Anomalies told of at one point. */
const TOLD = 2;

/** What pointer, finger and keyboard ask of a chart: the values at a time, and why something is an anomaly. Charts stand still meanwhile. */
export class Inspection {
  private readonly u: uPlot;
  private readonly host: HTMLElement;
  private readonly content: PlotContent;
  private readonly scene: () => Scene;
  private readonly tip: Tip;
  private readonly marks: Marks;
  private readonly listeners = new AbortController();
  /** The pointer is on it, or the keyboard moves its cursor. */
  private hovered = false;
  /** The anomaly whose mark is pointed at. */
  private pinned: Anomaly | undefined;

  constructor(u: uPlot, host: HTMLElement, content: PlotContent, scene: () => Scene) {
    this.u = u;
    this.host = host;
    this.content = content;
    this.scene = scene;
    this.tip = new Tip(host, `${content.id}-tip`);
    this.marks = new Marks(u.over, this.tip.id, { enter: (anomaly) => this.pin(anomaly), leave: () => this.unpin() });
    this.listen();
  }

  /** Puts the marks where the curves are now. */
  placeMarks(): void {
    const { window, tracks, anomalies } = this.scene();
    const { clientWidth: width, clientHeight: height } = this.u.over;
    const marks = anomalies.map(({ anomaly, member }): Mark => {
      const { time, value } = peakOf(anomaly, tracks[member]!, window[1]);
      const x = this.u.valToPos(Math.max(window[0], time), 'x');
      return { anomaly, x: Math.min(width, Math.max(0, x)), y: Math.min(height, Math.max(0, this.u.valToPos(value, 'y'))) };
    });
    this.marks.place(
      marks.toSorted((a, b) => rank(b.anomaly.severity) - rank(a.anomaly.severity) || b.x - a.x),
      serverNow(),
    );
  }

  /** The cursor was moved, here or in another chart. */
  readCursor(): void {
    if (!this.hovered || this.pinned !== undefined) return;
    const { left = -1, top = -1, idx } = this.u.cursor;
    if (left < 0) return this.tip.hide();
    const time = this.u.posToVal(left, 'x');
    const slack = this.u.posToVal(left + NEAR, 'x') - time;
    this.tip.show({ time: idx == null ? time : this.u.data[0][idx], rows: this.rows(), anomalies: this.near(time, slack), now: serverNow() }, ...this.onHost(left, top));
  }

  close(): void {
    release(this);
    this.listeners.abort();
  }

  private rows(): TipRow[] {
    return this.content.members.flatMap((member, i): TipRow[] => {
      const at = this.u.cursor.idxs?.[i + 1];
      const value = at == null ? undefined : this.u.data[i + 1]![at];
      if (at == null || value == null) return [];
      return [{ colour: palette().series[member.colour]!, label: member.label, value: formatValue(value, this.content.unit), usual: this.usualAt(i, this.u.data[0][at]!) }];
    });
  }

  private near(time: number, slack: number): Anomaly[] {
    const { window, anomalies } = this.scene();
    const found = anomalies.flatMap(({ anomaly }) => {
      const [from, to] = spanOf(anomaly, window[1]);
      return time >= from - slack && time <= to + slack ? [anomaly] : [];
    });
    return found.toSorted((a, b) => rank(b.severity) - rank(a.severity)).slice(0, TOLD);
  }

  private usualAt(member: number, time: number): string | undefined {
    const { band } = this.content.members[member]!;
    const track = this.scene().bandTracks[member];
    if (band === undefined || track === undefined || track.length === 0) return undefined;
    // The judged mean of the newest rows is still to come.
    const row = Math.min(track.find(time), track.length - 1);
    const [lower, upper] = [track.get(row, band.lower), track.get(row, band.upper)];
    return Number.isFinite(lower) && Number.isFinite(upper) ? formatBand(lower, upper, band.metric) : undefined;
  }

  private listen(): void {
    const { signal } = this.listeners;
    const { over } = this.u;
    over.addEventListener('mouseenter', () => this.enter(), { signal });
    over.addEventListener('mouseleave', () => this.leave(), { signal });
    // Fingers do not hover: the cursor goes where they are, and stays until they touch elsewhere.
    const touch = (event: PointerEvent) => {
      if (event.pointerType !== 'touch' || event.target !== over) return;
      this.enter();
      const box = over.getBoundingClientRect();
      this.u.setCursor({ left: event.clientX - box.left, top: event.clientY - box.top });
    };
    over.addEventListener('pointerdown', touch, { signal });
    over.addEventListener('pointermove', touch, { signal });
    document.addEventListener('pointerdown', (event) => this.host.contains(event.target as Node) || this.leave(), { signal });
    this.host.addEventListener('keydown', (event) => this.onKey(event), { signal });
    this.host.addEventListener('focusout', () => this.leave(), { signal });
  }

  private enter(): void {
    this.hovered = true;
    hold(this);
  }

  private leave(): void {
    if (!this.hovered && this.pinned === undefined) return;
    this.hovered = false;
    this.pinned = undefined;
    this.tip.hide();
    this.u.setCursor({ left: -10, top: -10 });
    release(this);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape') return this.leave();
    const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
    const times = this.u.data[0];
    if (step === 0 || times.length === 0) return;
    event.preventDefault();
    this.pinned = undefined;
    this.enter();
    // It begins at the newest value.
    const next = this.u.cursor.idx == null ? times.length - 1 : Math.min(times.length - 1, Math.max(0, this.u.cursor.idx + step));
    this.u.setCursor({ left: this.u.valToPos(times[next]!, 'x'), top: this.u.over.clientHeight / 2 });
  }

  private pin(anomaly: Anomaly): void {
    const { window, tracks, anomalies } = this.scene();
    const found = anomalies.find((each) => each.anomaly.id === anomaly.id);
    if (found === undefined) return;
    this.pinned = anomaly;
    hold(this);
    const { time, value } = peakOf(anomaly, tracks[found.member]!, window[1]);
    this.tip.show({ time: undefined, rows: [], anomalies: [anomaly], now: serverNow() }, ...this.onHost(this.u.valToPos(time, 'x'), this.u.valToPos(value, 'y')));
  }

  private unpin(): void {
    this.pinned = undefined;
    this.tip.hide();
    if (!this.hovered) release(this);
  }

  private onHost(x: number, y: number): [number, number] {
    return [x + this.u.over.offsetLeft, y + this.u.over.offsetTop];
  }
}
