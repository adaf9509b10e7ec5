/** Columns that every table of rows has, and the table of findings. */
export const TIME = 'ts';
export const OWN_COLUMNS = [TIME, 'series', 'value'] as const;
const FINDINGS = 'findings';

/**
 * Names of tables and columns: letters of ASCII, digits and `_`; all other characters of a name become `_`. QuestDB does
 * not tell upper from lower case, so tables are in lower case.
 */
export class TableNames {
  readonly findings: string;
  readonly #prefix: string;
  readonly #nodes = new Map<string, string>();

  constructor(prefix: string) {
    this.#prefix = prefix.toLowerCase();
    this.findings = `${this.#prefix}${FINDINGS}`;
  }

  /** The table of a node's rows. Throws where another node has it. */
  table(node: string): string {
    const table = `${this.#prefix}${columnName(node).toLowerCase()}`;
    if (table === this.findings) throw new Error(`node ${node} would have the table ${table}, which is that of the findings: rename the node, or set \`prefix\``);
    const other = this.#nodes.get(table);
    if (other !== undefined && other !== node) throw new Error(`nodes ${other} and ${node} would share the table ${table}, where their rows overwrite each other: rename one`);
    this.#nodes.set(table, node);
    return table;
  }

  /** The node whose rows a table holds, undefined where it is no table of this sink. Of nodes of earlier configs the table's name is known. */
  node(table: string): string | undefined {
    if (table === this.findings || !table.startsWith(this.#prefix)) return undefined;
    return this.#nodes.get(table) ?? table.slice(this.#prefix.length);
  }
}

/** A name as a column has it. */
export function columnName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, '_');
}

/** A name as it stands in SQL; it has no quotes in it. */
export function quoted(name: string): string {
  return `"${name}"`;
}

/** A text as it stands in SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
