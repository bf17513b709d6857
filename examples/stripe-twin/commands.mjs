// The commands around the twin, as people type them: the twin alone, its levers, and events kept and sent again.
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { argument, assert, client, finish, receive, step, until } from "./lib.mjs";

const quoin = argument("quoin");
const folder = argument("folder");
const running = [];

/** Starts a command that goes on; it ends with this program. */
function start(...words) {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", quoin, ...words], { cwd: folder, env: { PATH: process.env.PATH } });
  const said = { out: "", err: "", code: null };
  child.stdout.on("data", (chunk) => (said.out += chunk));
  child.stderr.on("data", (chunk) => (said.err += chunk));
  child.on("exit", (code) => (said.code = code));
  running.push(child);
  return said;
}

/** Runs a command to its end. */
async function run(...words) {
  const said = start(...words);
  await until(words.join(" "), () => said.code !== null);
  return said;
}

async function freeAddress() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return `127.0.0.1:${port}`;
}

await mkdir(folder, { recursive: true });
const [at, listen] = [await freeAddress(), await freeAddress()];
const events = join(folder, "events");
let capture, secret;

await step("`webhooks capture` waits for events", async () => {
  capture = start("webhooks", "capture", "--dir", events, "--at", at);
  await until("the capture", () => capture.err.includes("Capturing"));
});
await step("`stripe-twin --forward-to` serves alone and prints the secret it signs with", async () => {
  const twin = start("stripe-twin", "--listen", listen, "--data-dir", join(folder, "twin"), "--forward-to", `http://${at}/`);
  const found = await until("the twin", () => twin.out.match(/^webhook secret +(whsec_\S+)$/m));
  secret = found[1];
  assert.match(twin.out, /^secret key +sk_test_/m);
});
await step("Stripe's own client speaks with it", async () => {
  const stripe = client(`http://${listen}`);
  const customer = await stripe.customers.create({ email: "ada@example.com" });
  assert.equal((await stripe.customers.retrieve(customer.id)).email, "ada@example.com");
});
await step("`stripe-twin trigger` makes an event happen with all that belongs to it", async () => {
  const said = await run("stripe-twin", "trigger", "customer.subscription.updated", "--listen", listen, "--json");
  assert.equal(said.code, 0, said.err);
  assert.ok(JSON.parse(said.out).events.length > 3, said.out);
  const names = await until("the captured files", async () => {
    const all = await readdir(events);
    return all.some((name) => name.includes("customer.subscription.updated")) && all;
  });
  assert.ok(names.every((name) => /^\d{4}-[a-z_.]+-evt_\w+\.json$/.test(name)), names.join(" "));
});
await step("an event that does not exist is refused with a sentence", async () => {
  const said = await run("stripe-twin", "trigger", "moon.landed", "--listen", listen);
  assert.notEqual(said.code, 0);
  assert.match(said.err, /moon\.landed/);
});
await step("`stripe-twin chaos` turns the knob, shows it and resets it", async () => {
  assert.equal((await run("stripe-twin", "chaos", "duplicate=50", "delay_ms=20", "--listen", listen)).code, 0);
  const shown = JSON.parse((await run("stripe-twin", "chaos", "--listen", listen, "--json")).out);
  assert.deepEqual([shown.duplicate, shown.delay_ms], [50, 20]);
  assert.equal((await run("stripe-twin", "chaos", "reset=1", "--listen", listen)).code, 0);
  assert.equal(JSON.parse((await run("stripe-twin", "chaos", "--listen", listen, "--json")).out).duplicate, 0);
});
await step("`webhooks replay` delivers the captured bytes again, signed now: Stripe's helper believes them", async () => {
  const endpoint = await receive(client(`http://${listen}`), () => secret);
  const files = (await readdir(events)).sort().map((name) => join(events, name));
  const said = await run("webhooks", "replay", ...files, "--to", endpoint.url, "--secret", secret);
  assert.equal(said.code, 0, said.err);
  assert.equal(endpoint.received.length, files.length);
  const kept = await Promise.all(files.map(async (file) => JSON.parse(await readFile(file, "utf8"))));
  assert.deepEqual(endpoint.received.map(({ event }) => event), kept);
  endpoint.close();
});
await step("signed with another secret they are not believed, and the command says so", async () => {
  const endpoint = await receive(client(`http://${listen}`), () => secret, ({ error }) => (error ? 400 : 200));
  const [name] = await readdir(events);
  const said = await run("webhooks", "replay", join(events, name), "--to", endpoint.url, "--secret", "whsec_of_somebody_else");
  assert.notEqual(said.code, 0);
  assert.match(said.err, /400/);
  endpoint.close();
});
await step("off loopback the twin does not start", async () => {
  const said = await run("stripe-twin", "--listen", "0.0.0.0:0", "--data-dir", join(folder, "open"));
  assert.notEqual(said.code, 0);
  assert.match(said.err, /loopback/);
});

for (const child of running) child.kill("SIGKILL");
finish();
