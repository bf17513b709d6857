// Cards, payments, refunds, disputes.
import { assert, refused, step, submit } from "../lib.mjs";

const pay = (stripe, card, more = {}) =>
  stripe.paymentIntents.create({ amount: 2000, currency: "usd", payment_method: card, confirm: true, return_url: "https://example.com/back", ...more });

export async function payments({ stripe }) {
  await step("a card pays, and its charge can be expanded", async () => {
    const paid = await pay(stripe, "pm_card_visa", { expand: ["latest_charge", "payment_method"] });
    assert.equal(paid.status, "succeeded");
    assert.equal(paid.latest_charge.paid, true);
    assert.equal(paid.payment_method.card.last4, "4242");
  });
  const declines = {
    pm_card_chargeDeclined: ["card_declined", "generic_decline"],
    pm_card_chargeDeclinedInsufficientFunds: ["card_declined", "insufficient_funds"],
    pm_card_chargeDeclinedLostCard: ["card_declined", "lost_card"],
    pm_card_chargeDeclinedExpiredCard: ["expired_card", ""],
    pm_card_chargeDeclinedIncorrectCvc: ["incorrect_cvc", ""],
    pm_card_chargeDeclinedProcessingError: ["processing_error", ""],
  };
  await step("every declining card says why, and the refused intent stays", async () => {
    for (const [card, [code, decline_code]] of Object.entries(declines)) {
      const error = await refused(pay(stripe, card), { type: "StripeCardError", code, statusCode: 402 });
      assert.equal(error.decline_code ?? "", decline_code);
      const intent = await stripe.paymentIntents.retrieve(error.payment_intent.id);
      assert.equal(intent.status, "requires_payment_method");
      assert.equal(intent.last_payment_error.code, code);
      assert.equal((await stripe.charges.retrieve(intent.latest_charge)).status, "failed");
    }
  });
  await step("3-D Secure: completed, failed, and impossible while the customer is away", async () => {
    const asked = await pay(stripe, "pm_card_authenticationRequired");
    assert.equal(asked.status, "requires_action");
    const page = asked.next_action.redirect_to_url.url;
    const done = await submit(page, { do: "complete" });
    assert.equal(done.status, 303);
    assert.match(done.location, /redirect_status=succeeded/);
    assert.equal((await stripe.paymentIntents.retrieve(asked.id)).status, "succeeded");
    const again = await pay(stripe, "pm_card_authenticationRequired");
    assert.match((await submit(again.next_action.redirect_to_url.url, { do: "fail" })).location, /redirect_status=failed/);
    assert.equal((await stripe.paymentIntents.retrieve(again.id)).last_payment_error.code, "payment_intent_authentication_failure");
    await refused(pay(stripe, "pm_card_authenticationRequired", { off_session: true }), { code: "authentication_required" });
  });
  await step("a card is set up for later, with 3-D Secure once", async () => {
    const customer = await stripe.customers.create({});
    const setup = await stripe.setupIntents.create({ customer: customer.id, payment_method: "pm_card_authenticationRequiredOnSetup", confirm: true });
    assert.equal(setup.status, "requires_action");
    await submit(setup.next_action.redirect_to_url.url, { do: "complete" });
    const ready = await stripe.setupIntents.retrieve(setup.id);
    assert.equal(ready.status, "succeeded");
    const methods = await stripe.customers.listPaymentMethods(customer.id);
    assert.deepEqual(methods.data.map((method) => method.id), [ready.payment_method]);
    assert.equal((await pay(stripe, ready.payment_method, { customer: customer.id, off_session: true })).status, "succeeded");
    await stripe.paymentMethods.detach(ready.payment_method);
    await refused(pay(stripe, ready.payment_method, { customer: customer.id }), { statusCode: 400 });
  });
  await step("typed numbers: test cards only, and with a good expiry", async () => {
    const make = (number, exp_year = 2034) => stripe.paymentMethods.create({ type: "card", card: { number, exp_month: 12, exp_year, cvc: "123" } });
    assert.equal((await make("5555555555554444")).card.brand, "mastercard");
    await refused(make("4242424242424241"), { code: "incorrect_number" });
    await refused(make("4111111111111111"), { code: "card_declined", decline_code: "live_mode_test_card" });
    await refused(make("4242424242424242", 2020), { code: "invalid_expiry_year" });
  });
  await step("a payment is reserved first and captured later, or canceled", async () => {
    const held = await pay(stripe, "pm_card_visa", { capture_method: "manual" });
    assert.equal(held.status, "requires_capture");
    assert.equal((await stripe.paymentIntents.capture(held.id, { amount_to_capture: 500 })).amount_received, 500);
    const other = await pay(stripe, "pm_card_visa", { capture_method: "manual" });
    assert.equal((await stripe.paymentIntents.cancel(other.id)).status, "canceled");
    await refused(stripe.paymentIntents.capture(other.id), { code: "payment_intent_unexpected_state" });
  });
  await step("refunds: in part, the rest, and no more than there was", async () => {
    const paid = await pay(stripe, "pm_card_visa");
    const part = await stripe.refunds.create({ payment_intent: paid.id, amount: 300, reason: "requested_by_customer" });
    assert.equal(part.status, "succeeded");
    await refused(stripe.refunds.create({ payment_intent: paid.id, amount: 1701 }), { param: "amount" });
    await stripe.refunds.create({ charge: paid.latest_charge });
    const charge = await stripe.charges.retrieve(paid.latest_charge, { expand: ["refunds"] });
    assert.deepEqual([charge.refunded, charge.amount_refunded, charge.refunds.data.length], [true, 2000, 2]);
    await refused(stripe.refunds.create({ charge: charge.id }), { code: "charge_already_refunded" });
  });
  await step("a dispute takes the money until it is decided", async () => {
    const paid = await pay(stripe, "pm_card_createDispute", { expand: ["latest_charge"] });
    const [dispute] = (await stripe.disputes.list({ payment_intent: paid.id })).data;
    assert.equal(dispute.status, "needs_response");
    await refused(stripe.refunds.create({ payment_intent: paid.id }), { code: "charge_disputed" });
    const won = await stripe.disputes.update(dispute.id, { evidence: { uncategorized_text: "winning_evidence" } });
    assert.equal(won.status, "won");
    assert.equal((await stripe.charges.retrieve(dispute.charge)).disputed, false);
  });
}
