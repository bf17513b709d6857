// The billing portal, driven as a browser without JavaScript drives it.
import { assert, refused, step, submit } from "../lib.mjs";
import { payer } from "./subscriptions.mjs";

export async function portal({ stripe, price }) {
  await step("the portal shows, cancels, keeps, and takes another card", async () => {
    const customer = await payer(stripe);
    const made = await stripe.subscriptions.create({ customer: customer.id, items: [{ price }] });
    const session = await stripe.billingPortal.sessions.create({ customer: customer.id, return_url: "https://example.com/account" });
    const page = await (await fetch(session.url)).text();
    assert.match(page, /\$19\.00/);
    assert.match(page, /4242/);
    const now = () => stripe.subscriptions.retrieve(made.id);
    assert.equal((await submit(session.url, { do: "cancel", subscription: made.id })).status, 303);
    assert.equal((await now()).cancel_at_period_end, true);
    await submit(session.url, { do: "resume", subscription: made.id });
    assert.equal((await now()).cancel_at_period_end, false);
    assert.match((await submit(session.url, { do: "card", number: "4000000000000002", expiry: "12/34", name: "A" })).text, /declined/);
    assert.equal((await submit(session.url, { do: "card", number: "5555555555554444", expiry: "12/34", name: "A" })).status, 303);
    const changed = await stripe.customers.retrieve(customer.id, { expand: ["invoice_settings.default_payment_method"] });
    assert.equal(changed.invoice_settings.default_payment_method.card.last4, "4444");
  });
  await step("it changes nothing of another customer, and only what its configuration allows", async () => {
    const [one, other] = [await payer(stripe), await payer(stripe)];
    const theirs = await stripe.subscriptions.create({ customer: other.id, items: [{ price }] });
    const own = await stripe.subscriptions.create({ customer: one.id, items: [{ price }] });
    const session = await stripe.billingPortal.sessions.create({ customer: one.id });
    await submit(session.url, { do: "cancel", subscription: theirs.id });
    assert.equal((await stripe.subscriptions.retrieve(theirs.id)).cancel_at_period_end, false);
    const configuration = await stripe.billingPortal.configurations.create({ features: { invoice_history: { enabled: true } } });
    const narrow = await stripe.billingPortal.sessions.create({ customer: one.id, configuration: configuration.id });
    await submit(narrow.url, { do: "cancel", subscription: own.id });
    assert.equal((await stripe.subscriptions.retrieve(own.id)).cancel_at_period_end, false);
    assert.equal((await fetch(`${new URL(session.url).origin}/_twin/portal/guessed`)).status, 404);
    await refused(stripe.billingPortal.sessions.create({ customer: "cus_none" }), { param: "customer" });
  });
  await step("a payment is found by its intent", async () => {
    const customer = await payer(stripe);
    const made = await stripe.subscriptions.create({ customer: customer.id, items: [{ price }], expand: ["latest_invoice.payments"] });
    const [paid] = made.latest_invoice.payments.data;
    const found = await stripe.invoicePayments.list({ payment: { type: "payment_intent", payment_intent: paid.payment.payment_intent } });
    assert.deepEqual(found.data.map((entry) => entry.invoice), [made.latest_invoice.id]);
  });
}
