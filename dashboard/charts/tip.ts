import { formatClock } from '../format/time.js';
import { formatShares, tell, toneOf } from '../format/findings.js';
import type { Anomaly } from '../live/protocol.js';

export interface TipRow {
  readonly colour: string;
  readonly label: string;
  readonly value: string;
  /** The band at that time. */
  readonly usual: string | undefined;
}

export interface TipContent {
  readonly time: number | undefined;
  readonly rows: readonly TipRow[];
  readonly anomalies: readonly Anomaly[];
  readonly now: number;
}

const GAP = 14;

/** What is at a point of a chart, beside it. It is also read out, as the status of its chart. */
export class Tip {
  private readonly root: HTMLElement;
  private readonly host: HTMLElement;
  readonly id: string;

  constructor(host: HTMLElement, id: string) {
    this.host = host;
    this.id = id;
    this.root = element('div', 'tip');
    this.root.id = id;
    this.root.setAttribute('role', 'status');
    this.root.hidden = true;
    host.append(this.root);
  }

  /** @param x, y the point, in pixels from the host's corner */
  show({ time, rows, anomalies, now }: TipContent, x: number, y: number): void {
    const parts: HTMLElement[] = [];
    if (time !== undefined) parts.push(element('p', 'tip-time', formatClock(time)));
    if (rows.length > 0) {
      const table = element('dl', 'tip-rows');
      for (const { colour, label, value, usual } of rows) {
        const name = element('dt', '', label);
        const swatch = element('i', 'swatch');
        swatch.style.backgroundColor = colour;
        name.prepend(swatch);
        table.append(name, element('dd', '', value));
        if (usual !== undefined) table.append(element('dd', 'tip-usual', `usual ${usual}`));
      }
      parts.push(table);
    }
    for (const anomaly of anomalies) parts.push(anomalyBlock(anomaly, now));
    this.root.replaceChildren(...parts);
    this.root.hidden = false;
    this.place(x, y);
  }

  hide(): void {
    this.root.hidden = true;
  }

  /** Beside the point, on the side that has room, and never out of the window. */
  private place(x: number, y: number): void {
    const { width, height } = this.root.getBoundingClientRect();
    const host = this.host.getBoundingClientRect();
    const viewport = document.documentElement.clientWidth;
    let left = x + GAP;
    if (host.left + left + width > viewport - 8) left = x - GAP - width;
    left = Math.max(8 - host.left, Math.min(left, viewport - 8 - width - host.left));
    const top = Math.max(-host.top + 8, Math.min(y - height / 2, host.height - height + 40));
    this.root.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }
}

function anomalyBlock(anomaly: Anomaly, now: number): HTMLElement {
  const { value, usual, when } = tell(anomaly, now);
  const block = element('div', `tip-anomaly ${toneOf(anomaly.severity)}`);
  block.append(
    element('p', 'tip-head', `${anomaly.severity} anomaly${anomaly.state === 'closed' ? ', over' : ''}`),
    element('p', 'tip-value', `${value}; ${usual} is usual`),
    element('p', '', anomaly.explanation),
    ...(anomaly.contributions === undefined ? [] : [element('p', '', `because of ${formatShares(anomaly.contributions)}`)]),
    element('p', 'tip-when', when),
  );
  return block;
}

function element(tag: string, name: string, text?: string): HTMLElement {
  const made = document.createElement(tag);
  if (name !== '') made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}
