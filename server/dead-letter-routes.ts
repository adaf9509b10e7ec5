import type { z } from 'zod';
import type { Resubmission } from '../engine/resubmission-file.js';
import { NotResubmitted } from '../engine/resubmissions.js';
import { HttpError, type Routes } from '../engine/routes.js';
import { addEndpoint } from './endpoint.js';
import { iso, type Reader } from './reader.js';
import { deadLettersBody, deadLettersQuery, resubmittedBody } from './schemas.js';

const REFUSALS: Readonly<Record<NotResubmitted['why'], readonly [status: number, title: string]>> = {
  unknown: [404, 'Not Found'],
  taken: [409, 'Taken already'],
  'under way': [409, 'Under way'],
  cut: [422, 'Payload not whole'],
  refused: [422, 'Refused again'],
};

/** Input that was refused: to look at, and to send in again. */
export function addDeadLetterRoutes(routes: Routes, reader: Reader): void {
  addEndpoint(routes, {
    path: '/api/dead-letters',
    summary: 'Input that was refused, newest first',
    query: deadLettersQuery,
    body: deadLettersBody,
    answer: async ({ limit, before, node, reason, resubmitted }) => {
      const letters = await reader.view.deadLetters({
        limit,
        ...(before !== undefined && { before }),
        ...(node !== undefined && { node }),
        ...(reason !== undefined && { reason }),
        ...(resubmitted !== undefined && { resubmitted }),
      });
      return { dead_letters: letters.map(({ resubmission, ...letter }) => ({ ...letter, at: iso(letter.at), ...(resubmission !== undefined && { resubmission: told(resubmission) }) })) };
    },
  });

  routes.route(
    'POST',
    '/api/dead-letters/:id/resubmit',
    async (request) => {
      const number = request.params['id']!;
      if (!/^\d{1,15}$/.test(number)) throw new HttpError(404, 'Not Found', `${number} is not the number of a dead letter.`);
      const id = Number(number);
      const edited = await request.body();
      try {
        const resubmission = await reader.view.resubmit(id, edited.length === 0 ? undefined : edited);
        return { status: 200, body: { id, resubmission: told(resubmission) } };
      } catch (error) {
        if (!(error instanceof NotResubmitted)) throw error;
        // Its connector can't take anything now.
        if (error.cause instanceof HttpError) throw error.cause;
        throw new HttpError(...REFUSALS[error.why], `${error.message}.`);
      }
    },
    { description: { summary: 'Gives a dead letter, or the payload in the body in its place, to the source or sink that refused it; 409 when it was taken before, 422 when it is refused again', answer: resubmittedBody } },
  );
}

function told({ state, at, reason }: Resubmission): z.input<typeof resubmittedBody>['resubmission'] {
  return { state, at: iso(at), ...(reason !== undefined && { reason }) };
}
