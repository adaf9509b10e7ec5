/** What correlation needs to know of a finding. */
export interface Observation {
  readonly id: string;
  /** What it is about, and who says so: another finding with the same key is the same trouble again. */
  readonly key: string;
  readonly kind: string;
  readonly state: 'opened' | 'grew' | 'closed';
  /** ms */
  readonly time: number;
  /** Higher is worse. */
  readonly severity: number;
  readonly explanation: string;
  /** Label values by which it belongs with others; never empty. */
  readonly labels: Readonly<Record<string, string>>;
  /** Others may join for as long as it is open, and not only for a while after it opened. */
  readonly holds: boolean;
}

/** Findings that belong together. Plain data. */
export interface Alert {
  /** Label values of the finding that opened it, which all joined later share at least one of. */
  readonly origin: Readonly<Record<string, string>>;
  /** Label values that all its findings share. */
  labels: Readonly<Record<string, string>>;
  readonly openedAt: number;
  /** Of its last revision. */
  time: number;
  revision: number;
  severity: number;
  /** Explanation of the most severe finding. */
  worst: string;
  /** Ids of its findings, oldest first, the first MAX_LISTED. */
  readonly members: string[];
  count: number;
  readonly kinds: Record<string, number>;
  suppressed: number;
  lastOpened: number;
  lastClosed: number;
  /** Findings by key, open or closed not long ago. */
  readonly tracked: Record<string, Tracked>;
  /** Of the tracked, how many are open, and how many of those hold it open for others to join. */
  open: number;
  holding: number;
}

interface Tracked {
  id: string;
  open: boolean;
  readonly holds: boolean;
  /** When it was heard of last. */
  seen: number;
}

export interface Settings {
  /** ms */
  readonly window: number;
  readonly duplicates: number;
  readonly minSeverity: number;
  readonly maxAlerts: number;
}

export type Emit = (state: 'opened' | 'grew' | 'closed', alert: Alert) => void;

/** Ids listed in an alert; more are counted: no person reads on, and each revision carries the list. */
const MAX_LISTED = 100;

/** Findings waited for in all alerts together, about 200 bytes each; more are counted and not waited for. */
const MAX_TRACKED = 20_000;

/** Groups findings into alerts. Give it findings by time; what it does depends on them and on nothing else. */
export class Alerts {
  /** In order of opening, with its place in it. */
  readonly #open = new Map<Alert, number>();
  #opened = 0;
  /** The alert that tracks a key. */
  readonly #byKey = new Map<string, Alert>();
  /** Those open by each label value of their origin, in order of opening: what they share now is among them. */
  readonly #byLabel = new Map<string, Set<Alert>>();
  #overflow: Alert | undefined;
  /** No alert closes before; it may be earlier than the truth, never later. */
  #due = Infinity;

  constructor(
    readonly settings: Settings,
    readonly emit: Emit,
  ) {}

  /** When to look again for alerts that close, if nothing else happens; Infinity: none does. */
  get due(): number {
    return this.#due;
  }

  /** Closes the alerts that are due by then. */
  settle(time: number): void {
    if (time < this.#due) return;
    const due: Alert[] = [];
    this.#due = Infinity;
    for (const alert of this.#open.keys()) {
      const at = this.#closesAt(alert);
      if (at <= time) due.push(alert);
      else this.#due = Math.min(this.#due, at);
    }
    for (const alert of due.sort((a, b) => this.#closesAt(a) - this.#closesAt(b))) {
      this.#forget(alert);
      this.#revise(alert, 'closed', this.#closesAt(alert));
    }
  }

  observe(observation: Observation): void {
    const { id, key, state, time, severity } = observation;
    this.settle(time);
    const alert = this.#byKey.get(key);
    const known = alert?.tracked[key];
    if (state === 'closed') {
      if (known?.id !== id || !known.open) return;
      mark(alert!, known, false, time);
      alert!.lastClosed = Math.max(alert!.lastClosed, time);
      this.#expect(alert!);
      return;
    }
    if (severity < this.settings.minSeverity) return;
    if (known === undefined) {
      this.#add(observation);
    } else if (known.open && known.id === id) {
      known.seen = time;
      this.#worsen(alert!, observation);
    } else if (known.open || time - known.seen <= this.settings.duplicates) {
      alert!.suppressed += 1;
      known.id = id;
      mark(alert!, known, true, time);
      this.#worsen(alert!, observation);
    } else {
      delete alert!.tracked[key];
      this.#byKey.delete(key);
      this.#add(observation);
    }
  }

  #worsen(alert: Alert, { severity, explanation, time }: Observation): void {
    if (severity <= alert.severity) return;
    alert.severity = severity;
    alert.worst = explanation;
    this.#revise(alert, 'grew', time);
  }

  #add(observation: Observation): void {
    const { id, key, kind, holds, time, severity, explanation, labels } = observation;
    // Past the bound only openings count: a finding that is not tracked would be counted again as it grows.
    const isTracked = this.#byKey.size < MAX_TRACKED;
    if (!isTracked && observation.state !== 'opened') return;
    const { alert, isNew } = this.#alertFor(labels, time);
    if (isTracked) {
      const tracked = { id, open: false, holds, seen: time };
      alert.tracked[key] = tracked;
      mark(alert, tracked, true, time);
      this.#byKey.set(key, alert);
    }
    alert.labels = shared(alert.labels, labels);
    alert.count += 1;
    alert.kinds[kind] = (alert.kinds[kind] ?? 0) + 1;
    if (alert.members.length < MAX_LISTED) alert.members.push(id);
    alert.lastOpened = Math.max(alert.lastOpened, time);
    this.#expect(alert);
    const isWorse = severity > alert.severity;
    if (isWorse) {
      alert.severity = severity;
      alert.worst = explanation;
    }
    // In a storm people are told of a doubling, not of each.
    const isDoubled = (alert.count & (alert.count - 1)) === 0;
    if (isWorse || isDoubled || alert.count <= MAX_LISTED) this.#revise(alert, isNew ? 'opened' : 'grew', time);
  }

