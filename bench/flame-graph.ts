/** What a CPU profile of V8 is made of (Profiler.Profile of the inspector's protocol). */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** The node that was on top, at each sample. */
  readonly samples?: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas?: readonly number[];
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** A function as called from its parents, over all threads that are merged. */
export interface Frame {
  readonly name: string;
  /** Address of the module; empty for what is not of a file. */
  readonly url: string;
  /** From 1. */
  readonly line: number;
  /** Microseconds in the function itself. */
  self: number;
  /** With what it called. */
  total: number;
  readonly children: Map<string, Frame>;
}

export const frame = (name: string, url = '', line = 0): Frame => ({ name, url, line, self: 0, total: 0, children: new Map() });

/** The tree of calls of a thread's profiles, recursion and all; `waits` says of which frames the time is not told, as nothing was done in them. */
export function callTree(name: string, profiles: readonly CpuProfile[], waits: (node: ProfileNode) => boolean): Frame {
  const root = frame(name);
  for (const profile of profiles) addCalls(root, profile, waits);
  addUp(root);
  return root;
}

function addCalls(root: Frame, profile: CpuProfile, waits: (node: ProfileNode) => boolean): void {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const self = new Map<number, number>();
  for (const [i, id] of (profile.samples ?? []).entries()) self.set(id, (self.get(id) ?? 0) + Math.max(0, profile.timeDeltas?.[i] ?? 0));

  const open: (readonly [ProfileNode, Frame])[] = [[profile.nodes[0]!, root]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, at] = next;
    if (!waits(node)) at.self += self.get(node.id) ?? 0;
    for (const id of node.children ?? []) {
      const child = nodes.get(id)!;
      const { functionName, url, lineNumber } = child.callFrame;
      const key = `${functionName} ${url} ${lineNumber}`;
      let into = at.children.get(key);
      if (into === undefined) at.children.set(key, (into = frame(functionName === '' ? '(anonymous)' : functionName, url, lineNumber + 1)));
      open.push([child, into]);
    }
  }
}

/** Stacks are as deep as V8 records them: a few hundred. */
function addUp(at: Frame): void {
  at.total = at.self;
  for (const child of at.children.values()) {
    addUp(child);
    at.total += child.total;
  }
}

/** What a frame is a part of, by which it is coloured. */
export interface Kind {
  readonly name: string;
  readonly colour: string;
  /** Of such frames below each other, only so many are drawn: a module that loads a module, and so on. */
  readonly rows?: number;
}

const WIDTH = 1_400;
const ROW = 18;
const MARGIN = 12;
const HEAD = 64;
/** Narrower ones can be neither seen nor pointed at. */
const LEAST_WIDTH = 0.4;
const LETTER = 6.6;

/** An SVG in which width is time and callers are above what they call; pointing at a frame tells it in full. */
export function flameGraph(title: string, threads: readonly Frame[], kindOf: (frame: Frame) => Kind): string {
  const all = threads.reduce((sum, thread) => sum + thread.total, 0);
  const scale = all === 0 ? 0 : (WIDTH - 2 * MARGIN) / all;
  const rows: string[] = [];
  const kinds = new Map<string, Kind>();
  let depth = 0;

  const draw = (at: Frame, x: number, row: number, above?: Kind, alike = 0): void => {
    const width = at.total * scale;
    const kind = kindOf(at);
    const below = kind === above ? alike + 1 : 1;
    if (width < LEAST_WIDTH || below > (kind.rows ?? Infinity)) return;
    depth = Math.max(depth, row);
    kinds.set(kind.name, kind);
    const y = HEAD + row * ROW;
    const told = `${at.name}${at.url === '' ? '' : ` ${at.url}:${at.line}`}\n${kind.name}; ${ms(at.total)} (${percent(at.total, all)}), itself ${ms(at.self)} (${percent(at.self, all)})`;
    const letters = Math.floor((width - 6) / LETTER);
    const text = at.name.length <= letters ? at.name : letters > 3 ? `${at.name.slice(0, letters - 1)}…` : '';
    rows.push(
      `<g><title>${escape(told)}</title><rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" rx="1.5" fill="${kind.colour}"/>` +
        `${text === '' ? '' : `<text x="${(x + 3).toFixed(1)}" y="${y + 13}">${escape(text)}</text>`}</g>`,
    );
    let next = x;
    for (const child of [...at.children.values()].toSorted((a, b) => b.total - a.total)) {
      draw(child, next, row + 1, kind, below);
      next += child.total * scale;
    }
  };
  let x = MARGIN;
  for (const thread of threads) {
    draw(thread, x, 0);
    x += thread.total * scale;
  }

  let place = MARGIN;
  const legend = [...kinds.values()].map(({ name, colour }) => {
    const item = `<rect x="${place}" y="36" width="12" height="12" rx="2" fill="${colour}"/><text x="${place + 17}" y="46">${escape(name)}</text>`;
    place += 34 + name.length * LETTER;
    return item;
  });
  const height = HEAD + (depth + 1) * ROW + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="ui-monospace, monospace" font-size="11">`,
    '<style>g:hover rect { stroke: #000; } text { fill: #0f172a; pointer-events: none; }</style>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN}" y="24" font-size="15" font-family="system-ui, sans-serif">${escape(title)}</text>`,
    ...legend,
    ...rows,
    '</svg>\n',
  ].join('\n');
}

const ms = (microseconds: number): string => `${(microseconds / 1000).toFixed(1)} ms`;
const percent = (part: number, all: number): string => `${((100 * part) / (all || 1)).toFixed(1)} %`;
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
