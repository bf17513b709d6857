// Manners of the API: errors, idempotency, expansion, pages, and the plain objects.
import { assert, client, refused, step, Stripe } from "../lib.mjs";

export async function basics({ url, stripe }) {
  await step("the pinned version is the library's own", async () => {
    const made = await stripe.customers.create({ email: "v@example.com" });
    assert.equal(made.lastResponse.apiVersion, Stripe.API_VERSION ?? "2026-10-28.endive");
    assert.match(made.lastResponse.requestId, /^req_/);
  });
  await step("keys: none, nonsense and live ones are refused", async () => {
    for (const key of ["sk_live_abc", "nonsense"]) {
      const { hostname, port } = new URL(url);
      const other = new Stripe(key, { host: hostname, port, protocol: "http", maxNetworkRetries: 0 });
      await refused(other.customers.list(), { statusCode: 401, type: "StripeAuthenticationError" });
    }
  });
  await step("unknown, missing and misshapen parameters are refused by name", async () => {
    await refused(stripe.customers.create({ nonsense: 1 }), { code: "parameter_unknown", param: "nonsense", statusCode: 400 });
    await refused(stripe.prices.create({ unit_amount: 1 }), { code: "parameter_missing", param: "currency" });
    await refused(stripe.products.create({ name: "" }), { param: "name" });
    await refused(stripe.coupons.create({ percent_off: 150 }), { param: "percent_off", type: "StripeInvalidRequestError" });
  });
  await step("a missing object is 404 by path and 400 by parameter", async () => {
    await refused(stripe.customers.retrieve("cus_none"), { code: "resource_missing", statusCode: 404 });
    await refused(stripe.subscriptions.create({ customer: "cus_none", items: [{ price: "p" }] }), { code: "resource_missing", statusCode: 400, param: "customer" });
    await refused(stripe.rawRequest("GET", "/v1/treasury/nothing"), { statusCode: 404 });
  });
  await step("one idempotency key makes one object, also fifty at once, and refuses another body", async () => {
    const idempotencyKey = `key-${Math.random()}`;
    const made = await Promise.all(Array.from({ length: 50 }, () => stripe.customers.create({ name: "Once" }, { idempotencyKey })));
    assert.equal(new Set(made.map((customer) => customer.id)).size, 1);
    assert.equal(made.filter((customer) => customer.lastResponse.headers["idempotent-replayed"] === "true").length, 49);
    await refused(stripe.customers.create({ name: "Twice" }, { idempotencyKey }), { type: "StripeIdempotencyError" });
    const refusedKey = `refused-${Math.random()}`;
    await refused(stripe.customers.create({ nonsense: 1 }, { idempotencyKey: refusedKey }), { code: "parameter_unknown" });
    await stripe.customers.create({ name: "Now good" }, { idempotencyKey: refusedKey });
  });
  await step("lists have cursors in both directions and can be walked", async () => {
    const description = `page-${Math.random()}`;
    const product = await stripe.products.create({ name: description });
    const ids = [];
    for (let amount = 1; amount <= 7; amount += 1) ids.push((await stripe.prices.create({ product: product.id, currency: "usd", unit_amount: amount })).id);
    const first = await stripe.prices.list({ product: product.id, limit: 3 });
    assert.deepEqual(first.data.map((price) => price.id), ids.slice(4).reverse());
    assert.equal(first.has_more, true);
    const second = await stripe.prices.list({ product: product.id, limit: 3, starting_after: first.data[2].id });
    const back = await stripe.prices.list({ product: product.id, limit: 3, ending_before: second.data[0].id });
    assert.deepEqual(back.data.map((price) => price.id), first.data.map((price) => price.id));
    const walked = [];
    for await (const price of stripe.prices.list({ product: product.id, limit: 2 })) walked.push(price.id);
    assert.deepEqual(walked, [...ids].reverse());
    await refused(stripe.prices.list({ limit: 101 }), { param: "limit" });
  });
  await step("metadata is merged, unset by an empty text, and never mistaken for the twin's own fields", async () => {
    const made = await stripe.customers.create({ metadata: { a: "1", _b: "2" } });
    assert.deepEqual(made.metadata, { a: "1", _b: "2" });
    const changed = await stripe.customers.update(made.id, { metadata: { a: "", c: "3" } });
    assert.deepEqual(changed.metadata, { _b: "2", c: "3" });
    assert.deepEqual((await stripe.customers.update(made.id, { metadata: "" })).metadata, {});
  });
  await step("products, prices with tiers and lookup keys, coupons, promotion codes", async () => {
    const product = await stripe.products.create({ name: "Pro", default_price_data: { currency: "eur", unit_amount: 900, recurring: { interval: "month" } }, expand: ["default_price"] });
    assert.equal(product.default_price.unit_amount, 900);
    const lookup = `look-${Math.random()}`;
    const one = await stripe.prices.create({ product: product.id, currency: "usd", unit_amount: 1, lookup_key: lookup });
    await refused(stripe.prices.create({ product: product.id, currency: "usd", unit_amount: 1, lookup_key: lookup }), { param: "lookup_key" });
    const two = await stripe.prices.create({ product: product.id, currency: "usd", unit_amount: 2, lookup_key: lookup, transfer_lookup_key: true });
    assert.deepEqual((await stripe.prices.list({ lookup_keys: [lookup] })).data.map((price) => price.id), [two.id]);
    assert.equal((await stripe.prices.retrieve(one.id)).lookup_key, null);
    const tiered = await stripe.prices.create({ product: product.id, currency: "usd", billing_scheme: "tiered", tiers_mode: "graduated", recurring: { interval: "month" }, tiers: [{ up_to: 5, unit_amount: 100 }, { up_to: "inf", unit_amount: 50 }] });
    assert.equal(tiered.tiers, undefined);
    assert.equal((await stripe.prices.retrieve(tiered.id, { expand: ["tiers"] })).tiers.length, 2);
    const coupon = await stripe.coupons.create({ percent_off: 12.5, duration: "repeating", duration_in_months: 3 });
    const code = await stripe.promotionCodes.create({ promotion: { type: "coupon", coupon: coupon.id }, code: `CODE${Date.now()}`, max_redemptions: 1 });
    assert.equal((await stripe.promotionCodes.retrieve(code.id, { expand: ["promotion.coupon"] })).promotion.coupon.percent_off, 12.5);
    assert.equal((await stripe.promotionCodes.list({ code: code.code.toLowerCase() })).data.length, 1);
    assert.equal((await stripe.coupons.del(coupon.id)).deleted, true);
    await refused(stripe.coupons.retrieve(coupon.id), { statusCode: 404 });
    await refused(stripe.products.del(product.id), { statusCode: 400 });
  });
  await step("search by field and metadata", async () => {
    const tag = `tag${Date.now()}`;
    const made = await stripe.customers.create({ email: "search@example.com", metadata: { tag } });
    const found = await stripe.customers.search({ query: `email:'search@example.com' AND metadata['tag']:'${tag}'` });
    assert.deepEqual(found.data.map((customer) => customer.id), [made.id]);
    assert.equal((await stripe.customers.search({ query: `-email:'search@example.com' AND metadata['tag']:'${tag}'` })).data.length, 0);
  });
  await step("a deleted customer keeps its id and nothing else", async () => {
    const made = await stripe.customers.create({});
    await stripe.customers.del(made.id);
    const gone = await stripe.customers.retrieve(made.id);
    assert.deepEqual({ ...gone }, { id: made.id, object: "customer", deleted: true });
    await refused(stripe.customers.update(made.id, {}), { statusCode: 404 });
    assert.equal((await stripe.customers.list({ limit: 100 })).data.some((customer) => customer.id === made.id), false);
  });
  await step("a call that does not wait for its answer still happens once", async () => {
    const impatient = client(url, { timeout: 5_000 });
    assert.ok((await impatient.customers.create({})).id);
  });
}
