// Events and their delivery: signed, tried again, and wrong on purpose.
import { assert, client, receive, step, until } from "../lib.mjs";

export async function webhooks({ url, stripe }) {
  let secret;
  let failures = 1;
  const hook = await receive(stripe, () => secret, () => (failures-- > 0 ? 500 : 200));
  const endpoint = await stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ["customer.created", "customer.updated"] });
  secret = endpoint.secret;
  const turn = async (knob) => {
    const answer = await fetch(`${url}/_twin/chaos`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(knob) });
    assert.equal(answer.status, 200, await answer.text());
  };

  await step("an event is signed, tried again after a failure, and tells what was before", async () => {
    const made = await stripe.customers.create({ email: "hook@example.com", name: "Before" });
    await stripe.customers.update(made.id, { name: "After" });
    await stripe.products.create({ name: "Nobody wants this event" });
    await until("three deliveries", () => hook.received.length >= 3);
    const good = hook.received.filter((entry) => entry.event);
    assert.equal(good.length, hook.received.length, "every signature is verified by the official helper");
    const updated = good.find((entry) => entry.event.type === "customer.updated").event;
    assert.deepEqual(updated.data.previous_attributes, { name: "Before" });
    assert.equal(updated.api_version, "2026-10-28.endive");
    assert.equal((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret, undefined);
    const listed = await stripe.events.retrieve(updated.id);
    assert.equal(listed.type, "customer.updated");
    await until("nothing pending", async () => (await stripe.events.retrieve(updated.id)).pending_webhooks === 0);
  });
  await step("chaos: duplicated, wrongly signed at first, dropped", async () => {
    hook.received.length = 0;
    await turn({ duplicate: 100 });
    await stripe.customers.create({});
    await until("two deliveries", () => hook.received.length === 2);
    assert.equal(hook.received[0].event.id, hook.received[1].event.id);
    await turn({ reset: true });
    hook.received.length = 0;
    failures = 0;
    await turn({ drop: 100 });
    const dropped = await stripe.customers.create({});
    await turn({ reset: true });
    await stripe.customers.update(dropped.id, { name: "x" });
    await until("one delivery", () => hook.received.length === 1);
    assert.equal(hook.received[0].event.type, "customer.updated");
  });
  await step("chaos: a wrong signature is not verified", async () => {
    hook.received.length = 0;
    await turn({ wrong_signature: 100 });
    await stripe.customers.create({});
    await until("one delivery", () => hook.received.length === 1);
    assert.equal(hook.received[0].error.type, "StripeSignatureVerificationError");
    await turn({ reset: true });
  });
  await step("chaos: 500 does nothing, close does it without an answer, and the same key finds it", async () => {
    await turn({ error: 100, path: "/v1/customers" });
    await assert.rejects(stripe.customers.create({ name: "never" }), { statusCode: 500 });
    await turn({ error: 0, close: 100 });
    const idempotencyKey = `close-${Math.random()}`;
    await assert.rejects(stripe.customers.create({ name: "done", email: "close@example.com" }, { idempotencyKey }), { type: "StripeConnectionError" });
    await turn({ reset: true });
    const found = await stripe.customers.create({ name: "done", email: "close@example.com" }, { idempotencyKey });
    assert.equal((await stripe.customers.list({ email: "close@example.com" })).data.length, 1);
    assert.equal(found.name, "done");
    await turn({ hang: 100, hang_ms: 60_000, path: "/v1/customers" });
    await assert.rejects(client(url, { timeout: 300 }).customers.list(), { type: "StripeConnectionError" });
    await turn({ reset: true });
  });
  await step("an event is triggered with everything it needs", async () => {
    const answer = await fetch(`${url}/_twin/trigger`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ event: "customer.subscription.updated" }) });
    const { events } = await answer.json();
    const types = await Promise.all(events.map(async (id) => (await stripe.events.retrieve(id)).type));
    assert.ok(types.includes("customer.subscription.updated"), types.join());
  });
  await stripe.webhookEndpoints.del(endpoint.id);
  hook.close();
}
