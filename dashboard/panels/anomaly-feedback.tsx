import type { Anomaly } from '../live/protocol.js';
import { learners, refused, say, sending, standing } from '../store/feedback.js';

/** What a person can say of an anomaly, and what was said; nothing where nobody would learn from it. */
export function AnomalyFeedback({ anomaly, subject }: { readonly anomaly: Anomaly; readonly subject: string }) {
  const { id, node } = anomaly;
  const said = standing.value.get(id);
  if (said === undefined && !learners.value.has(node)) return null;
  const busy = sending.value.has(id);
  const failure = refused.value.get(id);
  const button = (text: string, what: Parameters<typeof say>[1], label: string) => (
    <button type="button" class="plain" disabled={busy} aria-label={`${subject}: ${label}`} onClick={() => void say(id, what)}>
      {text}
    </button>
  );
  return (
    <div class="finding-feedback" role="group" aria-label={`Feedback on ${subject}`}>
      {said === undefined ? (
        <>
          {button('False alarm', 'false_positive', 'false alarm')}
          {button('Right', 'true_positive', 'right')}
        </>
      ) : (
        <>
          <span title={said.note === '' ? said.explanation : said.note}>
            {said.verdict === 'false_positive' ? 'False alarm' : 'Right'}, says {said.by}
          </span>
          {button('Undo', 'undo', 'undo')}
        </>
      )}
      {failure !== undefined && (
        <span class="finding-failure" role="alert">
          {failure}
        </span>
      )}
    </div>
  );
}
