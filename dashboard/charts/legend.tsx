import type { Member } from './grouping.js';
import type { Shown } from './scene.js';

export interface LegendProps {
  readonly shown: readonly Shown[];
  readonly others: readonly Member[];
  readonly onHighlight: (key: string | undefined) => void;
  readonly onToggle: (key: string) => void;
  /** Where the newest value of a series is written, without rendering anything. */
  readonly valueRef: (key: string, element: HTMLElement | null) => void;
}

/** Names the lines, shows their newest values, and lists the series that are not drawn. */
export function Legend({ shown, others, onHighlight, onToggle, valueRef }: LegendProps) {
  return (
    <div class="legend">
      <ul role="list">
        {shown.map(({ series: { key }, label, colour }) => (
          <li key={key}>
            <button
              type="button"
              aria-pressed="true"
              title="Hide"
              onMouseEnter={() => onHighlight(key)}
              onMouseLeave={() => onHighlight(undefined)}
              onFocus={() => onHighlight(key)}
              onBlur={() => onHighlight(undefined)}
              onClick={() => onToggle(key)}
            >
              <i class={`swatch series-${colour + 1}`} />
              <span class="legend-label">{label}</span>
              <span class="numbers" ref={(element) => valueRef(key, element)} />
            </button>
          </li>
        ))}
      </ul>
      {others.length > 0 && (
        <details class="others">
          <summary>
            {others.length} not drawn
          </summary>
          <ul role="list">
            {others.map(({ series: { key }, label }) => (
              <li key={key}>
                <button type="button" aria-pressed="false" title="Show" onClick={() => onToggle(key)}>
                  <i class="swatch" />
                  <span class="legend-label">{label}</span>
                </button>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
