// One story that three imitations of Stripe can all tell, told to each: they must end alike. Where an older one says a thing in
// older words, the table says where it is read instead.
// `node judges/overlap.mjs --twin URL --localstripe URL --emulate URL`; without a URL that one is left out.
import { argument, assert, client, finish, step } from "../lib.mjs";

/** What of an answer all of them must agree on, whichever version they imitate. */
const period = (one) => (one.current_period_end ?? one.items.data[0].current_period_end) - (one.current_period_start ?? one.items.data[0].current_period_start);

const refusal = async (promise) => promise.then(() => "done", (error) => error.statusCode);

const STORIES = {
  "a customer is made, read, changed, listed and deleted": async (stripe) => {
    const made = await stripe.customers.create({ email: "ada@example.com", name: "Ada", metadata: { a: "1" } });
    const changed = await stripe.customers.update(made.id, { name: "Ada L." });
    const read = await stripe.customers.retrieve(made.id);
    const gone = await stripe.customers.del(made.id);
    return [made.object, made.email, changed.name, changed.metadata, read.name, gone.deleted, made.id.startsWith("cus_")];
  },
  "a product": async (stripe) => {
    const made = await stripe.products.create({ name: "Pro", description: "All of it" });
    const read = await stripe.products.retrieve(made.id);
    return [made.object, read.name, read.description, read.active];
  },
  "what is not there is not found": async (stripe) => [await refusal(stripe.customers.retrieve("cus_nowhere")), await refusal(stripe.products.retrieve("prod_nowhere"))],
};

const CARDS = {
  "metadata is added to": async (stripe) => {
    const made = await stripe.customers.create({ metadata: { a: "1" } });
    return (await stripe.customers.update(made.id, { metadata: { b: "2" } })).metadata;
  },
  "a payment by card succeeds, and a part of it can be given back": async (stripe) => {
    const customer = await stripe.customers.create({});
    const method = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
    const intent = await stripe.paymentIntents.create({ amount: 1000, currency: "usd", customer: customer.id, payment_method: method.id, payment_method_types: ["card"], confirm: true });
    const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 400 });
    return [intent.status, intent.amount, refund.amount, refund.status];
  },
  "a payment waits until it is confirmed, or is canceled": async (stripe) => {
    const intent = await stripe.paymentIntents.create({ amount: 500, currency: "usd" });
    const canceled = await stripe.paymentIntents.cancel(intent.id);
    return [intent.status, canceled.status];
  },
};

const PRICES = {
  "a price of a product": async (stripe) => {
    const product = await stripe.products.create({ name: "Pro" });
    const price = await stripe.prices.create({ product: product.id, currency: "usd", unit_amount: 1900 });
    const read = await stripe.prices.retrieve(price.id);
    return [price.object, read.unit_amount, read.currency, read.product === product.id, read.active];
  },
  "a checkout session is open, and expires": async (stripe) => {
    const product = await stripe.products.create({ name: "Pro" });
    const price = await stripe.prices.create({ product: product.id, currency: "usd", unit_amount: 1900 });
    const session = await stripe.checkout.sessions.create({ mode: "payment", line_items: [{ price: price.id, quantity: 2 }], success_url: "http://127.0.0.1/done", cancel_url: "http://127.0.0.1/back" });
    const expired = await stripe.checkout.sessions.expire(session.id);
    return [session.object, session.status, session.payment_status, session.mode, expired.status];
  },
};

const payer = async (stripe) => {
  const customer = await stripe.customers.create({});
  const method = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
  await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } });
  return customer.id;
};

/** The same subscription: by a price where there are prices, by a plan where there are not yet. */
const SUBSCRIPTIONS = {
  "a subscription is paid, changed in number, and canceled": async (stripe, recurring) => {
    const [customer, what] = [await payer(stripe), await recurring(stripe)];
    const made = await stripe.subscriptions.create({ customer, items: [{ ...what, quantity: 2 }] });
    const invoice = await stripe.invoices.retrieve(made.latest_invoice);
    const changed = await stripe.subscriptions.update(made.id, { items: [what.plan ? { ...what, quantity: 3 } : { id: made.items.data[0].id, quantity: 3 }] });
    const ended = await stripe.subscriptions.cancel(made.id);
    return [made.status, period(made) >= 28 * 86_400, invoice.status, invoice.total, invoice.amount_paid, changed.items.data[0].quantity, ended.status];
  },
};

const byPrice = async (stripe) => {
  const product = await stripe.products.create({ name: "Pro" });
  return { price: (await stripe.prices.create({ product: product.id, currency: "usd", unit_amount: 1900, recurring: { interval: "month" } })).id };
};
const byPlan = async (stripe) => {
  const answer = await stripe.rawRequest("POST", "/v1/plans", { amount: 1900, currency: "usd", interval: "month", id: `plan_${Math.random()}`, product: { name: "Pro" } });
  return { plan: answer.id };
};

const at = (name) => (argument(name) ? client(argument(name)) : null);
const [twin, localstripe, emulate] = ["twin", "localstripe", "emulate"].map(at);

async function compare(other, name, stories, ...more) {
  if (!other) return;
  for (const [title, story] of Object.entries(stories)) {
    await step(`${name}: ${title}`, async () => {
      const [ours, theirs] = [await story(twin, byPrice), await story(other, ...more)];
      assert.deepEqual(theirs, ours);
    });
  }
}

await compare(localstripe, "localstripe", { ...STORIES, ...CARDS, ...SUBSCRIPTIONS }, byPlan);
await compare(emulate, "emulate", { ...STORIES, ...PRICES }, byPrice);
finish();
