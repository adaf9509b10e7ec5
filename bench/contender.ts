import { scenarios } from './scenarios.js';

/** One run of one contender in a process of its own, told as a line of JSON. */
const [scenario, contender] = process.argv.slice(2);
const run = scenarios.find((s) => s.name === scenario)?.contenders[contender ?? ''];
if (run === undefined) throw new Error(`there is no contender ${contender} of ${scenario}`);
const outcome = await run();
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
process.stdout.write(`${JSON.stringify({ ...outcome, rssMb: maxRSS / 1024, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 })}\n`);
