import { connect, type Socket } from 'node:net';
import type { Test } from 'tap';

/** A connection that speaks the text protocol of NATS by hand, so that the server is tested and not a client. */
export class NatsConnection {
  /** What the server said of itself. */
  info: { readonly version: string; readonly jetstream?: boolean; readonly max_payload: number } | undefined;
  #text = '';
  #failure: Error | undefined;
  #arrived: () => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    const failed = (error: Error) => {
      this.#failure ??= error;
      this.#arrived();
    };
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text;
      this.#arrived();
    });
    socket.on('error', failed).on('close', () => failed(new Error('the server closed the connection')));
  }

  /** Connects, says hello and waits for the answer to a PING. */
  static async open(t: Test, url: string): Promise<NatsConnection> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    t.teardown(() => socket.destroy());
    const connection = new NatsConnection(socket);
    connection.info = JSON.parse((await connection.#line(/^INFO (.*)$/))[1]!) as NonNullable<NatsConnection['info']>;
    connection.#send('CONNECT {"verbose":false,"pedantic":true,"headers":true}', 'SUB answers 1', 'PING');
    await connection.#line(/^PONG$/);
    return connection;
  }

  /** Sends a payload and gives the first answer to it. */
  async ask<T>(subject: string, payload: object | string = ''): Promise<T> {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    this.#send(`PUB ${subject} answers ${Buffer.byteLength(text)}`, text);
    return JSON.parse(await this.#message()) as T;
  }

  #send(...lines: string[]): void {
    this.socket.write(lines.map((line) => `${line}\r\n`).join(''));
  }

  async #line(wanted: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const end = this.#text.indexOf('\r\n');
      if (end < 0) await this.#more();
      else {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const match = wanted.exec(line);
        if (match !== null) return match;
        if (line.startsWith('-ERR')) throw new Error(`the server answered ${line}`);
      }
    }
  }

  async #message(): Promise<string> {
    const bytes = Number((await this.#line(/^MSG \S+ \S+ (\d+)$/))[1]);
    while (this.#text.length < bytes + 2) await this.#more();
    const payload = Buffer.from(this.#text.slice(0, bytes), 'latin1').toString();
    this.#text = this.#text.slice(bytes + 2);
    return payload;
  }

  async #more(): Promise<void> {
    const before = this.#text.length;
    while (this.#text.length === before) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
  }
}
