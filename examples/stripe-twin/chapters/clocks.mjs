// Test clocks: renewals, trials, dunning, usage.
import { advance, assert, balances, CARD, DAY, step, submit } from "../lib.mjs";
import { payer } from "./subscriptions.mjs";

export async function clocks({ url, stripe, price, bigger, product }) {
  const start = Math.floor(Date.UTC(2026, 0, 31, 12) / 1000);
  const world = async (card, more = {}) => {
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: start });
    const customer = await payer(stripe, card, { test_clock: clock.id });
    const subscription = await stripe.subscriptions.create({ customer: customer.id, items: [{ price }], ...more });
    return { clock: clock.id, customer, subscription };
  };
  const all = async (list) => {
    const found = [];
    for await (const item of list) found.push(item);
    return found;
  };
  const dunning = async (after_retries) => {
    const answer = await fetch(`${url}/_twin/dunning`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ after_retries }) });
    assert.equal(answer.status, 200);
  };

  await step("four hundred days: fourteen invoices, each the sum of its lines, on the anchor's day", async () => {
    const { clock, customer, subscription } = await world("pm_card_visa");
    assert.equal(subscription.created, start);
    const there = await advance(stripe, clock, 400 * DAY);
    assert.equal(there.frozen_time, start + 400 * DAY);
    const invoices = await all(stripe.invoices.list({ customer: customer.id }));
    assert.equal(invoices.length, 14);
    for (const invoice of invoices) {
      balances(invoice);
      assert.equal(invoice.status, "paid");
      assert.equal(invoice.total, 1900);
    }
    const days = invoices.map((invoice) => new Date(invoice.created * 1000).getUTCDate()).reverse();
    assert.deepEqual(days.slice(0, 5), [31, 28, 31, 30, 31]);
    const now = await stripe.subscriptions.retrieve(subscription.id);
    assert.equal(now.status, "active");
    assert.ok(now.items.data[0].current_period_end > there.frozen_time);
  });
  await step("a trial is announced, ends, and is paid", async () => {
    const { clock, subscription } = await world("pm_card_visa", { trial_period_days: 14 });
    assert.equal(subscription.status, "trialing");
    await advance(stripe, clock, 12 * DAY);
    const types = (await stripe.events.list({ type: "customer.subscription.trial_will_end", limit: 1 })).data;
    assert.equal(types[0].data.object.id, subscription.id);
    await advance(stripe, clock, 3 * DAY);
    const now = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
    assert.deepEqual([now.status, now.latest_invoice.status, now.latest_invoice.total], ["active", "paid", 1900]);
    assert.equal(now.latest_invoice.billing_reason, "subscription_cycle");
  });
  await step("a trial without a card is canceled, paused and resumed, or becomes past due", async () => {
    for (const [missing_payment_method, status] of [["cancel", "canceled"], ["pause", "paused"], ["create_invoice", "past_due"]]) {
      const clock = await stripe.testHelpers.testClocks.create({ frozen_time: start });
      const customer = await stripe.customers.create({ test_clock: clock.id });
      const made = await stripe.subscriptions.create({ customer: customer.id, items: [{ price }], trial_period_days: 7, trial_settings: { end_behavior: { missing_payment_method } } });
      await advance(stripe, clock.id, 8 * DAY);
      assert.equal((await stripe.subscriptions.retrieve(made.id)).status, status);
      if (status === "paused") {
        const method = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
        await stripe.subscriptions.update(made.id, { default_payment_method: method.id });
        assert.equal((await stripe.subscriptions.resume(made.id)).status, "active");
      }
    }
  });
  await step("dunning: four attempts, then canceled, unpaid or past due; paid in time it goes on", async () => {
    for (const [rule, status] of [["cancel", "canceled"], ["unpaid", "unpaid"], ["past_due", "past_due"]]) {
      await dunning(rule);
      const { clock, customer, subscription } = await world("pm_card_visa");
      const bad = await stripe.paymentMethods.attach("pm_card_chargeCustomerFail", { customer: customer.id });
      await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: bad.id } });
      await advance(stripe, clock, 29 * DAY);
      const late = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
      assert.deepEqual([late.status, late.latest_invoice.status, late.latest_invoice.attempt_count], ["past_due", "open", 1]);
      assert.equal(late.latest_invoice.next_payment_attempt - late.latest_invoice.status_transitions.finalized_at, 3 * DAY);
      await advance(stripe, clock, 20 * DAY);
      const now = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
      assert.deepEqual([now.status, now.latest_invoice.attempt_count], [status, 4]);
    }
    await dunning("cancel");
    const { clock, customer, subscription } = await world("pm_card_visa");
    const bad = await stripe.paymentMethods.attach("pm_card_chargeCustomerFail", { customer: customer.id });
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: bad.id } });
    await advance(stripe, clock, 29 * DAY);
    const good = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: good.id } });
    await advance(stripe, clock, 4 * DAY);
    const now = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
    assert.deepEqual([now.status, now.latest_invoice.status, now.latest_invoice.attempt_count], ["active", "paid", 2]);
  });
  await step("canceled at the period's end, and paused collection", async () => {
    const { clock, customer, subscription } = await world("pm_card_visa");
    await stripe.subscriptions.update(subscription.id, { pause_collection: { behavior: "void" } });
    await advance(stripe, clock, 29 * DAY);
    const [latest] = (await stripe.invoices.list({ customer: customer.id, limit: 1 })).data;
    assert.equal(latest.status, "void");
    await stripe.subscriptions.update(subscription.id, { pause_collection: "", cancel_at_period_end: true });
    await advance(stripe, clock, 32 * DAY);
    const ended = await stripe.subscriptions.retrieve(subscription.id);
    assert.equal(ended.status, "canceled");
    assert.equal(ended.ended_at, ended.items.data[0].current_period_end);
  });
  await step("credit of a downgrade is used up by later invoices", async () => {
    const { clock, customer, subscription } = await world("pm_card_visa", { items: [{ price: bigger, quantity: 4 }] });
    await stripe.subscriptions.update(subscription.id, { items: [{ id: subscription.items.data[0].id, price, quantity: 1 }], proration_behavior: "always_invoice" });
    const [credit] = (await stripe.invoices.list({ customer: customer.id, limit: 1 })).data;
    assert.deepEqual([credit.total, credit.ending_balance], [1900 - 4 * 4900, 1900 - 4 * 4900]);
    await advance(stripe, clock, 100 * DAY);
    for (const invoice of await all(stripe.invoices.list({ customer: customer.id }))) balances(invoice);
    assert.equal((await stripe.customers.retrieve(customer.id)).balance, 1900 - 4 * 4900 + 3 * 1900);
  });
  await step("a coupon for three months reduces three invoices", async () => {
    const coupon = await stripe.coupons.create({ percent_off: 50, duration: "repeating", duration_in_months: 3 });
    const { clock, customer } = await world("pm_card_visa", { discounts: [{ coupon: coupon.id }] });
    await advance(stripe, clock, 150 * DAY);
    const totals = (await all(stripe.invoices.list({ customer: customer.id }))).map((invoice) => invoice.total).reverse();
    assert.deepEqual(totals, [950, 950, 950, 1900, 1900, 1900]);
  });
  await step("usage is counted by a meter and billed after the period", async () => {
    const event_name = `calls_${Date.now()}`;
    const meter = await stripe.billing.meters.create({ display_name: "Calls", event_name, default_aggregation: { formula: "sum" } });
    const metered = await stripe.prices.create({ product, currency: "usd", unit_amount: 7, recurring: { interval: "month", usage_type: "metered", meter: meter.id } });
    const { clock, customer } = await world("pm_card_visa", { items: [{ price: metered.id }] });
    const report = (value, identifier) => stripe.billing.meterEvents.create({ event_name, identifier, payload: { stripe_customer_id: customer.id, value: String(value) } });
    await report(10, `${event_name}-1`);
    await assert.rejects(report(10, `${event_name}-1`), { code: "duplicate_meter_event" });
    await advance(stripe, clock, 5 * DAY);
    await report(5, `${event_name}-2`);
    const [sum] = (await stripe.billing.meters.listEventSummaries(meter.id, { customer: customer.id, start_time: start, end_time: start + 30 * DAY })).data;
    assert.equal(sum.aggregated_value, 15);
    await advance(stripe, clock, 25 * DAY);
    const [latest] = (await stripe.invoices.list({ customer: customer.id, limit: 1 })).data;
    assert.deepEqual([latest.total, latest.lines.data[0].quantity, latest.status], [105, 15, "paid"]);
  });
  await step("customers made without a clock live by the one that the twin was told, their payment pages by the real one", async () => {
    const name = async (test_clock) => fetch(`${url}/_twin/clock`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ test_clock }) });
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: start });
    assert.equal((await name("clock_nowhere")).status, 400);
    assert.equal((await name(clock.id)).status, 200);
    const customer = await stripe.customers.create({ email: "ada@example.com" });
    assert.deepEqual([customer.test_clock, customer.created], [clock.id, start]);
    const session = await stripe.checkout.sessions.create({ customer: customer.id, mode: "subscription", success_url: "http://127.0.0.1/", line_items: [{ price, quantity: 1 }] });
    assert.ok(Math.abs(session.created - Date.now() / 1000) < 60);
    assert.equal((await submit(session.url, CARD)).status, 303);
    const [made] = (await stripe.subscriptions.list({ customer: customer.id })).data;
    assert.deepEqual([made.created, made.test_clock], [start, clock.id]);
    assert.equal((await name("")).status, 200);
    assert.equal((await stripe.customers.create({})).test_clock, null);
  });
  await step("a deleted clock takes everything on it along", async () => {
    const { clock, customer } = await world("pm_card_visa");
    await stripe.testHelpers.testClocks.del(clock);
    await assert.rejects(stripe.customers.retrieve(customer.id), { code: "resource_missing" });
  });
}
