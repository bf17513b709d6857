// Stands between a client and a Stripe and writes down every call of the API with its answer, a line each:
// `node proxy.mjs --to http://127.0.0.1:12111 --out calls.jsonl`, which prints where it listens.
import { createWriteStream } from "node:fs";
import { createServer, request } from "node:http";
import { argument } from "../lib.mjs";

const to = new URL(argument("to"));
const out = createWriteStream(argument("out"), { flags: "a" });

const whole = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const server = createServer(async (asked, answer) => {
  const sent = await whole(asked);
  const options = { host: to.hostname, port: to.port, method: asked.method, path: asked.url, headers: asked.headers };
  const further = request(options, async (found) => {
    const told = await whole(found).catch(() => null);
    if (told === null) return answer.destroy();
    if (asked.url.startsWith("/v1/")) {
      const line = { method: asked.method, path: asked.url, body: sent.toString(), status: found.statusCode, answer: told.toString() };
      out.write(`${JSON.stringify(line)}\n`);
    }
    answer.writeHead(found.statusCode, found.headers);
    answer.end(told);
  });
  // What the Stripe cuts off is cut off here.
  further.on("error", () => answer.destroy());
  further.end(sent);
});
server.listen(Number(argument("port", "0")), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
