import { systemFiles, type Files } from '../../engine/files.js';

export type Operation = 'writev' | 'datasync' | 'truncate';

/** The disk, where the next operations of `fails` fail, each once; a write, after half of it. */
export function faultyFiles(fails: Operation[], done: Operation[] = []): Files {
  const takes = (operation: Operation): boolean => {
    const at = fails.indexOf(operation);
    if (at >= 0) fails.splice(at, 1);
    done.push(operation);
    return at < 0;
  };
  const failure = (operation: Operation) => new Error(`EIO: i/o error, ${operation}`);
  return {
    ...systemFiles,
    async open(path, flags) {
      const file = await systemFiles.open(path, flags);
      const only = (operation: Operation, act: () => Promise<void>) => (takes(operation) ? act() : Promise.reject(failure(operation)));
      return {
        stat: () => file.stat(),
        read: (into, offset, length, position) => file.read(into, offset, length, position),
        async writev(buffers, position) {
          if (takes('writev')) return file.writev(buffers, position);
          const all = Buffer.concat(buffers);
          await file.writev([all.subarray(0, all.length / 2)], position);
          throw failure('writev');
        },
        truncate: (size) => only('truncate', () => file.truncate(size)),
        datasync: () => only('datasync', () => file.datasync()),
        sync: () => file.sync(),
        close: () => file.close(),
      };
    },
  };
}
