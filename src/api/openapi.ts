/** The OpenAPI 3.1 document of the routes. */
import * as z from 'zod';
import { contract } from './contract/revision.ts';
import type { Route } from './contract/route.ts';
import { problemCodes } from './problem.ts';

type Json = Record<string, unknown>;

const schemaOf = (shape: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io, unrepresentable: 'any' });
  return schema;
};

function parametersOf(shape: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (shape === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(shape, 'input') as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: place, required: place === 'path' || required.includes(name), schema }));
}

/** Its version is that of the contract: which Moat answers is no part of it. */
export function openApi<World>(routes: readonly Route<World>[]): Json {
  const paths: Record<string, Json> = {};
  for (const { id, method, path, title, access, params, query, body, answer } of routes) {
    const at = path.replace(/:(\w+)/g, '{$1}');
    const problem = { description: 'What went wrong', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } };
    (paths[at] ??= {})[method.toLowerCase()] = {
      operationId: id, summary: title.en, description: title.zh, 'x-moat-permission': access,
      security: access === 'anyone' ? [] : access === 'person' ? [{ session: [] }] : [{ session: [] }, { token: [] }],
      parameters: [...parametersOf(params, 'path'), ...parametersOf(query, 'query')],
      ...(body && { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
      responses: { 200: { description: 'OK', content: { 'application/json': { schema: schemaOf(answer, 'output') } } }, default: problem },
    };
  }
  return {
    openapi: '3.1.0', info: { title: 'Moat', version: `${contract}`, license: { name: 'Apache-2.0' } }, servers: [{ url: '/api/v1' }], paths,
    components: {
      securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: '__Host-moat' }, token: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: { type: 'object', required: ['type', 'title', 'status', 'code', 'detail'], properties: { type: { type: 'string' }, title: { type: 'string' }, status: { type: 'integer' }, code: { enum: problemCodes }, detail: { type: 'string' }, detail_zh: { type: 'string' }, hint: { type: 'string' } } } },
    },
  };
}
