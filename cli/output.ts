import { styleText } from 'node:util';
import { formatDiagnostic, type Diagnostic, type Paint } from '../config/diagnostic.js';

type Stream = NodeJS.WriteStream;
type Style = Parameters<typeof styleText>[0];

/** Marks up text for a terminal; leaves it as it is elsewhere, and where NO_COLOR is set. */
export function styled(stream: Stream, style: Style, text: string): string {
  return stream.isTTY && process.env['NO_COLOR'] === undefined ? styleText(style, text) : text;
}

export function paintFor(stream: Stream): Paint {
  return {
    severity: (text, severity) => styled(stream, severity === 'error' ? ['bold', 'red'] : ['bold', 'yellow'], text),
    faint: (text) => styled(stream, 'dim', text),
  };
}

export function writeDiagnostics(stream: Stream, diagnostics: readonly Diagnostic[]): void {
  const paint = paintFor(stream);
  for (const diagnostic of diagnostics) stream.write(`${formatDiagnostic(diagnostic, paint)}\n\n`);
}

/** A diagnostic for programs. */
export function plainDiagnostic({ severity, place, message, suggestion }: Diagnostic): object {
  return { severity, file: place.file, line: place.line, column: place.column, length: place.length, message, ...(suggestion === undefined ? {} : { suggestion }) };
}

export function writeJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** `3 errors`, `1 warning`. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
}
