/** Eight random bytes that tell a publisher from all others. The one place here that draws by itself: a publisher has no engine that hands it chance. */
export function randomPublisherId(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(8));
}
