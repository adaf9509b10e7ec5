import { toneOf } from '../format/findings.js';
import type { Severity } from '../live/protocol.js';

export function SeverityTag({ severity }: { readonly severity: Severity }) {
  return <span class={`tag ${toneOf(severity)}`}>{severity}</span>;
}
