// Loaded into a process before everything else: its wall clock steps back by an hour at each SIGUSR2, and with CLOCK_STEP_MS by so
// much every 20 ms. The monotonic clock goes on.
const wall = Date.now;
let back = 0;
Date.now = () => wall() - back;
process.on('SIGUSR2', () => (back += 3_600_000));
const step = Number(process.env['CLOCK_STEP_MS'] ?? 0);
if (step > 0) setInterval(() => (back += step), 20).unref();