  /** The open alert with the most label values in common, the oldest of several; else a new one. */
  #alertFor(labels: Observation['labels'], time: number): { alert: Alert; isNew: boolean } {
    let best: Alert | undefined;
    let most = 0;
    for (const [label, value] of Object.entries(labels)) {
      for (const alert of this.#byLabel.get(labelKey(label, value)) ?? []) {
        const common = Object.keys(shared(alert.labels, labels)).length;
        const isBetter = common > most || (common === most && best !== undefined && this.#open.get(alert)! < this.#open.get(best)!);
        if (isBetter && common > 0 && this.#overlaps(alert, time)) {
          best = alert;
          most = common;
        }
      }
    }
    if (best !== undefined) return { alert: best, isNew: false };
    const isFull = this.#open.size - Number(this.#overflow !== undefined) >= this.settings.maxAlerts;
    if (isFull && this.#overflow !== undefined) return { alert: this.#overflow, isNew: false };
    const origin = isFull ? {} : labels;
    const alert: Alert = {
      origin,
      labels: origin,
      openedAt: time,
      time,
      revision: 0,
      severity: -1,
      worst: '',
      members: [],
      count: 0,
      kinds: {},
      suppressed: 0,
      lastOpened: time,
      lastClosed: time,
      tracked: {},
      open: 0,
      holding: 0,
    };
    this.#enter(alert);
    return { alert, isNew: true };
  }

  #enter(alert: Alert): void {
    this.#open.set(alert, this.#opened++);
    if (isOverflow(alert.origin)) this.#overflow = alert;
    for (const [label, value] of Object.entries(alert.origin)) {
      const key = labelKey(label, value);
      const alerts = this.#byLabel.get(key) ?? new Set();
      this.#byLabel.set(key, alerts.add(alert));
    }
  }

  #forget(alert: Alert): void {
    this.#open.delete(alert);
    if (this.#overflow === alert) this.#overflow = undefined;
    for (const key of Object.keys(alert.tracked)) this.#byKey.delete(key);
    for (const [label, value] of Object.entries(alert.origin)) {
      const key = labelKey(label, value);
      const alerts = this.#byLabel.get(key)!;
      alerts.delete(alert);
      if (alerts.size === 0) this.#byLabel.delete(key);
    }
  }

  /** It may close earlier than all others. */
  #expect(alert: Alert): void {
    this.#due = Math.min(this.#due, this.#closesAt(alert));
  }

  /** Whether a finding that opens now belongs to the same time as the alert. */
  #overlaps(alert: Alert, time: number): boolean {
    const { window } = this.settings;
    if (time < alert.openedAt - window) return false;
    return time <= alert.lastOpened + window || alert.holding > 0;
  }

  /** Once nothing of it is open: when none of its findings can come again as a duplicate and none can join any more. */
  #closesAt(alert: Alert): number {
    if (alert.open > 0) return Infinity;
    return Math.max(alert.lastClosed + this.settings.duplicates, alert.lastOpened + this.settings.window);
  }

  #revise(alert: Alert, state: 'opened' | 'grew' | 'closed', time: number): void {
    alert.revision += 1;
    alert.time = Math.max(alert.time, time);
    this.emit(state, alert);
  }

  /** All of its state as JSON; undefined when there is none. */
  save(): string | undefined {
    return this.#open.size === 0 ? undefined : JSON.stringify([...this.#open.keys()]);
  }

  restore(saved: string): void {
    this.#open.clear();
    this.#byKey.clear();
    this.#byLabel.clear();
    this.#overflow = undefined;
    this.#due = Infinity;
    for (const alert of JSON.parse(saved) as Alert[]) {
      this.#enter(alert);
      for (const key of Object.keys(alert.tracked)) this.#byKey.set(key, alert);
      this.#expect(alert);
    }
  }
}

const labelKey = (label: string, value: string): string => `${label}\0${value}`;

/** The alert that takes what finds no room has no labels. */
export function isOverflow(origin: Alert['origin']): boolean {
  return Object.keys(origin).length === 0;
}

function mark(alert: Alert, tracked: Tracked, open: boolean, time: number): void {
  const change = Number(open) - Number(tracked.open);
  alert.open += change;
  if (tracked.holds) alert.holding += change;
  tracked.open = open;
  tracked.seen = time;
}

function shared(a: Alert['labels'], b: Alert['labels']): Record<string, string> {
  const common: Record<string, string> = {};
  for (const label of Object.keys(a)) if (Object.hasOwn(b, label) && a[label] === b[label]) common[label] = a[label]!;
  return common;
}
