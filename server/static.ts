import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { HttpRequest, HttpResponse, Routes } from '../engine/routes.js';

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};
const compressible = /^(text\/|application\/(json|manifest)|image\/svg)/;

/** Below it compression saves no packet. */
const COMPRESS_BYTES = 1_400;

/** The dashboards are pages of one application. */
const pages = ['/', '/dashboard', '/dashboard/:page'];

interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly immutable: boolean;
  readonly bytes: Uint8Array;
  /** Made when first asked for. */
  gzip?: Promise<Uint8Array>;
  br?: Promise<Uint8Array>;
}

/**
 * Serves the files of a folder at their paths, and its `index.html` as the dashboards. They are read at
 * the start, so a path can name no other file. Names under `assets/` carry a hash of their content and are
 * cached for good; the others are asked for again by ETag. False where the folder has no `index.html`.
 */
export async function addStatic(routes: Routes, folder: string): Promise<boolean> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const file of files) {
    if (!file.isFile()) continue;
    const place = join(file.parentPath, file.name);
    const path = place.slice(folder.length).split(sep).filter(Boolean).join('/');
    const asset = assetOf(path, await readFile(place));
    const serve = (request: HttpRequest) => respond(asset, request);
    routes.route('GET', `/${path}`, serve);
    if (path === 'index.html') for (const page of pages) routes.route('GET', page, serve);
  }
  return files.some((file) => file.name === 'index.html');
}

function assetOf(path: string, bytes: Uint8Array): Asset {
  return {
    type: types[extname(path)] ?? 'application/octet-stream',
    etag: createHash('sha256').update(bytes).digest('base64url').slice(0, 22),
    immutable: path.startsWith('assets/'),
    bytes,
  };
}

async function respond(asset: Asset, request: HttpRequest): Promise<HttpResponse> {
  const encoding = asset.bytes.length >= COMPRESS_BYTES && compressible.test(asset.type) ? chosen(request.headers['accept-encoding'] ?? '') : undefined;
  const etag = `"${asset.etag}${encoding === undefined ? '' : `-${encoding}`}"`;
  const headers = {
    'content-type': asset.type,
    'cache-control': asset.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag,
    vary: 'accept-encoding',
    ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
  };
  const known = (request.headers['if-none-match'] ?? '').split(',').map((each) => each.trim().replace(/^W\//, ''));
  if (known.includes(etag)) return { status: 304, headers };
  return { status: 200, headers, body: encoding === undefined ? asset.bytes : await compressed(asset, encoding) };
}

function chosen(accepted: string): 'br' | 'gzip' | undefined {
  const offers = accepted.split(',').map((each) => each.trim().toLowerCase());
  const takes = (name: string) => offers.some((offer) => offer === name || (offer.startsWith(`${name};`) && !/q=0(\.0*)?$/.test(offer)));
  return takes('br') ? 'br' : takes('gzip') ? 'gzip' : undefined;
}

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

function compressed(asset: Asset, encoding: 'br' | 'gzip'): Promise<Uint8Array> {
  if (encoding === 'br') return (asset.br ??= brotli(asset.bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
  return (asset.gzip ??= zip(asset.bytes));
}
