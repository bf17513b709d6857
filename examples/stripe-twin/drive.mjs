// Drives a twin of Stripe with the official library: `node drive.mjs --url http://127.0.0.1:8080`.
import { argument, client, finish } from "./lib.mjs";
import { basics } from "./chapters/basics.mjs";
import { payments } from "./chapters/payments.mjs";
import { checkout } from "./chapters/checkout.mjs";
import { subscriptions } from "./chapters/subscriptions.mjs";
import { clocks } from "./chapters/clocks.mjs";
import { creditNotes } from "./chapters/credit_notes.mjs";
import { schedules } from "./chapters/schedules.mjs";
import { portal } from "./chapters/portal.mjs";
import { webhooks } from "./chapters/webhooks.mjs";

const url = argument("url", "http://127.0.0.1:8080");
const stripe = client(url);
const product = await stripe.products.create({ name: "Pro" });
const recurring = { interval: "month" };
const make = async (unit_amount, more = {}) => (await stripe.prices.create({ product: product.id, currency: "usd", unit_amount, recurring, ...more })).id;
const world = {
  url,
  stripe,
  product: product.id,
  price: await make(1900),
  bigger: await make(4900),
  yearly: await make(19_000, { recurring: { interval: "year" } }),
};

for (const chapter of [basics, payments, checkout, subscriptions, schedules, creditNotes, portal, clocks, webhooks]) await chapter(world);
finish();
