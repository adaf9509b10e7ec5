import type { AnyOperator } from '../engine/operator.js';
import density from './density/definition.js';
import detect from './detect/definition.js';
import isolationForest from './isolation-forest/definition.js';
import discord from './discord/definition.js';
import forecast from './forecast/definition.js';
import select from './select/definition.js';
import peers from './peers/definition.js';
import presence from './presence/definition.js';
import rate from './rate/definition.js';
import shifts from './shifts/definition.js';
import window from './window/definition.js';
import burnRate from './burn-rate/definition.js';
import correlate from './correlate/definition.js';

/** Every operator, by its one line. */
export const operators: readonly AnyOperator[] = [burnRate, correlate, density, detect, discord, forecast, isolationForest, peers, presence, rate, select, shifts, window];
