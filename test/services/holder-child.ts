// A process that starts a server and waits to be killed: node holder-child.js FOLDER. Prints the number of the server's process.
import { natsService } from './nats-server.js';
import { Server } from './server.js';

const server = await Server.start(natsService, process.argv[2]!, { jetstream: true });
process.stdout.write(`${server.pid}\n`);
// The guard's pipe keeps no process alive.
setInterval(() => undefined, 1_000);
