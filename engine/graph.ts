import type { AnySink, AnySource } from './connector.js';
import type { AnyOperator } from './operator.js';

/** A graph as plain data: exactly what the config says. */
export interface GraphSpec {
  readonly sources: readonly NodeSpec[];
  readonly operators: readonly NodeSpec[];
  readonly sinks: readonly NodeSpec[];
  readonly partitions: number;
  /** Bound on series at the directory. */
  readonly maxSeries: number;
  readonly seed: number;
}

export interface NodeSpec {
  readonly name: string;
  readonly type: string;
  /** Names of nodes, or `name.late` for a node's late rows; empty for a source. */
  readonly from: readonly string[];
  /** Of a source: those that must have ended before it is read. */
  readonly after?: readonly string[];
  /** Parsed by the component's schema: plain data. */
  readonly config: unknown;
}

/** The components that a graph may name. */
export interface Registry {
  readonly operators: readonly AnyOperator[];
  readonly sources: readonly AnySource[];
  readonly sinks: readonly AnySink[];
}

/** Something wrong with a graph: `path` leads into the config. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** What may have been meant: names to look for the nearest among. */
  readonly candidates?: readonly string[];
  /** Parses, but can't be meant; the graph runs all the same. */
  readonly warning?: boolean;
}

export type Outlet = 'rows' | 'late';

/** A reference in `from`, taken apart. */
export function reference(text: string): { node: string; outlet: Outlet } {
  return text.endsWith('.late') ? { node: text.slice(0, -5), outlet: 'late' } : { node: text, outlet: 'rows' };
}

/** Own columns, and those that all inputs which give rows have. */
export function passedColumns(own: readonly string[], inputs: readonly (readonly string[])[]): readonly string[] {
  const passed = (inputs[0] ?? []).filter((name) => !own.includes(name) && inputs.every((columns) => columns.includes(name)));
  return [...own, ...passed];
}
