// Credit notes: before and after payment, by refund, by balance and elsewhere, previewed, voided.
import { assert, balances, refused, step } from "../lib.mjs";
import { payer } from "./subscriptions.mjs";

export async function creditNotes({ stripe, price }) {
  const paid = async () => {
    const customer = await payer(stripe, "pm_card_visa");
    const subscription = await stripe.subscriptions.create({ customer: customer.id, items: [{ price, quantity: 2 }], expand: ["latest_invoice"] });
    return { customer: customer.id, invoice: subscription.latest_invoice };
  };
  const open = async () => {
    const customer = await payer(stripe, "pm_card_visa");
    await stripe.invoiceItems.create({ customer: customer.id, amount: 2000, currency: "usd", description: "Work" });
    const draft = await stripe.invoices.create({ customer: customer.id, pending_invoice_items_behavior: "include", collection_method: "send_invoice", days_until_due: 30 });
    return { customer: customer.id, invoice: await stripe.invoices.finalizeInvoice(draft.id) };
  };
  const told = async (type, id) => (await stripe.events.list({ type, limit: 20 })).data.some((event) => event.data.object.id === id);

  await step("a credit note lessens what an open invoice asks for, and settles it", async () => {
    const { customer, invoice } = await open();
    const note = await stripe.creditNotes.create({ invoice: invoice.id, amount: 500, reason: "order_change", memo: "Less work", metadata: { why: "test" } });
    assert.deepEqual([note.amount, note.pre_payment_amount, note.post_payment_amount, note.type, note.status], [500, 500, 0, "pre_payment", "issued"]);
    assert.equal(note.number, `${invoice.number}-CN-01`);
    const less = await stripe.invoices.retrieve(invoice.id);
    assert.deepEqual([less.amount_due, less.amount_remaining, less.pre_payment_credit_notes_amount, less.total, less.status], [1500, 1500, 500, 2000, "open"]);
    balances({ ...less, starting_balance: 0, ending_balance: null });
    assert.ok(await told("credit_note.created", note.id));
    const pdf = await fetch(note.pdf);
    assert.deepEqual([pdf.status, pdf.headers.get("content-type")], [200, "application/pdf"]);
    await refused(stripe.creditNotes.create({ invoice: invoice.id, amount: 1501 }), { param: "amount" });
    await refused(stripe.creditNotes.create({ invoice: invoice.id, amount: 100, refund_amount: 100 }), { type: "StripeInvalidRequestError" });
    const rest = await stripe.creditNotes.create({ invoice: invoice.id, amount: 1500 });
    assert.deepEqual([(await stripe.invoices.retrieve(invoice.id)).status, rest.number], ["paid", `${invoice.number}-CN-02`]);
    const listed = await stripe.creditNotes.list({ customer });
    assert.deepEqual(listed.data.map((found) => found.id), [rest.id, note.id]);
    const renamed = await stripe.creditNotes.update(note.id, { memo: "Much less work" });
    assert.equal(renamed.memo, "Much less work");
  });
  await step("voided, the invoice asks for everything again", async () => {
    const { invoice } = await open();
    const note = await stripe.creditNotes.create({ invoice: invoice.id, amount: 500 });
    const gone = await stripe.creditNotes.voidCreditNote(note.id);
    assert.equal(gone.status, "void");
    const again = await stripe.invoices.retrieve(invoice.id);
    assert.deepEqual([again.amount_due, again.amount_remaining, again.pre_payment_credit_notes_amount], [2000, 2000, 0]);
    assert.ok(await told("credit_note.voided", note.id));
    await refused(stripe.creditNotes.voidCreditNote(note.id), { type: "StripeInvalidRequestError" });
  });
  await step("after payment money goes back, stays as balance, or was given back elsewhere, to the cent", async () => {
    const { customer, invoice } = await paid();
    await refused(stripe.creditNotes.create({ invoice: invoice.id, amount: 1000, refund_amount: 900 }), { type: "StripeInvalidRequestError" });
    const note = await stripe.creditNotes.create({ invoice: invoice.id, amount: 1000, refund_amount: 400, credit_amount: 500, out_of_band_amount: 100, reason: "duplicate" });
    assert.deepEqual([note.type, note.post_payment_amount, note.out_of_band_amount, note.refunds[0].amount_refunded], ["post_payment", 1000, 100, 400]);
    const refund = await stripe.refunds.retrieve(note.refunds[0].refund);
    assert.deepEqual([refund.amount, refund.reason, refund.status], [400, "duplicate", "succeeded"]);
    assert.equal((await stripe.customers.retrieve(customer)).balance, -500);
    const [transaction] = (await stripe.customers.listBalanceTransactions(customer)).data;
    assert.deepEqual([transaction.id, transaction.type, transaction.amount, transaction.credit_note], [note.customer_balance_transaction, "credit_note", -500, note.id]);
    const after = await stripe.invoices.retrieve(invoice.id);
    assert.deepEqual([after.status, after.post_payment_credit_notes_amount, after.amount_paid], ["paid", 1000, 3800]);
    await refused(stripe.creditNotes.voidCreditNote(note.id), { type: "StripeInvalidRequestError" });
    await refused(stripe.creditNotes.create({ invoice: invoice.id, amount: 2801, credit_amount: 2801 }), { param: "amount" });
    // The balance pays the next invoice.
    await stripe.invoiceItems.create({ customer, amount: 700, currency: "usd" });
    const draft = await stripe.invoices.create({ customer, pending_invoice_items_behavior: "include" });
    const next = await stripe.invoices.finalizeInvoice(draft.id);
    assert.deepEqual([next.starting_balance, next.amount_due], [-500, 200]);
  });
  await step("lines of the invoice by quantity, and lines of one's own; a preview changes nothing", async () => {
    const { invoice } = await paid();
    const lines = [
      { type: "invoice_line_item", invoice_line_item: invoice.lines.data[0].id, quantity: 1 },
      { type: "custom_line_item", description: "Goodwill", quantity: 2, unit_amount: 50 },
    ];
    const wish = { invoice: invoice.id, lines, credit_amount: 2000 };
    const preview = await stripe.creditNotes.preview(wish);
    assert.deepEqual([preview.total, preview.lines.data.map((line) => line.amount)], [2000, [1900, 100]]);
    const previewed = await stripe.creditNotes.listPreviewLineItems(wish);
    assert.deepEqual(previewed.data.map((line) => line.description), [invoice.lines.data[0].description, "Goodwill"]);
    assert.equal((await stripe.creditNotes.list({ invoice: invoice.id })).data.length, 0);
    const note = await stripe.creditNotes.create(wish);
    const listed = await stripe.creditNotes.listLineItems(note.id);
    assert.deepEqual(listed.data.map((line) => [line.type, line.quantity, line.amount]), [["invoice_line_item", 1, 1900], ["custom_line_item", 2, 100]]);
    await refused(stripe.creditNotes.create({ ...wish, amount: 5 }), { type: "StripeInvalidRequestError" });
    await refused(stripe.creditNotes.create({ invoice: invoice.id, lines: [{ type: "invoice_line_item", invoice_line_item: "il_none" }] }), { param: "lines[0][invoice_line_item]" });
  });
  await step("drafts and void invoices take no credit note", async () => {
    const customer = await payer(stripe, "pm_card_visa");
    const draft = await stripe.invoices.create({ customer: customer.id });
    await refused(stripe.creditNotes.create({ invoice: draft.id, amount: 1 }), { param: "invoice" });
    const { invoice } = await open();
    await stripe.invoices.voidInvoice(invoice.id);
    await refused(stripe.creditNotes.create({ invoice: invoice.id, amount: 1 }), { param: "invoice" });
  });
}
