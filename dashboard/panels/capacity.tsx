import { forecasts } from '../app.js';
import { now } from '../clock.js';
import { seriesTitle } from '../format/names.js';
import { formatValue } from '../format/number.js';
import { dayName, formatLength, formatMoment } from '../format/time.js';
import { isShareOfWhole, unitOf } from '../format/units.js';
import type { Action, Forecast } from '../live/protocol.js';
import { ForecastSketch } from './forecast-sketch.js';
import { Lesson } from './lesson.js';
import { Panel } from './panel.js';

/** The most urgent first. */
const actions: Readonly<Record<Action, { readonly word: string; readonly tone: string; readonly order: number }>> = {
  immediate_scale_up_required: { word: 'Scale up now', tone: 'serious', order: 0 },
  plan_scale_up: { word: 'Plan to scale up', tone: 'notable', order: 1 },
  monitor_closely: { word: 'Watch closely', tone: 'notable', order: 2 },
  consider_scale_down: { word: 'Could scale down', tone: 'slight', order: 3 },
  maintain_current_capacity: { word: 'Enough', tone: 'calm', order: 4 },
};

/** Where the trends lead, and when limits are passed. */
export function Capacity() {
  const all = forecasts.open.value.toSorted((a, b) => actions[a.recommended_action].order - actions[b.recommended_action].order || (a.series < b.series ? -1 : 1));
  return (
    <Panel id="capacity" title="Capacity">
      {all.length === 0 && <Lesson>No forecast yet. A forecast needs some history of a series first; it then shows where its trend leads and when a limit is passed.</Lesson>}
      <ul class="forecasts" role="list">
        {all.map((forecast) => (
          <ForecastItem key={forecast.id} forecast={forecast} />
        ))}
      </ul>
    </Panel>
  );
}

function ForecastItem({ forecast }: { readonly forecast: Forecast }) {
  const { metric_name, labels, current_value, predicted_value, lower_95, upper_95, horizon_ms, recommended_action } = forecast;
  const unit = unitOf(metric_name);
  const { word, tone } = actions[recommended_action];
  // A trend knows no limits; a share does.
  const whole = isShareOfWhole(metric_name);
  const within = (value: number) => (whole ? Math.max(0, Math.min(100, value)) : value);
  return (
    <li class="forecast" title={forecast.explanation}>
      <p class="budget-head">
        <strong>{seriesTitle(metric_name, labels, ['host'])}</strong>
        <span class={`tag ${tone}`}>{word}</span>
      </p>
      <div class="forecast-body">
        <ForecastSketch forecast={forecast} />
        <dl class="numbers">
          <div>
            <dt>Now</dt>
            <dd>{formatValue(current_value, unit)}</dd>
          </div>
          <div>
            <dt>In {formatLength(horizon_ms)}</dt>
            <dd>{whole && predicted_value > 100 ? 'full' : formatValue(predicted_value, unit)}</dd>
          </div>
          <div class="wide">
            <dt>95 % sure between</dt>
            <dd>
              {formatValue(within(lower_95), unit)} and {formatValue(within(upper_95), unit)}
            </dd>
          </div>
        </dl>
      </div>
      <Breach forecast={forecast} />
    </li>
  );
}

function Breach({ forecast }: { readonly forecast: Forecast }) {
  const critical = forecast.critical_breach_date;
  const at = critical ?? forecast.warning_breach_date;
  if (at === undefined) return null;
  const time = Date.parse(at);
  const left = time - now.value;
  const limit = critical === undefined ? 'warning limit' : 'critical limit';
  return (
    <p class="breach">
      {left <= 0 ? (
        `Is past its ${limit}.`
      ) : (
        <>
          Passes its {limit} in <b>{formatLength(left)}</b>, {left < 86_400_000 ? formatMoment(time, now.value) : dayName(time, now.value)}.
        </>
      )}
    </p>
  );
}
