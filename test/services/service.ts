/** A real server that tests talk to: how it is had, and how it is started. */
export interface Service<Options extends object = object> {
  readonly name: string;
  /** The one that tests, `npm run services` and docker-compose.yml run. */
  readonly version: string;
  /** Names of the ports that it listens on, each with the port that it has where it is the only one of its kind. */
  readonly usualPorts: Ports;
  /** What it says, once, when it answers. Its own words: another server on its port would answer a probe as well. */
  readonly readyLine: RegExp;
  /** What it says where one of its ports is taken. */
  readonly portTaken: RegExp;
  /** Finds or installs it. Throws `Unavailable`. */
  find(): Promise<Program>;
  /** How it is started in a folder that exists; may write its settings there. */
  launch(program: Program, folder: string, ports: Ports, options: Partial<Options>): Launch;
  /** Addresses for people and clients. */
  addresses(ports: Ports): Readonly<Record<string, string>>;
}

/** Port numbers by name. */
export type Ports = Readonly<Record<string, number>>;

/** A command with the arguments that come first; the same for every start. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

export interface Launch extends Program {
  readonly env: Readonly<Record<string, string>>;
}

/** Nothing here brings the server; the message names every way that was tried, and why it failed. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}
