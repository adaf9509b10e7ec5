import { mock } from 'node:test';
import t from 'tap';
import { load } from './modules.js';

interface Delivery {
  readonly type: string;
  readonly more?: boolean;
}

class PuppetSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];
  closed = false;
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {
    this.closed = true;
  }
  hear(...frames: object[]): void {
    for (const frame of frames) this.onmessage!({ data: JSON.stringify(frame) });
  }
}

class Notes {
  readonly taken: string[] = [];
  restart = (): void => void this.taken.push('restart');
  resume = (): void => void this.taken.push('resume');
  settled = (): void => void this.taken.push('settled');
  take = ({ type, more }: Delivery): void => void this.taken.push(more === true ? `${type}, more` : type);
}

interface Connection {
  readonly link: { readonly value: { readonly state: string; readonly attempt?: number } };
  connect(): void;
  close(): void;
}
const { Connection } = (await load('live/connection.ts')) as { Connection: new (options: object) => Connection };

function connect(): { connection: Connection; sockets: PuppetSocket[]; notes: Notes } {
  const sockets: PuppetSocket[] = [];
  const notes = new Notes();
  const open = () => {
    const socket = new PuppetSocket();
    sockets.push(socket);
    return socket;
  };
  const connection = new Connection({ open, receivers: { anomalies: notes }, clock: Date.now, random: () => 0.5, onServerTime: () => undefined });
  connection.connect();
  return { connection, sockets, notes };
}

const ack = (resumed: boolean) => ({ type: 'ack', id: 'anomalies', epoch: 'e', offset: 1, resumed, server_time: 0 });
const snapshot = (offset: number, more = false) => ({ type: 'snapshot', id: 'anomalies', epoch: 'e', offset, findings: [], ...(more ? { more } : {}) });
const message = (offset: number) => ({ type: 'message', id: 'anomalies', epoch: 'e', offset, findings: [] });

t.beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 }));
t.afterEach(() => mock.timers.reset());

await t.test('it goes on where it stopped', async (t) => {
  const { connection, sockets, notes } = connect();
  sockets[0]!.onopen!();
  t.strictSame(sockets[0]!.sent, [{ type: 'subscribe', id: 'anomalies', channel: 'anomalies' }]);
  sockets[0]!.hear(ack(false), snapshot(4), message(7));
  t.equal(connection.link.value.state, 'live');
  sockets[0]!.onclose!();
  t.equal(connection.link.value.state, 'reconnecting');
  mock.timers.tick(250);
  sockets[1]!.onopen!();
  t.strictSame(sockets[1]!.sent, [{ type: 'subscribe', id: 'anomalies', channel: 'anomalies', from: { epoch: 'e', offset: 7 } }]);
  sockets[1]!.hear(ack(true), message(8));
  t.strictSame(notes.taken, ['restart', 'snapshot', 'settled', 'message', 'resume', 'message']);
  connection.close();
});

await t.test('half a snapshot is no position, and it is taken anew', async (t) => {
  const { connection, sockets, notes } = connect();
  sockets[0]!.onopen!();
  sockets[0]!.hear(ack(false), snapshot(4), message(5));
  sockets[0]!.onclose!();
  mock.timers.tick(250);
  sockets[1]!.onopen!();
  sockets[1]!.hear(ack(false), snapshot(9, true));
  sockets[1]!.onclose!();
  mock.timers.tick(250);
  sockets[2]!.onopen!();
  t.strictSame(sockets[2]!.sent, [{ type: 'subscribe', id: 'anomalies', channel: 'anomalies' }]);
  sockets[2]!.hear(ack(false), snapshot(9, true), snapshot(9));
  t.strictSame(notes.taken.slice(-4), ['restart', 'snapshot, more', 'snapshot', 'settled']);
  connection.close();
});

await t.test('it waits longer and longer, up to a bound, and not at all when asked', async (t) => {
  const { connection, sockets } = connect();
  const waits: number[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    const before = Date.now();
    sockets.at(-1)!.onclose!();
    const count = sockets.length;
    while (sockets.length === count) mock.timers.tick(50);
    waits.push(Date.now() - before);
  }
  t.strictSame(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  sockets.at(-1)!.onclose!();
  const count = sockets.length;
  connection.connect();
  t.equal(sockets.length, count + 1);
  connection.connect();
  t.equal(sockets.length, count + 1, 'one at a time');
  connection.close();
});

await t.test('a silent server is asked, and given up when it does not answer', async (t) => {
  const { connection, sockets } = connect();
  sockets[0]!.onopen!();
  sockets[0]!.hear(ack(false), snapshot(1));
  mock.timers.tick(15_000);
  t.match(sockets[0]!.sent.at(-1), { type: 'unsubscribe' }, 'asked');
  sockets[0]!.hear({ type: 'error', id: 'probe', code: 'unknown_subscription', message: 'none' });
  mock.timers.tick(5_000);
  t.equal(connection.link.value.state, 'live', 'it answered');
  for (let second = 0; second < 20; second++) mock.timers.tick(1_000);
  t.ok(sockets[0]!.closed);
  t.equal(connection.link.value.state, 'reconnecting');
  t.equal(sockets.length, 2, 'for a new one');
  connection.close();
});
