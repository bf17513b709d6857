// Validates what was sent against Stripe's own description of its API, which is some years older than the version in use:
// `node judges/openapi.mjs --calls calls.jsonl --description stripe.com.json`. A call or parameter that it does not know is counted, not judged.
import { readFileSync } from "node:fs";
import { argument } from "../lib.mjs";
import { read } from "./calls.mjs";

const description = JSON.parse(readFileSync(argument("description"), "utf8"));
const routes = Object.keys(description.paths).map((path) => [path, new RegExp(`^${path.replace(/\{[^}]+\}/g, "[^/]+")}$`)]);
const newer = new Map();

function schemaOf({ method, path }) {
  // What is written out wins over a place-holder: /v1/customers/search is no customer.
  const fitting = routes.filter(([, pattern]) => pattern.test(path)).sort(([a], [b]) => a.split("{").length - b.split("{").length);
  const operation = fitting.length && description.paths[fitting[0][0]][method.toLowerCase()];
  if (!operation) return null;
  if (method !== "GET") return operation.requestBody?.content?.["application/x-www-form-urlencoded"]?.schema ?? { type: "object", properties: {} };
  const properties = Object.fromEntries((operation.parameters ?? []).filter((one) => one.in === "query").map((one) => [one.name, one.schema]));
  return { type: "object", properties };
}

/** Says what is wrong with a value, at most one thing. */
function wrong(value, schema, at, call) {
  if (schema.anyOf) {
    const complaints = schema.anyOf.map((one) => wrong(value, one, at, call));
    return complaints.includes(null) ? null : complaints.find((complaint) => !complaint.includes("is no")) ?? complaints[0];
  }
  if (schema.enum && !schema.enum.includes(String(value))) return value === "" ? null : `${at}: ${value} is none of ${schema.enum.join(", ").slice(0, 120)}`;
  const kind = Array.isArray(value) ? "array" : typeof value;
  const fits = { string: kind !== "object" && kind !== "array", integer: Number.isInteger(value), number: !Number.isNaN(Number(value)), boolean: kind === "boolean", array: kind === "array" || value === "", object: kind === "object" || value === "" };
  if (schema.type && !fits[schema.type]) return `${at}: ${JSON.stringify(value)} is no ${schema.type}`;
  if (schema.maxLength && String(value).length > schema.maxLength) return `${at}: longer than ${schema.maxLength}`;
  if (kind === "array") return value.map((one, index) => wrong(one, schema.items ?? {}, `${at}[${index}]`, call)).find(Boolean) ?? null;
  if (kind !== "object") return null;
  for (const name of schema.required ?? []) if (!(name in value)) return `${at}: ${name} is missing`;
  for (const [name, inner] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? (typeof schema.additionalProperties === "object" ? schema.additionalProperties : null);
    if (known) {
      const complaint = wrong(inner, known, `${at}.${name}`, call);
      if (complaint) return complaint;
    } else if (schema.properties) {
      newer.set(`${call} ${at}.${name}`.replace(/\[\d+\]/g, "[]"), true);
    }
  }
  return null;
}

// What the description asks for and the version in use does not any more.
const SINCE = {
  "POST /v1/promotion_codes : coupon is missing": "named by promotion[coupon] now",
  "POST /v1/billing_portal/configurations : business_profile is missing": "optional now",
};

let judged = 0;
const unknown = new Set(), complaints = new Set();
for (const call of read(argument("calls"))) {
  if (call.status !== 200) continue;
  const schema = schemaOf(call);
  const name = `${call.method} ${call.path.replace(/\/[a-z]{2,6}_[A-Za-z0-9_]+/g, "/{id}")}`;
  if (!schema) { unknown.add(name); continue; }
  const complaint = wrong(call.params, schema, "", name);
  judged += 1;
  if (complaint && !SINCE[`${name} ${complaint}`]) complaints.add(`${name} ${complaint}`);
}
for (const complaint of complaints) console.log(`✗ ${complaint}`);
console.log(`calls newer than the description: ${[...unknown].sort().join("; ")}`);
console.log(`parameters newer than the description: ${[...newer.keys()].sort().join("; ")}`);
console.log(`\nopenapi: ${judged - complaints.size} passed, ${complaints.size} failed`);
process.exit(complaints.size ? 1 : 0);
