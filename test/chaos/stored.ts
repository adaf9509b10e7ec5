import { connect } from 'nats';

const FETCH = 1_000;
const FETCH_MS = 5_000;

/** Rows of a table by its name without the prefix, sorted; `schema` has a row for each table, with the names of its columns. */
export type Stored = ReadonlyMap<string, readonly string[]>;

/** Every table of a QuestDB whose name begins with a prefix, all columns of all rows. */
export async function stored(url: string, prefix: string): Promise<Stored> {
  const found = new Map<string, readonly string[]>();
  const schema: string[] = [];
  for (const name of await tables(url, prefix)) {
    // In order of their names: a column is added when the first row has it.
    const columns = (await csv(url, `select "column" from table_columns('${name}') order by "column"`)).map((line) => line.replaceAll('"', ''));
    const rows = await csv(url, `select ${columns.map((column) => `"${column}"`).join(', ')} from "${name}"`);
    found.set(name.slice(prefix.length), rows.sort());
    schema.push(`${name.slice(prefix.length)}: ${columns.join(', ')}`);
  }
  return found.set('schema', schema);
}

async function tables(url: string, prefix: string): Promise<string[]> {
  return (await csv(url, 'select table_name from tables() order by table_name')).map((line) => line.replaceAll('"', '')).filter((name) => name.startsWith(prefix));
}

/** How many rows each table has, as text. */
export async function counts(url: string, prefix: string): Promise<string> {
  const each = (await tables(url, prefix)).map((name) => `select '${name.slice(prefix.length)}', count() from "${name}"`);
  return each.length === 0 ? '' : (await csv(url, each.join(' union all '))).join(' ');
}

/** Of each sample of the source's table: time, series and value, as `Load.row` writes them, sorted. */
export async function samplesOf(url: string, table: string): Promise<string[]> {
  const rows = await csv(url, `select cast(ts as long) / 1000, value, series from "${table}"`);
  return rows.map((line) => line.replace(/^(\d+),([^,]*),"?(.*?)"?$/, (_, time: string, value: string, series: string) => `${time} ${series.replaceAll('""', '"')} ${Number(value)}`)).sort();
}

/** Findings in a stream, the last message of each id and revision, sorted; `prefix` is what their subjects begin with. */
export async function findingsIn(url: string, stream: string, prefix: string): Promise<string[]> {
  const connection = await connect({ servers: url });
  try {
    const { messages } = (await (await connection.jetstreamManager()).streams.info(stream)).state;
    const found = new Map<string, string>();
    const consumer = await connection.jetstream().consumers.get(stream);
    for (let left = messages; left > 0; ) {
      for await (const message of await consumer.fetch({ max_messages: Math.min(left, FETCH), expires: FETCH_MS })) {
        const { id, revision } = message.json<{ id: string; revision: number }>();
        found.set(`${id} ${revision}`, `${message.subject.slice(prefix.length)} ${message.string()}`);
        left -= 1;
      }
    }
    return [...found.values()].sort();
  } finally {
    await connection.close();
  }
}

/** Rows of a query, each as a line of CSV, without the header. */
async function csv(url: string, query: string): Promise<string[]> {
  const answer = await fetch(`${url}/exp?query=${encodeURIComponent(query)}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`QuestDB answered ${answer.status} to ${query}: ${text}`);
  return text.split('\r\n').slice(1).filter((line) => line !== '');
}

/** What the tables of one run have and those of the other lack; empty where they are identical. `most`: rows shown of each table. */
export function differences(hurt: Stored, calm: Stored, most: number): string[] {
  const told: string[] = [];
  for (const name of new Set([...hurt.keys(), ...calm.keys()])) {
    const [lost, more] = [without(calm.get(name) ?? [], hurt.get(name) ?? []), without(hurt.get(name) ?? [], calm.get(name) ?? [])];
    if (lost.length + more.length === 0) continue;
    told.push(`${name}: ${lost.length} rows of the undisturbed run are missing, ${more.length} are there that it has not`);
    for (const row of lost.slice(0, most)) told.push(`  - ${row}`);
    for (const row of more.slice(0, most)) told.push(`  + ${row}`);
  }
  return told;
}

/** Of two sorted lists, what the first has more than the second. */
export function without(all: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const row of others) left.set(row, (left.get(row) ?? 0) + 1);
  return all.filter((row) => {
    const count = left.get(row) ?? 0;
    if (count > 0) left.set(row, count - 1);
    return count === 0;
  });
}
