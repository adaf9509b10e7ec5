import { tell, toneOf } from '../format/findings.js';
import type { Anomaly } from '../live/protocol.js';

/** More marks in one chart hide what they mark. */
const MOST_MARKS = 24;

export interface Mark {
  readonly anomaly: Anomaly;
  /** Pixels from the corner of the plotting area. */
  readonly x: number;
  readonly y: number;
}

export interface MarkHandlers {
  readonly enter: (anomaly: Anomaly, button: HTMLElement) => void;
  readonly leave: (button: HTMLElement) => void;
}

/** Buttons over a chart, one for each anomaly, so that pointer, keyboard and finger reach its explanation. */
export class Marks {
  private readonly host: HTMLElement;
  private readonly tipId: string;
  private readonly handlers: MarkHandlers;
  private readonly buttons = new Map<string, { readonly button: HTMLButtonElement; anomaly: Anomaly }>();

  constructor(host: HTMLElement, tipId: string, handlers: MarkHandlers) {
    this.host = host;
    this.tipId = tipId;
    this.handlers = handlers;
  }

  /** @param marks the most important first */
  place(marks: readonly Mark[], now: number): void {
    const kept = marks.slice(0, MOST_MARKS);
    const ids = new Set(kept.map(({ anomaly }) => anomaly.id));
    for (const [id, { button }] of this.buttons) {
      if (ids.has(id)) continue;
      button.remove();
      this.buttons.delete(id);
    }
    // In order of time, so that the tab key goes from left to right.
    for (const { anomaly, x, y } of kept.toSorted((a, b) => a.x - b.x)) {
      let entry = this.buttons.get(anomaly.id);
      if (entry === undefined) {
        entry = { button: this.make(anomaly.id), anomaly };
        this.buttons.set(anomaly.id, entry);
        this.host.append(entry.button);
        label(entry.button, anomaly, now);
      } else if (entry.anomaly !== anomaly) label(entry.button, anomaly, now);
      entry.anomaly = anomaly;
      entry.button.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    }
  }

  private make(id: string): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.setAttribute('aria-describedby', this.tipId);
    const enter = () => this.handlers.enter(this.buttons.get(id)!.anomaly, button);
    const leave = () => this.handlers.leave(button);
    button.addEventListener('focus', enter);
    button.addEventListener('mouseenter', enter);
    button.addEventListener('click', enter);
    button.addEventListener('blur', leave);
    button.addEventListener('mouseleave', leave);
    return button;
  }
}

function label(button: HTMLButtonElement, anomaly: Anomaly, now: number): void {
  const { subject, value, usual } = tell(anomaly, now);
  button.className = `mark ${toneOf(anomaly.severity)} ${anomaly.state === 'closed' ? 'over' : 'open'}`;
  button.dataset['anomaly'] = anomaly.id;
  button.setAttribute('aria-label', `${anomaly.severity} anomaly: ${subject} ${value}, usual ${usual}`);
}
