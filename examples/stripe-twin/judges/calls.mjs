// Reads calls that the proxy wrote down: their forms as nested values, and which resource and deed they are.
import { readFileSync } from "node:fs";

// Digits that are no numbers.
const WORDS = ["cvc", "number", "postal_code", "phone", "code", "name", "description", "value"];

/** A form with brackets as the nested value that it stands for; numbers and truths as such. */
export function nested(text) {
  const root = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const parts = [...name.matchAll(/[^[\]]+|\[\]/g)].map(([part]) => part);
    let at = root;
    parts.forEach((part, index) => {
      const last = index === parts.length - 1;
      if (last) at[part] = ["metadata", "payload"].some((name) => parts.includes(name)) || WORDS.includes(part) ? value : plain(value);
      else at = at[part] ??= {};
    });
  }
  return lists(root);
}

function plain(value) {
  if (value === "true" || value === "false") return value === "true";
  return /^-?\d{1,15}(\.\d+)?$/.test(value) ? Number(value) : value;
}

function lists(value) {
  if (value === null || typeof value !== "object") return value;
  const names = Object.keys(value);
  const inner = Object.fromEntries(names.map((name) => [name, lists(value[name])]));
  return names.length > 0 && names.every((name) => /^\d+$|^\[\]$/.test(name)) ? Object.values(inner) : inner;
}

export function read(file) {
  const calls = readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return calls.map((call) => {
    const [path, query = ""] = call.path.split("?");
    const json = (() => { try { return JSON.parse(call.answer); } catch { return null; } })();
    const form = call.method === "GET" || call.method === "DELETE" ? query || call.body : call.body;
    return { ...call, path: decodeURIComponent(path), form, params: nested(form), json };
  });
}
