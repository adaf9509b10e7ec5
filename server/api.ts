import type { Logger } from 'pino';
import type { Clock } from '../engine/clock.js';
import { addDeadLetterRoutes } from './dead-letter-routes.js';
import { addFeedbackRoutes } from './feedback-routes.js';
import { addFindingRoutes } from './finding-routes.js';
import { addHealthRoutes } from './health-routes.js';
import { addHistoryRoutes } from './history-routes.js';
import { openApiDocument } from './openapi.js';
import { addOutlookRoutes } from './outlook-routes.js';
import type { ProcessMetrics } from './process-metrics.js';
import { Reader } from './reader.js';
import type { Router } from './router.js';
import type { RuntimeView } from './runtime-view.js';

export interface ApiOptions {
  /** The running graph; undefined while there is none. */
  readonly current: () => RuntimeView | undefined;
  readonly processMetrics: ProcessMetrics;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** All routes of the API; those that take samples are the connectors'. */
export function addApi(router: Router, { current, processMetrics, version, clock, log }: ApiOptions): void {
  const reader = new Reader(current, clock, log);
  addHealthRoutes(router, reader, current, processMetrics, version);
  addFindingRoutes(router, reader);
  addFeedbackRoutes(router, reader);
  addOutlookRoutes(router, reader);
  addHistoryRoutes(router, reader);
  addDeadLetterRoutes(router, reader);
  router.route('GET', '/api/openapi.json', () => ({ status: 200, body: openApiDocument(router, version) }));
}
