import { join } from 'node:path';
import t, { type Test } from 'tap';
import { root } from '../config/root.js';
import { folder } from '../connectors/stage.js';
import { browserNeeded, keep, measure, openPage, until } from './browser.js';
import { PageServer } from './page-server.js';
import { alertOf, anomalyOf, burnOf, closed, CPU, feedbackOf, forecastOf } from './scenario.js';

const assets = join(root, 'build/dashboard');

async function serve(test: Test, options: { readonly since?: number } = {}): Promise<PageServer> {
  const server = await PageServer.start(assets, folder(test), options);
  test.teardown(() => server.close());
  return server;
}

await t.test('everything that was found is shown', browserNeeded, async (t) => {
  const server = await serve(t);
  const now = Date.now();
  const cpu = anomalyOf(CPU, { openedAt: now - 40_000, value: 91.3, lower: 22, upper: 47, severity: 'critical' });
  const checkout = anomalyOf('checkout_duration_seconds{shop="berlin"}', { openedAt: now - 30_000, value: 0.61, lower: 0.2, upper: 0.45 });
  const burn = burnOf('api_availability', now - 300_000);
  server.budgets = {
    api_availability: { compliance: 99.71, target: 99.9, error_budget_remaining: 12.5, burn_rate: 30, status: 'critical' },
    api_success: { compliance: 98.2, target: 99.5, error_budget_remaining: -260, burn_rate: 3.6, status: 'breached' },
    search: { compliance: 100, target: 99, error_budget_remaining: 100, burn_rate: 0, status: 'no_data' },
  };
  await server.findings(
    cpu,
    checkout,
    burn,
    alertOf([cpu, checkout], { host: 'web-1' }),
    forecastOf('filesystem_used_percent{host="web-1",mount="/"}', now, { current: 88, predicted: 97.4, action: 'immediate_scale_up_required', criticalAt: now + 5 * 3_600_000 }),
  );
  const { page, errors } = await openPage(t, server.address);

  await page.getByRole('heading', { name: '1 alert is firing' }).waitFor();
  const alerts = page.getByRole('region', { name: 'Alerts' });
  t.match(await alerts.innerText(), /Critical\s+host web-1/i);
  t.match(await alerts.innerText(), /3 duplicates held back/);
  await alerts.getByText('2 findings in it').click();
  t.match(await alerts.getByRole('list').last().innerText(), /cpu_busy_percent\{host="web-1"\} was 91\.3[^]*checkout_duration_seconds/, 'its members');

  const budgets = page.getByRole('region', { name: 'Error budgets' });
  t.match(await budgets.innerText(), /api_success\s+Spent[^]*overspent 3\.6×[^]*api_availability\s+Burning fast[^]*12\.5 %[^]*30×[^]*search\s+No traffic/, 'the most urgent first');
  t.equal(await budgets.getByRole('meter', { name: 'api_availability' }).getAttribute('aria-valuetext'), '12.5 %');
  t.match(await page.getByRole('region', { name: 'Capacity' }).innerText(), /Filesystem used[^]*Scale up now[^]*88\s?%[^]*97\s?%[^]*critical limit in 4\s?h/);
  t.match(await page.getByRole('article', { name: 'CPU busy' }).innerText(), /critical anomaly: 91\s?%; usual 22 – 47\s?%/i);
  t.equal(await page.locator('#icon').getAttribute('href'), '/icon-alert.svg', 'a tab in the background shows it too');

  await t.test('a chart draws at most eight lines, and lists the others', async (t) => {
    const queue = page.getByRole('article', { name: 'Queue depth' });
    await queue.scrollIntoViewIfNeeded();
    t.equal(await queue.locator('[aria-pressed=true]').count(), 8);
    await queue.getByText('4 not drawn').click();
    t.equal(await queue.locator('[aria-pressed=false]').count(), 4);
    const name = await queue.locator('[aria-pressed=false] .legend-label').first().innerText();
    await queue.locator('[aria-pressed=false]').first().click();
    await queue.locator('[aria-pressed=true] .legend-label').getByText(name, { exact: true }).waitFor();
    t.equal(await queue.locator('[aria-pressed=true]').count(), 8, 'one made room');
  });

  await t.test('what is over is no longer called open', async (t) => {
    await server.findings(closed(cpu, Date.now()));
    await until('the anomaly is over', async () => (await page.getByRole('article', { name: 'CPU busy' }).locator('.unusual-line').count()) === 0);
    t.match(await page.getByRole('region', { name: 'Anomalies' }).innerText(), /CPU busy[^]*over; began/);
  });
  await keep(page, 'findings');
  t.strictSame(errors, []);
});

