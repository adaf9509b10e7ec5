/**
 * Whether a request with this Origin may change things or open a WebSocket: a page of another site can
 * send both with the reader's browser. Clients that are no browsers send no Origin and pass. A page of
 * this server passes (its Origin names the Host asked), and those in `allowed`, such as `https://ops.example.com`.
 */
export function originAllowed(origin: string | undefined, host: string | undefined, allowed: readonly string[]): boolean {
  if (origin === undefined || origin === '') return true;
  if (allowed.includes(origin)) return true;
  const at = origin.indexOf('://');
  return at > 0 && host !== undefined && origin.slice(at + 3).toLowerCase() === host.toLowerCase();
}
