// Hosted checkout, driven as a browser without JavaScript drives it.
import { assert, CARD, refused, step, submit } from "../lib.mjs";

const targets = { success_url: "https://example.com/done?session={CHECKOUT_SESSION_ID}", cancel_url: "https://example.com/back" };

export async function checkout({ stripe, price }) {
  const subscribe = (more = {}) => stripe.checkout.sessions.create({ mode: "subscription", line_items: [{ price, quantity: 1 }], ...targets, ...more });

  await step("a subscription is bought", async () => {
    const session = await subscribe({ client_reference_id: "org_1", metadata: { a: "b" }, subscription_data: { metadata: { c: "d" } } });
    assert.deepEqual([session.status, session.payment_status, session.amount_total], ["open", "unpaid", 1900]);
    const page = await (await fetch(session.url)).text();
    assert.match(page, /\$19\.00/);
    const sent = await submit(session.url, CARD);
    assert.deepEqual([sent.status, sent.location], [303, `https://example.com/done?session=${session.id}`]);
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ["subscription.latest_invoice.payments", "line_items", "customer"] });
    assert.deepEqual([done.status, done.payment_status, done.subscription.status], ["complete", "paid", "active"]);
    assert.equal(done.line_items.data[0].price.id, price);
    assert.equal(done.customer.email, "ada@example.com");
    assert.deepEqual(done.subscription.metadata, { c: "d" });
    assert.equal(done.subscription.latest_invoice.payments.data[0].status, "paid");
    assert.equal(typeof done.subscription.items.data[0].current_period_end, "number");
    assert.equal(done.subscription.current_period_end, undefined);
  });
  await step("a declined card leaves nothing behind, and another one pays", async () => {
    const customer = await stripe.customers.create({});
    const session = await subscribe({ customer: customer.id });
    const declined = await submit(session.url, { ...CARD, number: "4000000000000002" });
    assert.equal(declined.status, 200);
    assert.match(declined.text, /Your card was declined/);
    assert.equal((await stripe.subscriptions.list({ customer: customer.id, status: "all" })).data.length, 0);
    assert.equal((await submit(session.url, CARD)).status, 303);
    assert.equal((await stripe.subscriptions.list({ customer: customer.id })).data.length, 1);
  });
  await step("3-D Secure in checkout: failed first, then completed", async () => {
    const customer = await stripe.customers.create({});
    const session = await subscribe({ customer: customer.id });
    const challenge = await submit(session.url, { ...CARD, number: "4000002500003155" });
    assert.match(challenge.location, /\/_twin\/challenge\/pi_/);
    const failed = await submit(challenge.location, { do: "fail" });
    assert.equal(failed.location, session.url);
    assert.equal((await stripe.subscriptions.list({ customer: customer.id })).data.filter((found) => found.status === "active").length, 0);
    const again = await submit(session.url, { ...CARD, number: "4000002500003155" });
    const done = await submit(again.location, { do: "complete" });
    assert.match(done.location, /example\.com\/done/);
    assert.equal((await stripe.subscriptions.list({ customer: customer.id, status: "active" })).data.length, 1);
  });
  await step("paid in one tab, refused in the other", async () => {
    const session = await subscribe();
    const tabs = await Promise.all([submit(session.url, CARD), submit(session.url, CARD)]);
    const { customer } = await stripe.checkout.sessions.retrieve(session.id);
    assert.equal((await stripe.subscriptions.list({ customer, status: "all" })).data.length, 1);
    assert.equal(tabs.filter((tab) => tab.status === 303).length, 1);
  });
  await step("an expired session cannot be paid", async () => {
    const session = await subscribe();
    assert.equal((await stripe.checkout.sessions.expire(session.id)).status, "expired");
    assert.notEqual((await submit(session.url, CARD)).status, 303);
    await refused(stripe.checkout.sessions.expire(session.id), { statusCode: 400 });
  });
  await step("a trial asks for the card and charges nothing", async () => {
    const session = await subscribe({ subscription_data: { trial_period_days: 14 } });
    assert.equal(session.amount_total, 0);
    await submit(session.url, CARD);
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ["subscription"] });
    assert.deepEqual([done.payment_status, done.subscription.status], ["no_payment_required", "trialing"]);
    assert.ok(done.subscription.default_payment_method);
  });
  await step("a promotion code is typed on the page", async () => {
    const coupon = await stripe.coupons.create({ percent_off: 50, duration: "once" });
    const code = await stripe.promotionCodes.create({ promotion: { type: "coupon", coupon: coupon.id }, code: `HALF${Date.now()}` });
    const session = await subscribe({ allow_promotion_codes: true });
    assert.match((await submit(session.url, { do: "promotion", promotion_code: "WRONG" })).text, /invalid/);
    assert.match((await submit(session.url, { do: "promotion", promotion_code: code.code })).text, /\$9\.50/);
    await submit(session.url, CARD);
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ["invoice"] });
    assert.deepEqual([done.amount_total, done.invoice.amount_paid, done.total_details.amount_discount], [950, 950, 950]);
    assert.equal((await stripe.promotionCodes.retrieve(code.id)).times_redeemed, 1);
  });
  await step("a single payment and a setup", async () => {
    const line_items = [{ quantity: 2, price_data: { currency: "eur", unit_amount: 700, product_data: { name: "Sticker" } } }];
    const once = await stripe.checkout.sessions.create({ mode: "payment", line_items, ...targets });
    await submit(once.url, CARD);
    const paid = await stripe.checkout.sessions.retrieve(once.id, { expand: ["payment_intent"] });
    assert.deepEqual([paid.payment_status, paid.payment_intent.amount_received, paid.currency], ["paid", 1400, "eur"]);
    const customer = await stripe.customers.create({});
    const setup = await stripe.checkout.sessions.create({ mode: "setup", customer: customer.id, currency: "usd", ...targets });
    await submit(setup.url, CARD);
    assert.equal((await stripe.customers.listPaymentMethods(customer.id)).data.length, 1);
  });
  await step("nonsense is refused before there is a page", async () => {
    await refused(stripe.checkout.sessions.create({ mode: "payment", line_items: [{ price, quantity: 1 }], ...targets }), { param: "line_items" });
    await refused(subscribe({ success_url: "javascript:alert(1)" }), { param: "success_url" });
    await refused(subscribe({ expires_at: Math.floor(Date.now() / 1000) + 60 }), { param: "expires_at" });
    await refused(stripe.checkout.sessions.create({ mode: "subscription", ...targets }), { param: "line_items" });
  });
  await step("pages answer no form of another site", async () => {
    const session = await subscribe();
    const answer = await fetch(session.url, { method: "POST", body: new URLSearchParams(CARD), redirect: "manual", headers: { origin: "https://evil.example" } });
    assert.equal(answer.status, 403);
    assert.equal((await stripe.checkout.sessions.retrieve(session.id)).status, "open");
  });
}
