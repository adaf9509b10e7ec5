import { z } from 'zod';
import type { RouteDescription } from '../engine/routes.js';
import type { Router } from './router.js';

/** The OpenAPI 3.1 document of all routes that have a description, also those of connectors. */
export function openApiDocument(router: Router, version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { path, method, description } of router.described()) {
    const place = path.replaceAll(/:(\w+)/g, '{$1}');
    (paths[place] ??= {})[method.toLowerCase()] = operation(path, description);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Millrace', version, description: 'Stream processing for observability. Times are ISO 8601 in UTC. Errors are RFC 9457 problem documents.' },
    paths,
    components: { schemas: { Problem: problemSchema } },
  };
}

function operation(path: string, { summary, query, body, answer, status = 200 }: RouteDescription): object {
  const parameters = [...pathParameters(path), ...(query === undefined ? [] : queryParameters(query))];
  return {
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(schemaOf(body, 'input')) } }),
    responses: {
      [status]: { description: 'OK', ...(answer === undefined ? {} : { content: json(schemaOf(answer, 'output')) }) },
      default: { description: 'Why not', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
    },
  };
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function queryParameters(query: z.ZodType): object[] {
  const { properties = {}, required = [] } = schemaOf(query, 'input') as { properties?: Record<string, { description?: string }>; required?: string[] };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({ name, in: 'query', required: required.includes(name), ...(description === undefined ? {} : { description }), schema }));
}

function schemaOf(type: z.ZodType, io: 'input' | 'output'): object {
  // $schema is the document's own.
  const { $schema: _, ...schema } = z.toJSONSchema(type, { io, unrepresentable: 'any' });
  return schema;
}

function json(schema: object): object {
  return { 'application/json': { schema } };
}

const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'what went wrong and how to mend it' },
  },
};
