import type { PlannedOperator } from './plan.js';

/** An operator threw: names it and the message it was at. */
export class NodeError extends Error {
  readonly node: string;

  constructor(node: PlannedOperator, at: string, cause: unknown) {
    super(`operator ${node.spec.name} (${node.spec.type}) failed ${at}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'NodeError';
    this.node = node.spec.name;
  }

  /** The innermost operator is the one that failed. */
  static of(node: PlannedOperator, at: string, cause: unknown): NodeError {
    return cause instanceof NodeError ? cause : new NodeError(node, at, cause);
  }
}
