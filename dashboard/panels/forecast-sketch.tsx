import type { Forecast } from '../live/protocol.js';

const WIDTH = 96;
const HEIGHT = 40;
const NOW = 14;

/** From now to the horizon: the dashed line of the prediction within its 80 and 95 % intervals. Its numbers stand beside it. */
export function ForecastSketch({ forecast }: { readonly forecast: Forecast }) {
  const { current_value: current, predicted_value: predicted, lower_80, upper_80, lower_95, upper_95 } = forecast;
  const low = Math.min(current, lower_95);
  const high = Math.max(current, upper_95);
  const span = high - low || 1;
  const y = (value: number) => (4 + (HEIGHT - 8) * (high === low ? 0.5 : (high - value) / span)).toFixed(1);
  const fan = (lower: number, upper: number) => `M${NOW} ${y(current)}L${WIDTH} ${y(upper)}V${y(lower)}Z`;
  return (
    <svg class="sketch" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true" focusable="false">
      <path class="outer" d={fan(lower_95, upper_95)} />
      <path class="inner" d={fan(lower_80, upper_80)} />
      <path class="level" d={`M0 ${y(current)}H${NOW}`} />
      <path class="dashed" d={`M${NOW} ${y(current)}L${WIDTH} ${y(predicted)}`} />
      <circle cx={NOW} cy={y(current)} r="2.5" />
    </svg>
  );
}
