import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { anomaliesOf, past } from '../app.js';
import { now } from '../clock.js';
import { formatBand, tell, toneOf } from '../format/findings.js';
import { formatValue } from '../format/number.js';
import { rank } from '../store/finding-store.js';
import type { Series } from '../store/series-store.js';
import type { Group } from './grouping.js';
import { Legend } from './legend.js';
import { Plot } from './plot.js';
import type { Shown } from './scene.js';
import { chooseMembers, MOST_SERIES } from './selection.js';

/** One chart with its title, newest values, legend, and what is unusual in it now. */
export function ChartCard({ group }: { readonly group: Group }) {
  const id = useMemo(() => `chart-${group.key.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}`, [group.key]);
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | undefined>(undefined);
  const usual = useRef<HTMLParagraphElement>(null);
  const values = useRef(new Map<string, HTMLElement>());
  const colours = useRef(new Map<string, number>());
  const chosen = useSignal<ReadonlySet<string> | undefined>(undefined);

  const urgent = useComputed(() => new Set(group.members.flatMap(({ series: { key } }) => (anomaliesOf(key).some(({ state }) => state !== 'closed') ? [key] : []))));
  // Until a person chooses, what varies most is drawn; that is settled when the series are listed, so that lines do not come and go.
  const standard = useMemo(() => chooseMembers(group, urgent.value), [group, urgent.value.size]);
  const keys = chosen.value ?? standard;
  const shown = group.members.filter(({ series }) => keys.has(series.key)).map(({ series, band, label }): Shown => ({ series, band, label, colour: colourOf(colours.current, series.key, keys) }));
  const others = group.members.filter(({ series }) => !keys.has(series.key));
  const signature = shown.map(({ series, band, label }) => `${series.node} ${band?.node} ${series.key} ${label}`).join('\n');

  useEffect(() => {
    const made = new Plot(host.current!, {
      id,
      unit: group.unit,
      members: shown,
      anomaliesOf,
      trackOf: (series, range) => past.track(series, range),
      onValues: (numbers) => {
        for (const [i, { series, band }] of shown.entries()) {
          write(values.current.get(series.key), formatValue(numbers[i]!, group.unit));
          if (band !== undefined) write(usual.current ?? undefined, usualNow(band));
        }
      },
    });
    plot.current = made;
    return () => made.destroy();
  }, [signature, group.unit]);

  const toggle = (key: string) => {
    const next = new Set(keys);
    if (!next.delete(key)) next.add(key);
    // The one chosen the longest ago makes room.
    if (next.size > MOST_SERIES) next.delete(next.values().next().value!);
    if (next.size > 0) chosen.value = next;
  };
  const valueRef = (key: string, element: HTMLElement | null) => {
    if (element === null) values.current.delete(key);
    else values.current.set(key, element);
  };

  const alone = group.members.length === 1 ? group.members[0]! : undefined;
  return (
    <article class={`card ${urgent.value.size > 0 ? 'unusual' : ''}`} aria-labelledby={`${id}-title`}>
      <header>
        <h3 id={`${id}-title`} title={group.metrics.join(', ')}>
          {group.title}
        </h3>
        {alone !== undefined && <span class="now numbers" ref={(element) => valueRef(alone.series.key, element)} />}
      </header>
      {urgent.value.size > 0 ? <OpenAnomaly keys={[...urgent.value]} alone={alone !== undefined} /> : alone?.band !== undefined && <p class="usual-line numbers" ref={usual} />}
      <div class="plot" ref={host} tabIndex={0} role="group" aria-roledescription="chart" aria-label={`${group.title}. Left and right arrow keys read values; marks of anomalies follow by the tab key.`} />
      {alone === undefined && <Legend shown={shown} others={others} onHighlight={(key) => plot.current?.highlight(key)} onToggle={toggle} valueRef={valueRef} />}
    </article>
  );
}

/** What is unusual now, without having to point at it. */
function OpenAnomaly({ keys, alone }: { readonly keys: readonly string[]; readonly alone: boolean }) {
  const open = keys.flatMap((key) => anomaliesOf(key).filter(({ state }) => state !== 'closed')).toSorted((a, b) => rank(b.severity) - rank(a.severity));
  const first = open[0];
  if (first === undefined) return null;
  const { subject, value, usual, when } = tell(first, now.value);
  return (
    <p class={`unusual-line ${toneOf(first.severity)}`} title={first.explanation}>
      <b>{alone ? `${first.severity} anomaly: ${value}` : `${subject} ${value}`}</b>; usual {usual}; {when}
      {open.length > 1 && ` · and ${open.length - 1} more`}
    </p>
  );
}

/** Where its values are expected now. */
function usualNow({ live, lower, upper, metric }: Series): string {
  if (live.length === 0) return '';
  const [low, high] = [live.get(live.length - 1, lower), live.get(live.length - 1, upper)];
  return Number.isFinite(low) && Number.isFinite(high) ? `usual ${formatBand(low, high, metric)}` : '';
}

/** A series keeps its colour while it is drawn. */
function colourOf(colours: Map<string, number>, key: string, drawn: ReadonlySet<string>): number {
  for (const known of colours.keys()) if (!drawn.has(known)) colours.delete(known);
  const before = colours.get(key);
  if (before !== undefined) return before;
  const taken = new Set(colours.values());
  let colour = 0;
  while (taken.has(colour)) colour += 1;
  colours.set(key, colour % MOST_SERIES);
  return colour % MOST_SERIES;
}

function write(element: HTMLElement | undefined, text: string): void {
  if (element !== undefined && element.textContent !== text) element.textContent = text;
}
