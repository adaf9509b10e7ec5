import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { WebSocket } from 'ws';

/** Looked at this often, ms. */
const LOOK_MS = 20;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A folder outside the project that is gone after the test. */
export function emptyFolder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** As a user has it: npm has its own settings of this project there. */
export function plainEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_(package|lifecycle|config_local_prefix|config_prefix|command|execpath)|TAP|MILLRACE_)/.test(name));
  return { ...Object.fromEntries(kept), NO_COLOR: '1', ...more };
}

/** Waits until something is there; a test that waits for ever is ended by tap. */
export async function until<T>(look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(LOOK_MS);
  }
}

/** A running engine as its user sees it: a command, what it prints, its address, signals. Killed when the test ends. */
export class EngineProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  stdout = '';
  stderr = '';
  #exit: Exit | undefined;
  #address: string | undefined;

  constructor(t: { teardown(end: () => unknown): void }, command: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
    const [file, ...args] = command;
    const child = spawn(file!, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: plainEnvironment(env) });
    this.child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
    t.teardown(async () => {
      child.kill('SIGKILL');
      await this.exited;
    });
  }

  /** The lines of its log. */
  get log(): { readonly level: number; readonly msg: string; readonly [field: string]: unknown }[] {
    return this.stdout
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as EngineProcess['log'][number]);
  }

  /** Resolves with its address when `/readyz` says that it is ready; rejects when it ends before. */
  async ready(): Promise<string> {
    const address = await until(() => this.#living() && /"address":"([^"]*)"/.exec(this.stdout)?.[1]);
    this.#address = address;
    await until(async () => this.#living() && (await this.get('/readyz')).status === 200);
    return address;
  }

  /** What a path answers; status 0 where nothing answers. */
  async get(path: string): Promise<Answer> {
    try {
      const answer = await fetch(`${this.#address}${path}`);
      return { status: answer.status, text: await answer.text() };
    } catch {
      return { status: 0, text: '' };
    }
  }

  async json<T>(path: string): Promise<T> {
    return JSON.parse((await this.get(path)).text) as T;
  }

  async post(path: string, body: unknown): Promise<Answer> {
    const answer = await fetch(`${this.#address}${path}`, { method: 'POST', body: JSON.stringify(body) });
    return { status: answer.status, text: await answer.text() };
  }

  /** Rows of the first frame of `/live` that has some, of a node. */
  async firstRows(node: string): Promise<(number | null)[][]> {
    const socket = new WebSocket(`${this.#address!.replace('http', 'ws')}/live`, 'millrace.v1');
    try {
      return await new Promise((resolve, reject) => {
        socket.on('error', reject);
        socket.on('close', (code) => reject(new Error(`closed with ${code}`)));
        socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', id: '1', channel: 'metrics', filter: { node } })));
        socket.on('message', (data: Buffer) => {
          const { rows = [] } = JSON.parse(data.toString()) as { rows?: (number | null)[][] };
          if (rows.length > 0) resolve(rows);
        });
      });
    } finally {
      socket.terminate();
    }
  }

  /** Sends a signal and resolves when the process has ended. */
  async end(signal: NodeJS.Signals): Promise<Exit> {
    this.child.kill(signal);
    return this.exited;
  }

  #living(): true {
    if (this.#exit !== undefined) throw new Error(`it ended with ${this.#exit.code ?? this.#exit.signal}: ${this.stdout}${this.stderr}`);
    return true;
  }
}
