import * as fs from 'node:fs/promises';

/** What the engine asks of the disk, as `node:fs/promises` gives it: whoever simulates a crash brings a disk that forgets what was not synced. */
export interface Files {
  open(path: string, flags: 'r' | 'r+' | 'w'): Promise<OpenFile>;
  mkdir(path: string, options: { readonly recursive: true }): Promise<unknown>;
  readdir(path: string): Promise<string[]>;
  readFile(path: string): Promise<Uint8Array>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { readonly force: true }): Promise<void>;
  stat(path: string): Promise<{ readonly size: number }>;
}

export interface OpenFile {
  stat(): Promise<{ readonly size: number }>;
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  writev(buffers: Uint8Array[], position: number): Promise<{ readonly bytesWritten: number }>;
  truncate(size: number): Promise<void>;
  datasync(): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const systemFiles: Files = fs;

/** Makes the names in a folder durable: files made, renamed and removed in it. */
export async function syncFolder(folder: string, files: Files = systemFiles): Promise<void> {
  // Windows cannot open folders, and keeps their entries durable by itself.
  if (process.platform === 'win32') return;
  const handle = await files.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
