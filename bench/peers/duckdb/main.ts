import { DuckDBInstance } from '@duckdb/node-api';
import { runJobs, sinceEpoch, type Job, type Told } from '../job.js';
import { queries } from './queries.js';

await runJobs('duckdb', query, ['@duckdb/node-api']);

/** In memory, in a database of its own. The first result is there when all are. */
async function query({ workload, samples, series, threads }: Job): Promise<Told> {
  if (workload !== 'W1' && workload !== 'W2') throw new Error(`there is no workload ${workload}; there are: W1, W2`);
  const instance = await DuckDBInstance.create(':memory:', { threads: String(threads), autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' });
  const connection = await instance.connect();
  const began = performance.now();
  const result = await connection.runAndReadAll(queries[workload](samples, series));
  const check = result.getRowObjects()[0] as Record<string, number>;
  const ended = performance.now();
  connection.closeSync();
  instance.closeSync();
  return { seconds: (ended - began) / 1000, first_result_at: sinceEpoch(ended), check };
}
