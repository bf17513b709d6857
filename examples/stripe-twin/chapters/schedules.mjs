// Subscription schedules: what comes at the end of the period, taken back, released, canceled, in another rhythm.
import { advance, assert, balances, DAY, refused, step } from "../lib.mjs";
import { payer } from "./subscriptions.mjs";

const start = Math.floor(Date.UTC(2026, 0, 31, 12) / 1000);

export async function schedules({ stripe, price, bigger, yearly }) {
  const world = async (more = {}) => {
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: start });
    const customer = await payer(stripe, "pm_card_visa", { test_clock: clock.id });
    const subscription = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: bigger, quantity: 2 }], ...more });
    return { clock: clock.id, customer: customer.id, subscription };
  };
  /** Plans that the subscription becomes `items` when its period ends. */
  const plan = async (subscription, items, more = {}) => {
    const made = await stripe.subscriptionSchedules.create({ from_subscription: subscription.id });
    const { start_date, end_date } = made.phases[0];
    const present = { start_date, end_date, items: made.phases[0].items.map(({ price, quantity }) => ({ price, quantity })) };
    const phases = [present, { items, duration: { interval: "month" }, proration_behavior: "none", ...more }];
    return stripe.subscriptionSchedules.update(made.id, { end_behavior: "release", phases });
  };
  const told = async (type, id) => (await stripe.events.list({ type, limit: 20 })).data.some((event) => event.data.object.id === id);

  await step("a schedule begins with the subscription as it is, and the subscription names it", async () => {
    const { subscription, customer } = await world();
    const made = await stripe.subscriptionSchedules.create({ from_subscription: subscription.id, metadata: { why: "test" } });
    assert.deepEqual([made.status, made.subscription, made.customer, made.end_behavior], ["active", subscription.id, customer, "release"]);
    assert.deepEqual(made.current_phase, { start_date: start, end_date: subscription.items.data[0].current_period_end });
    assert.deepEqual([made.phases.length, made.phases[0].items[0].price, made.phases[0].items[0].quantity], [1, bigger, 2]);
    assert.equal((await stripe.subscriptions.retrieve(subscription.id)).schedule, made.id);
    const expanded = await stripe.subscriptions.retrieve(subscription.id, { expand: ["schedule"] });
    assert.equal(expanded.schedule.metadata.why, "test");
    assert.ok(await told("subscription_schedule.created", made.id));
    await refused(stripe.subscriptionSchedules.create({ from_subscription: subscription.id }), { type: "StripeInvalidRequestError", param: "from_subscription" });
    await refused(stripe.subscriptionSchedules.create({ from_subscription: "sub_none" }), { code: "resource_missing" });
    const listed = await stripe.subscriptionSchedules.list({ customer });
    assert.deepEqual(listed.data.map((schedule) => schedule.id), [made.id]);
  });
  await step("the next phase begins with the next period, which is billed at its price, and nothing is prorated", async () => {
    const { clock, customer, subscription } = await world();
    const schedule = await plan(subscription, [{ price, quantity: 1 }], { metadata: { plan: "small" } });
    assert.deepEqual(schedule.phases.map((phase) => phase.items[0].price), [bigger, price]);
    const now = await stripe.subscriptions.retrieve(subscription.id);
    assert.deepEqual([now.items.data[0].price.id, now.items.data[0].quantity], [bigger, 2]);
    const upcoming = await stripe.invoices.createPreview({ customer, subscription: subscription.id });
    assert.equal(upcoming.total, 1900);
    await advance(stripe, clock, 29 * DAY);
    const after = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
    assert.deepEqual([after.items.data[0].price.id, after.items.data[0].quantity, after.metadata.plan], [price, 1, "small"]);
    balances(after.latest_invoice);
    assert.deepEqual([after.latest_invoice.total, after.latest_invoice.status, after.latest_invoice.billing_reason], [1900, "paid", "subscription_cycle"]);
    const second = await stripe.subscriptionSchedules.retrieve(schedule.id);
    assert.equal(second.current_phase.start_date, schedule.phases[1].start_date);
    assert.ok(await told("subscription_schedule.updated", schedule.id));
    await advance(stripe, clock, 31 * DAY);
    const released = await stripe.subscriptionSchedules.retrieve(schedule.id);
    assert.deepEqual([released.status, released.released_subscription, released.subscription], ["released", subscription.id, null]);
    assert.ok(await told("subscription_schedule.released", schedule.id));
    const goesOn = await stripe.subscriptions.retrieve(subscription.id);
    assert.deepEqual([goesOn.status, goesOn.schedule], ["active", null]);
    for await (const invoice of stripe.invoices.list({ customer })) balances(invoice);
  });
  await step("from months to years: the year begins when the month ends", async () => {
    const { clock, subscription } = await world();
    await plan(subscription, [{ price: yearly, quantity: 1 }], { duration: { interval: "year" } });
    await advance(stripe, clock, 29 * DAY);
    const after = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
    const [item] = after.items.data;
    assert.equal(item.current_period_start, subscription.items.data[0].current_period_end);
    assert.equal(new Date(item.current_period_end * 1000).toISOString().slice(0, 10), "2027-02-28");
    assert.equal(after.latest_invoice.total, 19_000);
  });
  await step("released before its time nothing changes; a schedule forbids other wishes about the end", async () => {
    const { clock, subscription } = await world();
    const schedule = await plan(subscription, [{ price, quantity: 1 }]);
    await refused(stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true }), { type: "StripeInvalidRequestError" });
    const released = await stripe.subscriptionSchedules.release(schedule.id);
    assert.deepEqual([released.status, released.current_phase], ["released", null]);
    await refused(stripe.subscriptionSchedules.release(schedule.id), { type: "StripeInvalidRequestError" });
    await advance(stripe, clock, 29 * DAY);
    const after = await stripe.subscriptions.retrieve(subscription.id);
    assert.deepEqual([after.items.data[0].price.id, after.items.data[0].quantity], [bigger, 2]);
    await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
  });
  await step("seats that change meanwhile are prorated now and kept for the phase that waits", async () => {
    const { clock, subscription } = await world();
    const schedule = await plan(subscription, [{ price, quantity: 2 }]);
    await advance(stripe, clock, 10 * DAY);
    const { start_date, end_date } = schedule.phases[0];
    const phases = [{ start_date, end_date, items: [{ price: bigger, quantity: 3 }] }, { items: [{ price, quantity: 3 }], duration: { interval: "month" } }];
    await stripe.subscriptionSchedules.update(schedule.id, { phases, proration_behavior: "create_prorations" });
    const now = await stripe.subscriptions.retrieve(subscription.id);
    assert.deepEqual([now.items.data[0].id, now.items.data[0].quantity], [subscription.items.data[0].id, 3]);
    await advance(stripe, clock, 19 * DAY);
    const after = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
    assert.deepEqual([after.items.data[0].price.id, after.items.data[0].quantity], [price, 3]);
    balances(after.latest_invoice);
    assert.ok(after.latest_invoice.lines.data.some((line) => line.parent.subscription_item_details?.proration));
  });
  await step("a discount lasts through the phases that name it", async () => {
    const coupon = await stripe.coupons.create({ percent_off: 50, duration: "forever" });
    const { clock, subscription } = await world({ discounts: [{ coupon: coupon.id }] });
    const discount = subscription.discounts[0];
    const made = await stripe.subscriptionSchedules.create({ from_subscription: subscription.id });
    assert.deepEqual(made.phases[0].discounts, [{ coupon: coupon.id, discount, promotion_code: null }]);
    const { start_date, end_date } = made.phases[0];
    const next = { items: [{ price }], duration: { interval: "month" }, discounts: [{ discount }] };
    await stripe.subscriptionSchedules.update(made.id, { phases: [{ start_date, end_date, items: [{ price: bigger, quantity: 2 }], discounts: [{ discount }] }, next] });
    await advance(stripe, clock, 29 * DAY);
    const after = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
    assert.equal(after.latest_invoice.total, 950);
  });
  await step("a schedule that ends its subscription, and one that is canceled with it", async () => {
    const { clock, subscription } = await world();
    const made = await stripe.subscriptionSchedules.create({ from_subscription: subscription.id });
    await stripe.subscriptionSchedules.update(made.id, { end_behavior: "cancel" });
    await advance(stripe, clock, 29 * DAY);
    assert.equal((await stripe.subscriptionSchedules.retrieve(made.id)).status, "completed");
    assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, "canceled");
    assert.ok(await told("subscription_schedule.completed", made.id));
    const other = await world();
    const doomed = await plan(other.subscription, [{ price }]);
    assert.equal((await stripe.subscriptionSchedules.cancel(doomed.id)).status, "canceled");
    assert.equal((await stripe.subscriptions.retrieve(other.subscription.id)).status, "canceled");
    assert.ok(await told("subscription_schedule.canceled", doomed.id));
    const third = await world();
    const left = await plan(third.subscription, [{ price }]);
    await stripe.subscriptions.cancel(third.subscription.id);
    assert.equal((await stripe.subscriptionSchedules.retrieve(left.id)).status, "canceled");
  });
  await step("a trial goes on through its phase and ends in the next", async () => {
    const { clock, subscription } = await world({ trial_period_days: 14 });
    const made = await stripe.subscriptionSchedules.create({ from_subscription: subscription.id });
    const { start_date, end_date, trial_end } = made.phases[0];
    assert.equal(trial_end, subscription.trial_end);
    const present = { start_date, end_date, trial_end, items: [{ price: bigger, quantity: 2 }] };
    await stripe.subscriptionSchedules.update(made.id, { phases: [present, { items: [{ price }], duration: { interval: "month" } }] });
    assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, "trialing");
    await advance(stripe, clock, 15 * DAY);
    const after = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
    assert.deepEqual([after.status, after.latest_invoice.total], ["active", 1900]);
  });
  await step("phases that make no sense are refused", async () => {
    const { subscription } = await world();
    const made = await stripe.subscriptionSchedules.create({ from_subscription: subscription.id });
    const { start_date, end_date } = made.phases[0];
    const update = (phases) => refused(stripe.subscriptionSchedules.update(made.id, { phases }), { type: "StripeInvalidRequestError" });
    const items = [{ price }];
    await update([{ items, start_date: start_date - 1, end_date }]);
    await update([{ items, start_date }]);
    await update([{ items, start_date, end_date: start_date }]);
    await update([{ items: [], start_date, end_date }]);
    await update([{ items: [{ price: "price_none" }], start_date, end_date }]);
    await update([{ items, start_date, end_date, coupon: "x" }]);
    await update([{ items: [{ price: yearly }, { price }], start_date, end_date }]);
    const kept = await stripe.subscriptionSchedules.retrieve(made.id);
    assert.deepEqual(kept.phases, made.phases);
  });
}
