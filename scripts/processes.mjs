// Runs the tools of the toolchain as children that never outlive this process.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The address of a tool inside node_modules: started by node directly, which saves the second that npx costs. */
export const tools = {
  tsc: 'node_modules/typescript/bin/tsc',
  vite: 'node_modules/vite/bin/vite.js',
  oxlint: 'node_modules/oxlint/bin/oxlint',
  tap: 'node_modules/tap/dist/esm/run.mjs',
};

/**
 * Starts a script of node and resolves with its exit code; `captured` has what it printed where stdio is a pipe.
 * A signal that ends this process ends the child first: npm and supervisors signal only the process that they started.
 */
export function runNode(script, args, { stdio = 'inherit', env = {}, onOutput } = {}) {
  return run(process.execPath, [script, ...args], { stdio, env, onOutput });
}

export function run(command, args, { stdio = 'inherit', env = {}, onOutput } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio, env: { ...process.env, ...env } });
    const captured = [];
    child.stdout?.setEncoding('utf8').on('data', onOutput ?? ((text) => captured.push(text)));
    child.stderr?.setEncoding('utf8').on('data', (text) => captured.push(text));

    const stops = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
      const stop = () => {
        child.kill(signal);
        child.once('close', () => process.exit(128 + constants.signals[signal]));
      };
      process.once(signal, stop);
      return () => process.removeListener(signal, stop);
    });
    const release = () => stops.forEach((remove) => remove());

    child.once('error', (error) => {
      release();
      reject(error);
    });
    child.once('close', (code, signal) => {
      release();
      resolve({ code: code ?? 128 + (constants.signals[signal] ?? 0), captured: captured.join('') });
    });
  });
}
