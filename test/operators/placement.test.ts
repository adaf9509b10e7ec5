import fc from 'fast-check';
import t from 'tap';
import type { AnyOperator, Example } from '../../engine/operator.js';
import { operators } from '../../operators/list.js';
import { messagesLike } from '../kit/cases.js';
import type { Subject } from '../kit/engine.js';
import { differs, expected, interleaved, modes, outcome } from '../kit/modes.js';
import { parseMessages } from '../kit/text.js';

const INTERLEAVINGS = 80;
const RANDOM_CASES = 5;
const RANDOM_LENGTH = 40;

function subjectOf(definition: AnyOperator, example: Example): Subject {
  return { definition, config: definition.config.parse(example.config), messages: parseMessages(example.input) };
}

for (const definition of operators) {
  await t.test(definition.name, async (t) => {
    for (const example of definition.examples) {
      const subject = subjectOf(definition, example);
      for (const mode of modes) t.strictSame(outcome(mode, subject), expected(subject), `${example.title}: ${mode.name}`);
    }

    const share = Math.ceil(INTERLEAVINGS / definition.examples.length);
    for (const [n, example] of definition.examples.entries()) {
      const subject = subjectOf(definition, example);
      const seeds = Array.from({ length: share }, (_, i) => interleaved(n * share + i));
      t.equal(differs(subject, seeds), undefined, `${example.title}: ${share} random interleavings`);
    }

    for (const example of definition.examples) {
      const { config } = subjectOf(definition, example);
      t.doesNotThrow(
        () =>
          fc.assert(
            fc.property(messagesLike(example, RANDOM_LENGTH), fc.nat(), (messages, seed) => {
              const different = differs({ definition, config, messages }, [...modes, interleaved(seed)]);
              if (different !== undefined) throw new Error(JSON.stringify(different, undefined, 1));
            }),
            { numRuns: RANDOM_CASES, includeErrorInReport: true },
          ),
        `${example.title}: random messages like it`,
      );
    }
  });
}
