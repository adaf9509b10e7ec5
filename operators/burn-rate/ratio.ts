import type { SyntaxNode } from '@lezer/common';
import { parsePromql, PromqlError, readDuration, readSelector, type Selector } from '../../engine/selector.js';

/** The counters of a ratio SLI. */
export interface Ratio {
  readonly good: Selector;
  readonly total: Selector;
}

const SUPPORTED = 'supported is rate(good[5m]) / rate(total[5m]), each side with or without sum(...)';

/**
 * Reads `rate(selector[d]) / rate(selector[d])`, each side in `sum(...)` or not and in any parentheses.
 * Throws a `PromqlError` that says where anything else begins.
 */
export function readRatio(query: string): Ratio {
  const top = unwrap(parts(parsePromql(query).topNode)[0]!);
  if (top.name !== 'BinaryExpr') throw refused(top, query, 'this is not a ratio');
  const [left, operator, ...rest] = parts(top);
  if (operator!.name !== 'Div') throw refused(operator!, query, 'only a division is run');
  if (rest.length !== 1) throw refused(rest[0]!, query, 'matching of labels is not run: both sides are summed over all their series');
  const good = readSide(left!, query);
  const total = readSide(rest[0]!, query);
  if (good.range !== total.range) throw refused(total.duration, query, 'both sides must have the same range');
  return { good: good.selector, total: total.selector };
}

function readSide(side: SyntaxNode, query: string): { selector: Selector; range: number; duration: SyntaxNode } {
  let node = unwrap(side);
  if (node.name === 'AggregateExpr') {
    const [operator, ...rest] = parts(node);
    if (operator!.firstChild?.name !== 'Sum') throw refused(operator!, query, 'of the aggregations only sum is run');
    const modifier = rest.find(({ name }) => name === 'AggregateModifier');
    if (modifier !== undefined) throw refused(modifier, query, 'grouping is not run: an SLO has one error budget');
    node = argument(node, query);
  }
  if (node.name === 'BinaryExpr') throw refused(parts(node)[1]!, query, 'an operation within a side is not run');
  if (node.name !== 'FunctionCall') throw refused(node, query, 'a side must be a rate');
  const name = node.getChild('FunctionIdentifier')!;
  if (name.firstChild?.name !== 'Rate') throw refused(name, query, 'of the functions only rate is run');
  const range = argument(node, query);
  if (range.name !== 'MatrixSelector') throw refused(range, query, 'rate takes a selector with a range');
  const [vector, duration] = parts(range);
  const selector = readSelector(vector!, query);
  if (selector.metric === undefined && selector.matchers.length === 0) throw refused(vector!, query, 'every series would be counted');
  return { selector, range: readDuration(duration!, query), duration: duration! };
}

/** The one argument of a call. */
function argument(call: SyntaxNode, query: string): SyntaxNode {
  const body = call.getChild('FunctionCallBody')!;
  const [first, second] = parts(body);
  if (first === undefined || second !== undefined) throw refused(second ?? body, query, 'one argument is expected');
  return unwrap(first);
}

function unwrap(node: SyntaxNode): SyntaxNode {
  return node.name === 'ParenExpr' ? unwrap(parts(node)[0]!) : node;
}

/** The children that mean something. */
function parts(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) if (child.name !== 'LineComment') children.push(child);
  return children;
}

function refused(node: SyntaxNode, query: string, why: string): PromqlError {
  const text = query.slice(node.from, node.to).replaceAll(/\s+/g, ' ');
  return new PromqlError(node.from, `${text.length > 40 ? `${text.slice(0, 39)}…` : text}: ${why}; ${SUPPORTED}`);
}
