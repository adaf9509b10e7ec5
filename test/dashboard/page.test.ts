import t, { type Test } from 'tap';
import { join } from 'node:path';
import { root, start } from '../cli/command.js';
import { folder } from '../connectors/stage.js';
import { browserNeeded, keep, measure, openPage, until } from './browser.js';

/** A running graph, as `npm start` runs it, in a folder of its own. */
async function shipped(test: Test): Promise<string> {
  const running = start(folder(test), ['run', join(root, 'config/millrace.yml'), '--port', '0', '--json']);
  test.teardown(async () => {
    running.child.kill('SIGTERM');
    await running.ended;
  });
  await running.says('Millrace is running');
  const line = running.stdout().split('\n').find((each) => each.includes('Millrace is running'))!;
  return (JSON.parse(line) as { address: string }).address;
}

async function post(address: string, body: unknown): Promise<number> {
  return (await fetch(`${address}/api/metrics`, { method: 'POST', body: JSON.stringify(body) })).status;
}

await t.test('the page of the shipped graph', browserNeeded, async (t) => {
  const address = await shipped(t);
  const { page, errors, foreign } = await openPage(t, address);
  t.equal(await page.title(), 'Millrace');

  await t.test('charts of the machine are drawn and move', async (t) => {
    const card = page.getByRole('article', { name: 'CPU busy' });
    await card.locator('.now').filter({ hasText: '%' }).waitFor();
    const newest = async () => Number(await card.locator('.plot').getAttribute('data-newest'));
    const before = await newest();
    t.ok(before > Date.now() - 60_000, 'the newest point is recent');
    await until('a newer point', async () => (await newest()) > before);
    t.match(await page.locator('.link').innerText(), 'Live');
    for (const name of ['Memory used', 'CPU usage', 'Load average']) t.ok(await page.getByRole('article', { name }).isVisible(), name);
    const painted = await measure(
      page,
      `(() => {
        const canvas = document.querySelector('.card canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.reduce((sum, value) => sum + (value > 0 ? 1 : 0), 0);
      })()`,
    );
    t.ok(painted > 100, 'something is painted');
  });

  await t.test('a spike in a posted metric is marked on its curve and explained', async (t) => {
    const now = Date.now();
    const usual = Array.from({ length: 80 }, (_, i) => ({ metric_name: 'checkout_seconds', value: 0.4 + 0.01 * (i % 5), timestamp: now - 90_000 + i * 1_000, labels: { shop: 'berlin' } }));
    t.equal(await post(address, usual), 202);
    const spike = [1, 2, 3].map((i) => ({ metric_name: 'checkout_seconds', value: 9 + i / 10, timestamp: now - 10_000 + i * 1_000, labels: { shop: 'berlin' } }));
    t.equal(await post(address, spike), 202);

    const card = page.getByRole('article', { name: 'Checkout' });
    await card.waitFor();
    await card.scrollIntoViewIfNeeded();
    const mark = card.getByRole('button', { name: /anomaly: Checkout/ });
    await mark.waitFor();
    t.match(await mark.getAttribute('aria-label'), /usual/);
    await mark.focus();
    const tip = card.getByRole('status');
    t.match(await tip.innerText(), /checkout_seconds\{shop="berlin"\} was 9\.\d+; .* is usual/, 'its explanation');
    t.match(await tip.innerText(), /since \d\d:\d\d:\d\d/, 'since when');
    t.equal(await page.locator('.link').getAttribute('data-state'), 'paused', 'the charts stand still meanwhile');
    await keep(page, 'anomaly');
    await page.keyboard.press('Escape');
    t.notOk(await tip.isVisible());

    const { anomalies } = (await (await fetch(`${address}/api/anomalies?time_range=1h&metric_name=checkout_seconds`)).json()) as { anomalies: { id: string }[] };
    t.equal(await mark.getAttribute('data-anomaly'), anomalies[0]?.id, 'the API tells of the same');
    t.ok(await page.locator('#anomalies').getByText('Checkout').first().isVisible(), 'and the list beside the charts');
  });

  await t.test('the arrow keys read values', async (t) => {
    const card = page.getByRole('article', { name: 'CPU busy' });
    await card.scrollIntoViewIfNeeded();
    await card.locator('.plot').focus();
    await page.keyboard.press('ArrowLeft');
    t.match(await card.getByRole('status').innerText(), /\d\d:\d\d:\d\d\s+CPU busy\s+[\d.]+\s?%/);
    await page.keyboard.press('Escape');
  });

  await t.test('longer ranges are filled from the store', async (t) => {
    const answer = page.waitForResponse(/\/api\/history/);
    await page.getByText('30 m').click();
    t.equal((await answer).status(), 200);
    const card = page.getByRole('article', { name: 'CPU busy' });
    await until('a point of an interval of 5 s', async () => Number(await card.locator('.plot').getAttribute('data-newest')) % 5_000 === 0);
    await page.getByText('5 m', { exact: true }).click();
  });

  await t.test('what a person chose stays', async (t) => {
    t.equal(await page.locator('html').getAttribute('data-theme'), 'light');
    await page.getByRole('button', { name: 'Dark theme' }).click();
    t.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
    await page.reload();
    t.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
    await page.locator('.card .now').filter({ hasText: '%' }).first().waitFor();
    await keep(page, 'dark');
  });

  await t.test('it fits a phone', async (t) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.locator('.card').first().scrollIntoViewIfNeeded();
    t.equal(await measure(page, 'document.documentElement.scrollWidth'), 390, 'nothing scrolls sideways');
    await keep(page, 'phone');
  });

  t.strictSame(errors, [], 'no error on the console');
  t.strictSame(foreign, [], 'no other host was asked');
});
