import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { MAX_SERIES, PARTITIONS } from '../engine/limits.js';
import { duration } from '../engine/scalars.js';

const port = z.number().int().min(0).max(65_535);
const section = z.record(z.string(), z.record(z.string(), z.unknown())).default({});

export const configSchema = z.strictObject({
  server: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('address to listen on'),
      port: port.default(8080).describe('port of API and dashboard'),
      api_port: port.optional().describe('a further port for the API'),
      max_series: z.number().int().min(1).default(MAX_SERIES).describe('bound on series'),
      partitions: z.number().int().min(1).max(4_096).default(PARTITIONS).describe('partitions of the graph'),
      shards: z.number().int().min(1).max(256).default(Math.max(1, availableParallelism() - 1)).describe('threads'),
      transport: z.enum(['uws', 'node']).optional().describe('HTTP server'),
    })
    .prefault({}),
  checkpoint: z
    .strictObject({
      interval: duration({ min: '100ms' }).prefault('10s').describe('time between checkpoints'),
      folder: z.string().optional().describe('where they lie'),
    })
    .prefault({}),
  folder: z.string().default('data').describe('data folder'),
  seed: z.number().int().default(1).describe('seed of the graph'),
  sources: section,
  operators: section,
  sinks: section,
});

export type Settings = Omit<z.output<typeof configSchema>, 'sources' | 'operators' | 'sinks'>;
