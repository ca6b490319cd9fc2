// Opens GraphiQL in a browser at the address that `make demo` prints, runs its three operations, and asserts on what the
// page shows.
//   node drive.mjs 'http://127.0.0.1:8000/graphql#token=...'
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const address = process.argv[2];
if (!address) {
  console.error('usage: node drive.mjs ADDRESS');
  process.exit(2);
}
const PATIENCE = 60_000;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
});
const faults = [];
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => faults.push(`page error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && faults.push(`console: ${message.text()}`));
  page.on('requestfailed', (request) => faults.push(`request failed: ${request.url()}`));
  await page.goto(address);
  await page.getByRole('tab').first().waitFor({ timeout: PATIENCE });
  assert.ok(!page.url().includes('token='), 'the token is still in the address bar');

  // The text that the result pane shows: its editor draws visible lines only, so its model is asked.
  const shown = () => page.evaluate(() => document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue() ?? '');
  const run = async (tab, ...wanted) => {
    await page.locator('.graphiql-tab-button', { hasText: tab }).click();
    await page.getByRole('button', { name: /Execute query/ }).click();
    for (const each of wanted) {
      const until = Date.now() + PATIENCE;
      while (!each.test(await shown())) {
        assert.ok(Date.now() < until, `${tab}: ${each} was not shown:\n${await shown()}`);
        await page.waitForTimeout(50);
      }
    }
    console.log(`${tab}: shows ${wanted.join(', ')}`);
    return shown();
  };
  const stop = async () => {
    const button = page.getByRole('button', { name: /Stop query/ });
    if (await button.isVisible()) await button.click();
  };

  const created = await run('CreateInstance', /"task": \{\s*"id": "tsk_/);
  assert.match(created, /"problems": \[\]/);
  await run('FollowTask', /"TaskSnapshot"/, /"StepChanged"/, /"TaskEnded"/, /"following": false/);
  assert.match(await shown(), /"TaskEnded",\s+"at": "[^"]+",\s+"state": "DONE"/);
  await run('FollowLogs', /"message": "[^"]+"/);
  await stop();
  assert.deepEqual(faults, []);
} finally {
  await browser.close();
}