await t.test('false alarm, or right: said, shown and undone', browserNeeded, async (t) => {
  const server = await serve(t);
  server.nodes = [
    { name: 'people', type: 'feedback', from: [] },
    { name: 'odd', type: 'detect', from: ['host', 'people'] },
  ];
  const now = Date.now();
  const cpu = anomalyOf(CPU, { openedAt: now - 40_000, value: 91.3, lower: 22, upper: 47, severity: 'critical', contributions: { deviation: 0.48, change: 0.52 } });
  const checkout = closed(anomalyOf('checkout_duration_seconds{shop="berlin"}', { openedAt: now - 30_000, value: 0.61, lower: 0.2, upper: 0.45 }), now);
  const other = anomalyOf('queue_depth{queue="orders",shard="1"}', { openedAt: now - 20_000, value: 900, lower: 20, upper: 45, operator: 'deaf', id: 'deaf' });
  await server.findings(cpu, checkout, other);
  const { page, errors } = await openPage(t, server.address);
  const item = (name: string) => page.locator('#anomalies .finding').filter({ hasText: name });
  await item('Checkout').getByRole('button', { name: 'right' }).click();
  await until('it is told', async () => server.told.length === 1);
  await item('CPU busy').getByRole('button', { name: 'false alarm' }).click();
  await until('and the other', async () => server.told.length === 2);
  t.strictSame(server.told, [`POST ${checkout.id} {"verdict":"true_positive"}`, `POST ${cpu.id} {"verdict":"false_positive"}`]);
  t.equal(await item('Queue').getByRole('group').count(), 0, 'not where nobody would learn from it');

  const said = feedbackOf(cpu);
  await server.findings(said);
  await item('CPU busy').getByText('False alarm, says ann').waitFor();
  t.equal(await item('CPU busy').getByRole('button', { name: 'right' }).count(), 0);
  await keep(page, 'feedback');
  server.answer = { status: 409, body: { detail: 'No feedback stands for this anomaly.' } };
  await item('CPU busy').getByRole('button', { name: 'undo' }).click();
  await item('CPU busy').getByRole('alert').waitFor();
  t.match(await item('CPU busy').getByRole('alert').innerText(), 'No feedback stands');
  t.equal(server.told.at(-1), `DELETE ${cpu.id} `);
  server.answer = { status: 202, body: {} };
  await item('CPU busy').getByRole('button', { name: 'undo' }).click();
  await until('the failure is gone', async () => (await item('CPU busy').getByRole('alert').count()) === 0);
  await server.findings({ ...said, revision: 2, state: 'closed' });
  await item('CPU busy').getByRole('button', { name: 'right' }).waitFor();
  await page.getByRole('article', { name: 'CPU busy' }).getByRole('button', { name: /anomaly/ }).focus();
  t.match(await page.getByRole('article', { name: 'CPU busy' }).getByRole('status').innerText(), /because of change 52\s%, deviation 48\s%/);
  await keep(page, 'contributions');
  t.strictSame(errors.filter((error) => !error.includes('409')), []);
});

await t.test('a page whose server goes away looks stale, comes back and misses nothing', browserNeeded, async (t) => {
  const server = await serve(t);
  const { page, sent } = await openPage(t, server.address, { width: 390, height: 844, dark: true });
  const plot = page.getByRole('article', { name: 'CPU busy' }).locator('.plot');
  await plot.scrollIntoViewIfNeeded();
  await until('a chart is drawn', async () => (await plot.getAttribute('data-newest')) !== null);
  t.equal(await page.locator('#anomalies .finding').count(), 0);

  const missed = anomalyOf(CPU, { openedAt: Date.now(), value: 88, lower: 20, upper: 50 });
  await server.vanish(async () => {
    await server.findings(missed);
    await page.getByText(/Everything below is \d+\s?s old/).waitFor();
    t.equal(await page.locator('main').getAttribute('class'), 'stale');
    t.equal(await page.locator('.verdict h2').innerText(), 'Not connected', 'it no longer says that all is quiet');
    t.equal(await measure(page, 'document.documentElement.scrollWidth'), 390);
    await keep(page, 'stale');
  });

  await until('it is live again', async () => (await page.locator('.link').getAttribute('data-state')) === 'live');
  await until('the missed anomaly is listed', async () => (await page.locator('#anomalies .finding').count()) === 1);
  const asked = sent.at(-1)!.map((frame) => JSON.parse(frame) as { channel: string; from?: { epoch: string; offset: number } });
  t.equal(asked.length, 6);
  for (const { channel, from } of asked) t.match(from, { epoch: /./, offset: Number }, `${channel} goes on where it stopped`);
  const back = Number(await plot.getAttribute('data-newest'));
  await until('the charts move again', async () => Number(await plot.getAttribute('data-newest')) > back);
});

await t.test('a server that falls silent is told from one that is away', browserNeeded, async (t) => {
  const server = await serve(t);
  const { page, errors } = await openPage(t, server.address);
  await page.locator('.card .now').filter({ hasText: '%' }).first().waitFor();
  server.pause();
  await page.getByText(/No data for \d+\s?s/).waitFor();
  t.equal(await page.locator('main').getAttribute('class'), 'quiet');
  t.equal(await page.locator('.link').getAttribute('data-link'), 'live');
  t.strictSame(errors, []);
});

await t.test('after a restart of the server charts go on from what the store has', browserNeeded, async (t) => {
  const server = await serve(t, { since: 20_000 });
  const { page, errors } = await openPage(t, server.address);
  const card = page.getByRole('article', { name: 'CPU busy' });
  const secondsAgo = async () => {
    // Away and back: the charts stand still while they are pointed at.
    await page.mouse.move(700, 5);
    const box = await card.locator('.u-over').boundingBox();
    if (box === null) return Infinity;
    await page.mouse.move(box.x + 5, box.y + 50);
    const [, hours, minutes, seconds] = /(\d\d):(\d\d):(\d\d)/.exec(await card.getByRole('status').innerText()) ?? [];
    const then = new Date();
    then.setHours(Number(hours), Number(minutes), Number(seconds));
    return ((Date.now() - then.getTime()) / 1_000 + 86_400) % 86_400;
  };
  await until('the left end of the chart is five minutes ago', async () => Math.abs((await secondsAgo()) - 296) < 15);
  t.strictSame(errors, []);
});
