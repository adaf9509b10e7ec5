import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import type { Test } from 'tap';
import { root } from '../config/root.js';
import { folder } from '../connectors/stage.js';

const path = [process.env['MILLRACE_CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((each) => each !== '' && existsSync(each));

/** Options of a test that needs a browser: skipped where there is none, unless in CI, where it must not be missing. */
export const browserNeeded = path === undefined && process.env['CI'] !== 'true' ? { skip: 'chromium is not installed (MILLRACE_CHROMIUM names another place)' } : {};

// Also without a network that would be asked: a browser has errands of its own.
const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** How long a page may take for anything, on a machine that has much else to do. */
const PATIENCE_MS = 120_000;

export interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the console and of scripts. */
  readonly errors: string[];
  /** Addresses asked for at other hosts than the page's. */
  readonly foreign: string[];
  /** Frames that the page sent, by socket. */
  readonly sent: string[][];
}

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
}

/** A page of a browser of its own. */
export async function openPage(t: Test, address: string, { width = 1440, height = 900, dark = false }: Look = {}): Promise<Opened> {
  if (path === undefined) throw new Error('chromium is not installed: apt-get install chromium');
  const context = await chromium.launchPersistentContext(folder(t), {
    executablePath: path,
    headless: true,
    chromiumSandbox: false,
    args,
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    timeout: PATIENCE_MS,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  t.teardown(() => context.close());
  const page = context.pages()[0] ?? (await context.newPage());
  const opened: Opened = { page, context, errors: [], foreign: [], sent: [] };
  page.on('console', (message) => {
    if (message.type() === 'error') opened.errors.push(message.text());
  });
  page.on('pageerror', (error) => opened.errors.push(String(error.stack)));
  const note = (url: string) => {
    if (new URL(url).host !== new URL(address).host) opened.foreign.push(url);
  };
  page.on('request', (request) => note(request.url()));
  page.on('websocket', (socket) => {
    note(socket.url());
    const frames: string[] = [];
    opened.sent.push(frames);
    socket.on('framesent', ({ payload }) => frames.push(String(payload)));
  });
  await page.goto(address);
  return opened;
}

/** Kept for whoever wants to see what the test saw. */
export async function keep(page: Page, name: string): Promise<void> {
  const place = existsSync(join(root, '.tap')) ? join(root, '.tap/dashboard') : join(tmpdir(), 'millrace-dashboard');
  mkdirSync(place, { recursive: true });
  await page.screenshot({ path: join(place, `${name}.png`) });
}

/** A number that an expression of the page gives. */
export async function measure(page: Page, expression: string): Promise<number> {
  return Number(await page.evaluate(expression));
}

/** Waits until it holds; fails with the name of what it waited for. */
export async function until(what: string, holds: () => Promise<boolean>, ms = PATIENCE_MS): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${ms / 1000} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
