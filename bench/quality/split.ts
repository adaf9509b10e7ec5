import { createHash } from 'node:crypto';

/**
 * Whether parameters may be chosen by a file; the others confirm them. By nothing but its name: files
 * whose SHA-256 of `realTweets/Twitter_volume_AAPL.csv`, say, begins with an even digit.
 */
export function mayTune(name: string): boolean {
  return parseInt(createHash('sha256').update(name).digest('hex')[0]!, 16) % 2 === 0;
}
