// A real browser, driven by lines of JSON: one request a line on stdin, one answer a line on stdout.
//
//     node drive.mjs chromium|firefox PROFILE-FOLDER
//     {"do": "open", "url": …}            a page, in place of the one before
//     {"do": "eval", "expression": …}     its value (a promise is awaited)
//     {"do": "click", "selector": …}
//     {"do": "fill", "selector": …, "text": …}
//     {"do": "screenshot", "path": …}
//
// The end of stdin closes the browser.

import readline from 'node:readline';

const QUIET = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-first-run'];
const SIZE = {width: 1100, height: 800};

async function chromium(profile) {
  const {chromium: launcher} = await import('playwright-core');
  const context = await launcher.launchPersistentContext(profile,
    {executablePath: '/usr/bin/chromium', args: QUIET, viewport: SIZE});
  return {page: context.pages()[0] ?? await context.newPage(), close: () => context.close()};
}

async function firefox(profile) {
  const {default: launcher} = await import('puppeteer-core');
  const browser = await launcher.launch({
    browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true, defaultViewport: SIZE,
    userDataDir: profile, args: ['--no-remote']});
  return {page: await browser.newPage(), close: () => browser.close()};
}

const verbs = {
  open: (page, {url}) => page.goto(url, {waitUntil: 'load'}).then(() => true),
  // The browser evaluates it, not the page: a page's Content-Security-Policy may forbid eval().
  eval: (page, {expression}) => page.evaluate(expression),
  click: (page, {selector}) => page.click(selector).then(() => true),
  fill: async (page, {selector, text}) => {
    await page.click(selector, {clickCount: 3});
    await page.keyboard.press('Backspace');
    await page.type(selector, text);
    return true;
  },
  screenshot: (page, {path}) => page.screenshot({path, fullPage: true}).then(() => true),
};

const [name, profile] = process.argv.slice(2);
const {page, close} = await {chromium, firefox}[name](profile);
const problems = [];
page.on('pageerror', error => problems.push(String(error)));
page.on('console', message => message.type() === 'error' && problems.push(message.text()));
verbs.problems = () => problems;

const answer = line => process.stdout.write(JSON.stringify(line) + '\n');
answer({ok: true});
for await (const line of readline.createInterface({input: process.stdin})) {
  const request = JSON.parse(line);
  try {
    answer({ok: true, value: await verbs[request.do](page, request)});
  } catch (error) {
    answer({ok: false, error: String(error)});
  }
}
await close();
