import type { Take } from '../peers/nats-client/decoders.js';
import type { Job, Told } from '../peers/job.js';
import { endName } from '../nats/messages.js';
import { bodies, type PostedForm } from './bodies.js';

/** Bodies that are made before they are read: a few megabytes, so that a body is as cold as it comes from a socket. */
const AHEAD = 16;

/** Reads all bodies of a job; the time for making them is in none of the figures. `check`: how many samples there were, and the sum of their values. */
export function timedReading(form: PostedForm, { samples, series }: Job, read: (body: Uint8Array, take: Take) => void): Told {
  let [results, means, ns] = [0, 0, 0n];
  let cpu_us = 0;
  const take: Take = (name, _, value) => {
    if (name.startsWith(endName)) return;
    results += 1;
    means += value;
  };
  const readAll = (some: readonly Uint8Array[]): void => {
    const began = process.hrtime.bigint();
    const before = process.cpuUsage();
    for (const body of some) read(body, take);
    const { user, system } = process.cpuUsage(before);
    cpu_us += user + system;
    ns += process.hrtime.bigint() - began;
  };
  let ahead: Uint8Array[] = [];
  const most = form === 'objects' ? AHEAD * 1_000 : AHEAD;
  for (const body of bodies(form, samples, series)) {
    ahead.push(body);
    if (ahead.length < most) continue;
    readAll(ahead);
    ahead = [];
  }
  readAll(ahead);
  return { seconds: Number(ns) / 1e9, check: { results, means }, further: { ns_of_processor_a_sample: (cpu_us * 1_000) / samples } };
}
