import { z } from 'zod';

/** Tokens between dots; `*` stands for one, `>` at the end for one or more. */
const SUBJECT = /^(?:[^\s.*>]+|\*)(?:\.(?:[^\s.*>]+|\*))*(?:\.>)?$/;

/** A subject in a config. */
export function subject() {
  return z.string().refine((text) => text === '>' || SUBJECT.test(text), {
    error: ({ input }) => `${JSON.stringify(input)} is not a subject: names without spaces between dots, such as metrics.v1.shop; * stands for one name, > at the end for the rest`,
  });
}

/** Whether some subject matches both. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [one.split('.'), other.split('.')];
  for (let i = 0; ; i++) {
    const [x, y] = [a[i], b[i]];
    if (x === undefined || y === undefined) return x === y;
    if (x === '>' || y === '>') return true;
    if (x !== '*' && y !== '*' && x !== y) return false;
  }
}
