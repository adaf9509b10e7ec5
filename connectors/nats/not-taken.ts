/** A message that no server will take as it is, however often it is sent. */
export class NotTaken extends Error {
  override readonly name = 'NotTaken';
}
