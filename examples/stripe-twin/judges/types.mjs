// Lets the TypeScript compiler judge what was sent and answered by the types of Stripe's own package:
// `node judges/types.mjs --calls calls.jsonl --year year.json --folder DIR`.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { argument } from "../lib.mjs";
import { read } from "./calls.mjs";

const RESOURCES = {
  customers: "Customer", products: "Product", prices: "Price", coupons: "Coupon", promotion_codes: "PromotionCode", payment_methods: "PaymentMethod",
  setup_intents: "SetupIntent", payment_intents: "PaymentIntent", subscriptions: "Subscription", subscription_items: "SubscriptionItem",
  subscription_schedules: "SubscriptionSchedule", invoices: "Invoice", invoiceitems: "InvoiceItem", invoice_payments: "InvoicePayment", charges: "Charge",
  refunds: "Refund", disputes: "Dispute", credit_notes: "CreditNote", events: "Event", webhook_endpoints: "WebhookEndpoint",
  "checkout/sessions": "Checkout.Session", "billing_portal/sessions": "BillingPortal.Session", "billing_portal/configurations": "BillingPortal.Configuration",
  "billing/meters": "Billing.Meter", "billing/meter_events": "Billing.MeterEvent", "test_helpers/test_clocks": "TestHelpers.TestClock",
};
const OBJECTS = {
  customer: "Customer", product: "Product", price: "Price", coupon: "Coupon", promotion_code: "PromotionCode", payment_method: "PaymentMethod",
  setup_intent: "SetupIntent", payment_intent: "PaymentIntent", subscription: "Subscription", subscription_item: "SubscriptionItem",
  subscription_schedule: "SubscriptionSchedule", invoice: "Invoice", invoiceitem: "InvoiceItem", invoice_payment: "InvoicePayment", charge: "Charge",
  refund: "Refund", dispute: "Dispute", credit_note: "CreditNote", event: "Event", webhook_endpoint: "WebhookEndpoint", line_item: "InvoiceLineItem",
  item: "LineItem", tax_id: "TaxId", customer_balance_transaction: "CustomerBalanceTransaction", discount: "Discount", credit_note_line_item: "CreditNoteLineItem",
  "checkout.session": "Checkout.Session", "billing_portal.session": "BillingPortal.Session", "billing_portal.configuration": "BillingPortal.Configuration",
  "billing.meter": "Billing.Meter", "billing.meter_event": "Billing.MeterEvent", "billing.meter_event_summary": "Billing.MeterEventSummary",
  "test_helpers.test_clock": "TestHelpers.TestClock",
};
const DELETED = { customer: "DeletedCustomer", product: "DeletedProduct", coupon: "DeletedCoupon", invoice: "DeletedInvoice", invoiceitem: "DeletedInvoiceItem",
  subscription_item: "DeletedSubscriptionItem", webhook_endpoint: "DeletedWebhookEndpoint", tax_id: "DeletedTaxId", "test_helpers.test_clock": "TestHelpers.DeletedTestClock" };
const VERBS = { finalize: "FinalizeInvoice", void: "VoidInvoice", send: "SendInvoice" };

/** Names the type of what a call takes; nothing where the package has none for it. */
function taken({ method, path }) {
  const parts = path.replace("/v1/", "").split("/");
  const depth = [2, 1].find((count) => RESOURCES[parts.slice(0, count).join("/")]);
  if (!depth) return null;
  const type = RESOURCES[parts.slice(0, depth).join("/")];
  const rest = parts.slice(depth);
  const word = (text) => text.split("_").map((part) => part[0].toUpperCase() + part.slice(1)).join("");
  if (type === "CreditNote" && rest[0] === "preview") return rest.length === 1 ? "CreditNotePreviewParams" : "CreditNoteListPreviewLineItemsParams";
  if (type === "CreditNote" && rest[1] === "void") return "CreditNoteVoidCreditNoteParams";
  if (rest.length === 0) return `${type}${method === "GET" ? "List" : "Create"}Params`;
  if (rest.length === 1 && ["search", "create_preview", "preview"].includes(rest[0])) return `${type}${word(rest[0])}Params`;
  if (rest.length === 1 && method === "DELETE") return `${type}${type === "Subscription" ? "Cancel" : "Delete"}Params`;
  if (rest.length === 1) return `${type}${method === "GET" ? "Retrieve" : "Update"}Params`;
  if (rest.length === 2 && method === "POST") return `${type}${type === "Invoice" && VERBS[rest[1]] ? VERBS[rest[1]] : word(rest[1])}Params`;
  return null;
}

