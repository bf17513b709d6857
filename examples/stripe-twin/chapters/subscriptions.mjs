// Subscriptions without a clock: first payments, changes, previews, ends.
import { assert, balances, refused, step, submit } from "../lib.mjs";

export async function payer(stripe, card = "pm_card_visa", more = {}) {
  const customer = await stripe.customers.create({ email: "payer@example.com", ...more });
  const method = await stripe.paymentMethods.attach(card, { customer: customer.id });
  return stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } });
}

export async function subscriptions({ stripe, price, yearly, bigger }) {
  const subscribe = (customer, more = {}) => stripe.subscriptions.create({ customer: customer.id, items: [{ price }], ...more });

  await step("a first payment makes it active; its invoice adds up", async () => {
    const made = await subscribe(await payer(stripe), { expand: ["latest_invoice"] });
    assert.equal(made.status, "active");
    assert.equal(made.latest_invoice.amount_paid, 1900);
    assert.equal(made.latest_invoice.parent.subscription_details.subscription, made.id);
    balances(made.latest_invoice);
  });
  await step("incomplete until the client confirms, with the secret of the invoice", async () => {
    const customer = await stripe.customers.create({});
    const made = await subscribe(customer, { payment_behavior: "default_incomplete", expand: ["latest_invoice.confirmation_secret"] });
    assert.equal(made.status, "incomplete");
    const intent = made.latest_invoice.confirmation_secret.client_secret.split("_secret_")[0];
    await stripe.paymentIntents.confirm(intent, { payment_method: "pm_card_visa", return_url: "https://example.com" });
    assert.equal((await stripe.subscriptions.retrieve(made.id)).status, "active");
  });
  await step("a refused first payment leaves it incomplete, or undoes everything", async () => {
    const customer = await payer(stripe, "pm_card_chargeCustomerFail");
    assert.equal((await subscribe(customer)).status, "incomplete");
    await refused(subscribe(customer, { payment_behavior: "error_if_incomplete" }), { type: "StripeCardError", statusCode: 402 });
    assert.equal((await stripe.subscriptions.list({ customer: customer.id, status: "all" })).data.length, 1);
    await refused(subscribe(await stripe.customers.create({})), { code: "resource_missing" });
  });
  await step("3-D Secure at the first payment", async () => {
    const customer = await payer(stripe, "pm_card_authenticationRequired");
    const made = await subscribe(customer, { expand: ["latest_invoice.payments"] });
    assert.equal(made.status, "incomplete");
    const intent = await stripe.paymentIntents.retrieve(made.latest_invoice.payments.data[0].payment.payment_intent);
    await submit(intent.next_action.redirect_to_url.url, { do: "complete" });
    assert.equal((await stripe.subscriptions.retrieve(made.id)).status, "active");
  });
  await step("an upgrade is previewed and then costs what was shown", async () => {
    const made = await subscribe(await payer(stripe));
    const [item] = made.items.data;
    const items = [{ id: item.id, price: bigger, quantity: 3 }];
    const proration_date = item.current_period_start + 10 * 86_400;
    const preview = await stripe.invoices.createPreview({ subscription: made.id, subscription_details: { items, proration_behavior: "always_invoice", proration_date } });
    balances(preview);
    assert.ok(preview.id.startsWith("upcoming_in_"));
    assert.equal(preview.lines.data.length, 2);
    assert.ok(preview.lines.data.every((line) => line.parent.subscription_item_details.proration));
    assert.equal((await stripe.subscriptions.retrieve(made.id)).items.data[0].price.id, price);
    const changed = await stripe.subscriptions.update(made.id, { items, proration_behavior: "always_invoice", proration_date, expand: ["latest_invoice"] });
    assert.equal(changed.latest_invoice.total, preview.total);
    assert.equal(changed.latest_invoice.status, "paid");
    assert.equal(changed.items.data[0].quantity, 3);
    balances(changed.latest_invoice);
  });
  await step("a downgrade leaves credit for the next invoice, which is previewed", async () => {
    const made = await subscribe(await payer(stripe), { items: [{ price: bigger, quantity: 2 }] });
    await stripe.subscriptions.update(made.id, { items: [{ id: made.items.data[0].id, price, quantity: 1 }] });
    const waiting = await stripe.invoiceItems.list({ customer: made.customer, pending: true });
    assert.equal(waiting.data.length, 2);
    const next = await stripe.invoices.createPreview({ subscription: made.id });
    balances(next);
    assert.equal(next.lines.data.length, 3);
    assert.ok(next.total < 1900);
  });
  await step("another rhythm begins a new period at once", async () => {
    const made = await subscribe(await payer(stripe));
    const changed = await stripe.subscriptions.update(made.id, { items: [{ id: made.items.data[0].id, price: yearly }], expand: ["latest_invoice"] });
    const [item] = changed.items.data;
    assert.ok(item.current_period_end - item.current_period_start > 364 * 86_400);
    assert.equal(changed.latest_invoice.billing_reason, "subscription_update");
    balances(changed.latest_invoice);
  });
  await step("canceled later, resumed, canceled now with what is left given back", async () => {
    const made = await subscribe(await payer(stripe));
    const later = await stripe.subscriptions.update(made.id, { cancel_at_period_end: true });
    assert.deepEqual([later.status, later.cancel_at], ["active", later.items.data[0].current_period_end]);
    const resumed = await stripe.subscriptions.update(made.id, { cancel_at_period_end: false });
    assert.deepEqual([resumed.cancel_at, resumed.canceled_at], [null, null]);
    const ended = await stripe.subscriptions.cancel(made.id, { invoice_now: true, prorate: true, expand: ["latest_invoice"] });
    assert.equal(ended.status, "canceled");
    assert.ok(ended.latest_invoice.total <= 0);
    await refused(stripe.subscriptions.cancel(made.id), { code: "resource_missing" });
    assert.equal((await stripe.subscriptions.list({ customer: made.customer })).data.length, 0);
  });
  await step("items are added, changed and removed one by one", async () => {
    const made = await subscribe(await payer(stripe));
    const added = await stripe.subscriptionItems.create({ subscription: made.id, price: bigger, quantity: 2 });
    assert.equal((await stripe.subscriptionItems.update(added.id, { quantity: 5 })).quantity, 5);
    assert.equal((await stripe.subscriptionItems.list({ subscription: made.id })).data.length, 2);
    assert.equal((await stripe.subscriptionItems.del(added.id)).deleted, true);
    await refused(stripe.subscriptionItems.del(made.items.data[0].id), { param: "items" });
    await refused(stripe.subscriptionItems.create({ subscription: made.id, price: yearly }), { param: "items" });
  });
  await step("an invoice of its own: drafted, filled, finalised, paid, voided", async () => {
    const customer = await payer(stripe);
    const draft = await stripe.invoices.create({ customer: customer.id, currency: "usd" });
    await stripe.invoiceItems.create({ customer: customer.id, invoice: draft.id, amount: 1200, currency: "usd", description: "Work" });
    const open = await stripe.invoices.finalizeInvoice(draft.id);
    assert.deepEqual([open.status, open.amount_due], ["open", 1200]);
    assert.match(open.number, /^[A-Z0-9]+-0001$/);
    const paid = await stripe.invoices.pay(open.id);
    assert.deepEqual([paid.status, paid.amount_remaining], ["paid", 0]);
    balances(paid);
    await refused(stripe.invoices.pay(open.id), { code: "invoice_already_paid" });
    const pdf = await (await fetch(paid.invoice_pdf)).arrayBuffer();
    assert.equal(Buffer.from(pdf).subarray(0, 5).toString(), "%PDF-");
    const other = await stripe.invoices.create({ customer: customer.id, collection_method: "send_invoice", days_until_due: 7 });
    await stripe.invoiceItems.create({ customer: customer.id, invoice: other.id, amount: 5, currency: "usd" });
    await stripe.invoices.sendInvoice(other.id);
    assert.equal((await stripe.invoices.voidInvoice(other.id)).status, "void");
  });
  await step("credit on the customer is used before the card", async () => {
    const customer = await payer(stripe);
    await stripe.customers.createBalanceTransaction(customer.id, { amount: -500, currency: "usd" });
    const made = await subscribe(customer, { expand: ["latest_invoice"] });
    assert.deepEqual([made.latest_invoice.amount_paid, made.latest_invoice.ending_balance], [1400, 0]);
    balances(made.latest_invoice);
    const moved = await stripe.customers.listBalanceTransactions(customer.id);
    assert.deepEqual(moved.data.map((entry) => entry.amount), [500, -500]);
  });
}
