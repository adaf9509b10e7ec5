import { LABEL_COLUMNS } from './limits.js';
import { columnName, OWN_COLUMNS } from './names.js';

/** Which labels get a column: all, none, or these. */
export type LabelChoice = 'all' | 'none' | readonly string[];

/**
 * The symbol columns of a table. A label has the column of its name, unless one of the table's own columns, of its numbers or
 * another label has it, or the table has as many as it may: then it is in `series` alone, which has every label.
 */
export class LabelColumns {
  readonly #choice: LabelChoice;
  /** Names in use, in lower case. */
  readonly #taken: Set<string>;
  readonly #columns = new Map<string, string | undefined>();
  readonly #without: (label: string, why: string) => void;

  constructor(choice: LabelChoice, numbers: readonly string[], without: (label: string, why: string) => void) {
    this.#choice = choice;
    this.#taken = new Set([...OWN_COLUMNS, ...numbers].map((name) => name.toLowerCase()));
    this.#without = without;
  }

  /** Those that some label has. */
  get names(): readonly string[] {
    return [...this.#columns.values()].filter((column) => column !== undefined);
  }

  /** The column of a label, if it has one. */
  of(label: string): string | undefined {
    if (!this.#columns.has(label)) this.#columns.set(label, this.#choose(label));
    return this.#columns.get(label);
  }

  #choose(label: string): string | undefined {
    if (this.#choice === 'none' || (this.#choice !== 'all' && !this.#choice.includes(label))) return undefined;
    const column = columnName(label);
    const taken = this.#taken.has(column.toLowerCase());
    if (taken || this.names.length >= LABEL_COLUMNS) {
      this.#without(label, taken ? `the table has another column ${column}` : `a table has at most ${LABEL_COLUMNS} columns of labels`);
      return undefined;
    }
    this.#taken.add(column.toLowerCase());
    return column;
  }
}
