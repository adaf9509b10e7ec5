import { spawn } from 'node:child_process';

export interface Ran {
  readonly ok: boolean;
  /** What it printed on stdout and stderr, or why it did not start. */
  readonly output: string;
}

/** Runs a tool to its end, at most `limitMs` long. */
export function runTool(command: string, args: readonly string[], limitMs: number, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(limitMs);
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, signal });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', (error) => resolve({ ok: false, output: signal.aborted ? `it took longer than ${limitMs / 1_000} s` : error.message }));
    child.once('close', (code) => resolve({ ok: code === 0, output }));
  });
}

/** The line of an output that says most about a failure. */
export function complaint(output: string): string {
  const lines = output.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  return lines.find((line) => /error|fatal/i.test(line)) ?? lines.at(-1) ?? 'it said nothing';
}
