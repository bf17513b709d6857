// What every chapter uses: steps that count, a client, an endpoint that verifies what it receives, a browser without JavaScript.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import Stripe from "stripe";

export { assert, Stripe };

const outcome = { passed: 0, failed: 0 };

export async function step(name, body) {
  try {
    await body();
    outcome.passed += 1;
    console.log(`ok   ${name}`);
  } catch (error) {
    outcome.failed += 1;
    console.log(`FAIL ${name}: ${error.stack ?? error}`);
  }
}

export function finish() {
  console.log(`stripe-twin: ${outcome.passed} passed, ${outcome.failed} failed`);
  process.exit(outcome.failed === 0 ? 0 : 1);
}

export function argument(name, fallback) {
  const place = process.argv.indexOf(`--${name}`);
  return place < 0 ? fallback : process.argv[place + 1];
}

export function client(url, options = {}) {
  const { hostname, port, protocol } = new URL(url);
  const where = { host: hostname, port, protocol: protocol.replace(":", "") };
  return new Stripe("sk_test_driver", { ...where, maxNetworkRetries: 0, ...options });
}

export async function refused(promise, wanted) {
  const error = await promise.then(() => assert.fail("it was not refused"), (error) => error);
  for (const [name, value] of Object.entries(wanted)) assert.equal(error[name], value, `${name} of ${error.message}`);
  return error;
}

/** Serves an endpoint that verifies each event with the official helper and keeps it; answers what `behave` says. */
export async function receive(stripe, secretOf, behave = () => 200) {
  const received = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      let entry;
      try {
        entry = { event: stripe.webhooks.constructEvent(body, request.headers["stripe-signature"], secretOf()) };
      } catch (error) {
        entry = { error };
      }
      received.push(entry);
      response.statusCode = behave(entry, received);
      response.end("{}");
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${server.address().port}/hook`;
  return { url, received, close: () => server.close() };
}

export async function until(what, check, patience = 15_000) {
  const deadline = Date.now() + patience;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${patience} ms`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** Sends the form of a page as a browser would, without following where it leads. */
export async function submit(url, fields) {
  const origin = new URL(url).origin;
  const body = new URLSearchParams(fields);
  const answer = await fetch(url, { method: "POST", body, redirect: "manual", headers: { origin } });
  return { status: answer.status, location: answer.headers.get("location"), text: await answer.text() };
}

export const CARD = { email: "ada@example.com", name: "Ada", number: "4242 4242 4242 4242", expiry: "12/34", cvc: "123" };

/** Puts a clock forward and waits until everything has happened. */
export async function advance(stripe, clock, seconds) {
  const now = await stripe.testHelpers.testClocks.retrieve(clock);
  await stripe.testHelpers.testClocks.advance(clock, { frozen_time: now.frozen_time + seconds });
  return until("the clock", async () => {
    const found = await stripe.testHelpers.testClocks.retrieve(clock);
    assert.notEqual(found.status, "internal_failure");
    return found.status === "ready" && found;
  }, 60_000);
}

export const DAY = 86_400;

/** Every invoice is the sum of its lines, less its discounts, to the last cent. */
export function balances(invoice) {
  const lines = invoice.lines.data.reduce((sum, line) => sum + line.amount, 0);
  const off = invoice.total_discount_amounts.reduce((sum, discount) => sum + discount.amount, 0);
  const offLines = invoice.lines.data.flatMap((line) => line.discount_amounts).reduce((sum, discount) => sum + discount.amount, 0);
  assert.equal(invoice.subtotal, lines);
  assert.equal(off, offLines);
  assert.equal(invoice.total, lines - off);
  const { amount_due, starting_balance, ending_balance } = invoice;
  if (ending_balance !== null) assert.equal(amount_due, invoice.total + starting_balance - ending_balance);
}
