import { register } from 'node:module';

let registered = false;

/** The simulator, and the engine under it, with a fault in it. */
export async function mutated(name: string): Promise<typeof import('./simulate.js')> {
  if (!registered) register(new URL('mutant-hooks.js', import.meta.url));
  registered = true;
  return (await import(`./simulate.js?mutant=${name}`)) as typeof import('./simulate.js');
}