/** Takes an answer apart into what the package has types for. */
function* told(answer) {
  if (answer === null || typeof answer !== "object") return;
  if (["list", "search_result"].includes(answer.object)) {
    for (const one of answer.data) yield* told(one);
  } else {
    const names = answer.deleted ? DELETED : OBJECTS;
    if (names[answer.object]) yield [names[answer.object], answer];
    if (answer.object === "event") yield* told(answer.data.object);
  }
}

/** Which fields there are and of what kind: two values of one shape are judged once. */
function shape(value) {
  if (Array.isArray(value)) return `[${[...new Set(value.map(shape))].sort().join("|")}]`;
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value === "string" && /^[a-z_.]{1,40}$/.test(value) ? value : typeof value;
  return `{${Object.keys(value).sort().map((name) => `${name}:${shape(value[name])}`).join(",")}}`;
}

/** The package reads decimals into objects of its own; on the wire they are text. */
function literal(value) {
  const text = JSON.stringify(value, null, 1);
  return text.replace(/("[a-z_]*_decimal"|"percent_off_precise"): ("[^"]*")/g, "$1: decimal($2)");
}

const found = new Map();
const judge = (kind, type, value) => found.set(`${kind} ${type} ${shape(value)}`, { kind, type, value });
for (const call of read(argument("calls"))) {
  if (call.status !== 200) continue;
  const type = taken(call);
  if (type) judge("sent", type, call.params);
  for (const [type, value] of told(call.json)) judge("answered", type, value);
}
const year = JSON.parse(readFileSync(argument("year"), "utf8"));
for (const [, event] of year.events) for (const [type, value] of told(event)) judge("recorded", type, value);
for (const answers of Object.values(year.answers)) for (const [, answer] of answers) for (const [type, value] of told(answer)) judge("recorded", type, value);

const folder = argument("folder");
mkdirSync(folder, { recursive: true });
const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
if (!existsSync(join(folder, "node_modules"))) symlinkSync(modules, join(folder, "node_modules"));
const cases = [...found.values()];
const head = 'import Stripe from "stripe";\ndeclare function decimal(text: string): Stripe.Decimal;\n';
const lines = [], owner = [];
cases.forEach(({ kind, type, value }, number) => {
  const text = `export const ${kind}${number}: Stripe.${type} = ${literal(value)};`;
  for (const line of text.split("\n")) { lines.push(line); owner.push(number); }
});
writeFileSync(join(folder, "judged.ts"), `${head}${lines.join("\n")}\n`);
writeFileSync(join(folder, "package.json"), '{"type":"module"}');
let said = "";
try {
  execFileSync(join(modules, ".bin/tsc"), ["--strict", "--skipLibCheck", "--noEmit", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext", "judged.ts"], { cwd: folder, encoding: "utf8" });
} catch (error) {
  said = error.stdout;
}
const wrong = new Map();
let untyped = 0;
for (const line of said.split("\n")) {
  const place = line.match(/^judged\.ts\((\d+),\d+\): error (TS\d+): (.*)/);
  if (!place) continue;
  const number = owner[Number(place[1]) - 3];
  // The package has no parameters for calls that take none.
  if (place[2] === "TS2694" || place[2] === "TS2724") { untyped += 1; wrong.set(number, null); continue; }
  if (!wrong.has(number)) wrong.set(number, `${cases[number]?.kind} ${cases[number]?.type}: ${lines[Number(place[1]) - 3]?.trim().slice(0, 80)} ${place[3].slice(0, 300)}`);
}
const errors = [...wrong.values()].filter(Boolean);
for (const error of errors) console.log(`✗ ${error}`);
if (said && wrong.size === 0) console.log(said.slice(0, 2000));
const kinds = ["sent", "answered", "recorded"].map((kind) => `${cases.filter((one) => one.kind === kind).length} ${kind}`).join(", ");
console.log(`${kinds}; ${untyped} calls for which the package has no parameters`);
const failed = errors.length + (said && wrong.size === 0 ? 1 : 0);
console.log(`\ntypes: ${cases.length - untyped - errors.length} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
