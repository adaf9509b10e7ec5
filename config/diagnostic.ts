/** A stretch of one line of a text. */
export interface Place {
  /** As the user named it, or `environment`. */
  readonly file: string;
  /** From 1; 0: the file as a whole. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  readonly length: number;
  /** The whole line. */
  readonly text: string;
}

/** What is wrong at a place, and what may have been meant. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly place: Place;
  readonly message: string;
  readonly suggestion?: string;
}

/** A config that can't be run; `message` has all diagnostics as text. */
export class ConfigError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((diagnostic) => formatDiagnostic(diagnostic)).join('\n\n'));
    this.name = 'ConfigError';
    this.diagnostics = diagnostics;
  }
}

/** How parts are marked in a terminal. */
export interface Paint {
  severity(text: string, severity: Diagnostic['severity']): string;
  faint(text: string): string;
}
const PLAIN: Paint = { severity: (text) => text, faint: (text) => text };

/** Characters of a long line that are shown. */
const SHOWN = 140;

/**
 * `FILE:LINE:COLUMN: error: MESSAGE`, then the line, and under it a caret below the place with what may
 * have been meant.
 */
export function formatDiagnostic({ severity, place, message, suggestion: hint }: Diagnostic, paint: Paint = PLAIN): string {
  const suggestion = hint === undefined ? undefined : printable(hint);
  const { file, line, column, length, text } = place;
  // The file as a whole.
  if (line === 0) return `${file}: ${paint.severity(severity, severity)}: ${printable(message)}${suggestion === undefined ? '' : `: ${suggestion}`}`;
  // Of a very long line the part around the place.
  const from = column - 1 > SHOWN - 20 ? column - 1 - SHOWN / 2 : 0;
  const shown = text.slice(from, from + SHOWN);
  const before = shown.slice(0, column - 1 - from);
  const pad = before.replaceAll(/[^\t]/g, ' ');
  const carets = '^'.repeat(Math.max(1, Math.min(length, shown.length - before.length)));
  const number = String(line).padStart(5);
  const marked = `${paint.severity(carets, severity)}${suggestion === undefined ? '' : ` ${suggestion}`}`;
  return [
    `${file}:${line}:${column}: ${paint.severity(severity, severity)}: ${printable(message)}`,
    `${paint.faint(`${number} | `)}${printable(shown)}`,
    `${paint.faint(`${' '.repeat(5)} | `)}${pad}${marked}`,
  ].join('\n');
}

/** Control characters would move the cursor of a terminal; each is shown by one character, so that carets stay in place. */
function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\u00b7');
}

/** By position, the main file first; what is told twice is told once. */
export function inOrder(diagnostics: readonly Diagnostic[], main: string): Diagnostic[] {
  const files = [...new Set([main, ...diagnostics.map((d) => d.place.file)])];
  const seen = new Set<string>();
  return diagnostics
    .filter(({ place, message }) => {
      const key = JSON.stringify([place.file, place.line, place.column, message]);
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => files.indexOf(a.place.file) - files.indexOf(b.place.file) || a.place.line - b.place.line || a.place.column - b.place.column);
}
