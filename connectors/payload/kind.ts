import { asBuffer, textStart } from './decoding.js';
import { FRAME_TYPE, isFrame } from './frame.js';

/** Forms of a payload. */
export const PAYLOAD_KINDS = ['json', 'ndjson', 'influx', 'prometheus', 'openmetrics', 'frame'] as const;
export type PayloadKind = (typeof PAYLOAD_KINDS)[number];

/** Media types that tell the form. */
const MEDIA_TYPES: Readonly<Record<string, PayloadKind>> = {
  'application/json': 'json',
  'text/json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/x-jsonlines': 'ndjson',
  'text/x-influx-line-protocol': 'influx',
  'application/x-influx-line-protocol': 'influx',
  'application/vnd.influx.line-protocol': 'influx',
  'application/openmetrics-text': 'openmetrics',
  [FRAME_TYPE]: 'frame',
};

/** The media type of a form. */
export function mediaTypeOf(kind: PayloadKind): string {
  return kind === 'prometheus' ? 'text/plain; version=0.0.4' : Object.keys(MEDIA_TYPES).find((type) => MEDIA_TYPES[type] === kind)!;
}

/** Media types that clients send with anything: the bytes tell. */
const SILENT = ['text/plain', 'application/octet-stream', 'application/x-www-form-urlencoded'];

const [LINE_FEED, SPACE, OPEN_ARRAY, OPEN] = [10, 32, 91, 123];

/** Bytes looked at. */
const LOOKED_AT = 65_536;

/**
 * The form of a payload: by its Content-Type, else by its bytes; undefined where neither tells, and for a
 * Content-Type that is none of these. docs/payloads.md says what can be mistaken.
 */
export function payloadKind(contentType: string | undefined, payload: Uint8Array): PayloadKind | undefined {
  if (contentType === undefined || contentType === '') return kindByBytes(payload);
  const [media = '', ...parameters] = contentType.toLowerCase().split(';').map((part) => part.trim());
  const told = MEDIA_TYPES[media];
  if (told !== undefined) return told;
  if (media === 'text/plain' && parameters.some((parameter) => /^version="?0\.0\.4"?$/.test(parameter))) return 'prometheus';
  return SILENT.includes(media) ? kindByBytes(payload) : undefined;
}

function kindByBytes(payload: Uint8Array): PayloadKind | undefined {
  if (isFrame(payload)) return 'frame';
  const bytes = asBuffer(payload);
  let at = textStart(bytes);
  while (at < bytes.length && bytes[at]! <= SPACE) at += 1;
  if (at === bytes.length) return undefined;
  if (bytes[at] === OPEN_ARRAY) return 'json';
  if (bytes[at] === OPEN) return hasFurtherObject(bytes, at) ? 'ndjson' : 'json';
  return textKind(bytes, at);
}

/** Whether a line after the first begins with `{`, which no object does that is written the usual ways. */
function hasFurtherObject(bytes: Buffer, from: number): boolean {
  for (let at = bytes.indexOf(LINE_FEED, from); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) if (bytes[at + 1] === OPEN) return true;
  return false;
}

/**
 * Line protocol or an exposition, by the first line that is no plain comment: `# HELP`, `# TYPE`, `# UNIT` and `# EOF`
 * are of an exposition, and so is a name with `{` or with a number after it; OpenMetrics ends with `# EOF`.
 */
function textKind(bytes: Buffer, from: number): PayloadKind | undefined {
  const end = Math.min(bytes.length, from + LOOKED_AT);
  for (let at = from, next: number; at < end; at = next + 1) {
    const feed = bytes.indexOf(LINE_FEED, at);
    next = feed < 0 ? end : Math.min(feed, end);
    const trimmed = bytes.toString('latin1', at, next).trim();
    if (trimmed === '') continue;
    if (trimmed.startsWith('#')) {
      if (/^#[ \t]+(?:(?:HELP|TYPE|UNIT)[ \t]|EOF$)/.test(trimmed)) return exposition(bytes);
      continue;
    }
    // A name, then labels; or a name, then something without an equals sign.
    if (/^[^\s,{=\\]+[ \t]*(?:\{|[ \t][^\s=]+(?:\s|$))/.test(trimmed)) return exposition(bytes);
    return trimmed.includes('=') ? 'influx' : undefined;
  }
  return undefined;
}

function exposition(bytes: Buffer): PayloadKind {
  return /(?:^|\n)# EOF\s*$/.test(bytes.toString('latin1', Math.max(0, bytes.length - 16))) ? 'openmetrics' : 'prometheus';
}
