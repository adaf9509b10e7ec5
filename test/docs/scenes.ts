import { seeded } from '../../engine/random.js';
import type { Series } from '../../engine/series.js';
import type { Message } from '../kit/text.js';

/** What a picture of docs/detection.md shows: series, and an operator that judges them. */
export interface Scene {
  /** Of the file: docs/detection/NAME.svg. */
  readonly name: string;
  readonly title: string;
  readonly operator: string;
  /** As in YAML, without `type` and `from`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly messages: readonly Message[];
  /** Canonical text of the series whose rows are drawn, and from when on: what is before is there to be learnt. */
  readonly shown: string;
  readonly from: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** A Monday. */
const START = Date.UTC(2026, 0, 5);

/** Sums of twelve: normal enough, with variance 1. */
function noise(seed: number): () => number {
  const random = seeded(seed);
  return () => Array.from({ length: 12 }, random).reduce((sum, u) => sum + u, -6);
}

/** Samples of one series, every so often; undefined: none at that time. */
function sampled(series: Series, every: number, length: number, value: (time: number) => number | undefined): Message[] {
  const messages: Message[] = [];
  for (let time = 0; time < length; time += every) {
    const at = value(time);
    if (at !== undefined) messages.push({ type: 'row', port: 0, row: { time: START + time, series, value: at, flags: 0, columns: {} } });
  }
  return messages;
}

const inOrder = (messages: readonly Message[]): Message[] => messages.toSorted((a, b) => (a.type === 'row' && b.type === 'row' ? a.row.time - b.row.time : 0));

/** Requests of a shop: few at night, most at noon. */
const daily = (time: number): number => 300 - 200 * Math.cos((2 * Math.PI * time) / DAY);
const between = (time: number, from: number, to: number): boolean => time >= from && time < to;

function spike(): Scene {
  const z = noise(1);
  const series = { name: 'queue_length', labels: { queue: 'mail' } };
  const messages = sampled(series, MINUTE, 12 * HOUR, (time) => 40 + 4 * z() + (between(time, 10 * HOUR, 10 * HOUR + 4 * MINUTE) ? 60 : 0));
  return { name: 'spike', title: 'detect: a spike', operator: 'detect', config: {}, messages, shown: 'queue_length{queue="mail"}', from: START + 8 * HOUR };
}

function season(): Scene {
  const z = noise(2);
  const series = { name: 'requests', labels: { shop: 'a' } };
  // On the last day nobody comes at noon, though as many as that come every night.
  const messages = sampled(series, 5 * MINUTE, 15 * DAY, (time) => (between(time, 14 * DAY + 11 * HOUR, 14 * DAY + 13 * HOUR) ? 120 : daily(time)) + 12 * z());
  return { name: 'season', title: 'detect: usual at night, not at noon', operator: 'detect', config: {}, messages, shown: 'requests{shop="a"}', from: START + 12 * DAY };
}

function job(): Scene {
  const z = noise(3);
  const series = { name: 'disk_writes', labels: { host: 'a' } };
  const messages = sampled(series, MINUTE, 3 * DAY, (time) => 20 + 2 * z() + (time % HOUR < 5 * MINUTE && !between(time, 2 * DAY + 20 * HOUR, 2 * DAY + 21 * HOUR) ? 60 : 0));
  return { name: 'job', title: 'detect: a job of the hour that did not run', operator: 'detect', config: {}, messages, shown: 'disk_writes{host="a"}', from: START + 2 * DAY + 14 * HOUR };
}

function shift(): Scene {
  const z = noise(4);
  const series = { name: 'latency_ms', labels: { service: 'pay' } };
  const messages = sampled(series, 5 * MINUTE, 5 * DAY, (time) => 80 + 5 * z() + (time >= 4 * DAY + 6 * HOUR ? 15 : 0));
  return { name: 'shift', title: 'shifts: from 80 to 95, for good', operator: 'shifts', config: {}, messages, shown: 'latency_ms{service="pay"}', from: START + 4 * DAY };
}

function peer(): Scene {
  const z = noise(5);
  const hosts = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  // All do more by day; one host does half as much more on top of it, which is what it does itself by noon.
  const messages = inOrder(
    hosts.flatMap((host) =>
      sampled({ name: 'cpu_usage', labels: { host } }, MINUTE, DAY, (time) => 40 - 20 * Math.cos((2 * Math.PI * time) / DAY) + 1.5 * z() + (host === 'c' && between(time, 15 * HOUR, 17 * HOUR) ? 12 : 0)),
    ),
  );
  return { name: 'peer', title: 'peers: one host unlike its fleet', operator: 'peers', config: { across: ['host'], window: '5m' }, messages, shown: 'cpu_usage{host="c"}', from: START + 6 * HOUR };
}

function together(): Scene {
  const z = noise(6);
  // For an hour the processor does half of what it should for so many requests: neither is unusual by itself.
  const busy = (time: number): number => 50 - 30 * Math.cos((2 * Math.PI * time) / DAY);
  const messages = inOrder([
    ...sampled({ name: 'requests', labels: { service: 'pay' } }, MINUTE, 3 * DAY, (time) => 10 * busy(time) + 15 * z()),
    ...sampled({ name: 'cpu_usage', labels: { service: 'pay' } }, MINUTE, 3 * DAY, (time) => (between(time, 2 * DAY + 12 * HOUR, 2 * DAY + 13 * HOUR) ? 0.5 : 1) * busy(time) + 1.5 * z()),
  ]);
  return { name: 'together', title: 'isolation-forest: requests and processor part', operator: 'isolation-forest', config: { by: ['service'] }, messages: watched(messages), shown: 'isolation_forest{service="pay"}', from: START + 2 * DAY + 4 * HOUR };
}

function silence(): Scene {
  const z = noise(7);
  const series = { name: 'temperature', labels: { room: 'a' } };
  const messages = sampled(series, MINUTE, 12 * HOUR, (time) => (between(time, 8 * HOUR, 9 * HOUR) ? undefined : 21 + 0.2 * z()));
  return { name: 'silence', title: 'presence: an hour without a sample', operator: 'presence', config: {}, messages: watched(messages), shown: 'temperature{room="a"}', from: START + 6 * HOUR };
}

function frozen(): Scene {
  const z = noise(8);
  const series = { name: 'temperature', labels: { room: 'b' } };
  const messages = sampled(series, MINUTE, 12 * HOUR, (time) => Number((21 + (between(time, 8 * HOUR, 10 * HOUR) ? 0 : 0.2 * z())).toFixed(1)));
  return { name: 'frozen', title: 'presence: a sensor that is stuck', operator: 'presence', config: {}, messages, shown: 'temperature{room="b"}', from: START + 6 * HOUR };
}

function shape(): Scene {
  const z = noise(9);
  const series = { name: 'power_kw', labels: { oven: 'a' } };
  // A batch heats, holds and cools in half an hour. One cools in the middle and heats again.
  const at = (share: number): number => (share < 0.25 ? share * 4 : share < 0.7 ? 1 : Math.max(0, 1 - (share - 0.7) * 4));
  const messages = sampled(series, MINUTE, 16 * HOUR, (time) => {
    const share = (time % (30 * MINUTE)) / (30 * MINUTE);
    const broken = between(time, 13 * HOUR, 13 * HOUR + 30 * MINUTE) && share > 0.35 && share < 0.6;
    return 20 + 60 * (broken ? 0.35 : at(share)) + 1.5 * z();
  });
  return { name: 'shape', title: 'discord: a batch unlike all before', operator: 'discord', config: { length: 30, history: 600 }, messages, shown: 'power_kw{oven="a"}', from: START + 10 * HOUR };
}

/** With a watermark every minute, also where nothing comes. */
function watched(messages: readonly Message[]): Message[] {
  const until = Math.max(...messages.map((each) => (each.type === 'row' ? each.row.time : 0)));
  const marks = Array.from({ length: Math.floor((until - START) / MINUTE) }, (_, i): Message => ({ type: 'watermark', time: START + i * MINUTE }));
  const timeOf = (each: Message): number => (each.type === 'row' ? each.row.time : each.type === 'watermark' ? each.time : 0);
  return [...marks, ...messages].toSorted((a, b) => timeOf(a) - timeOf(b));
}

export const scenes: readonly Scene[] = [spike(), season(), job(), shift(), peer(), together(), silence(), frozen(), shape()];
