// What the npm clients' scripts share: their questions, and one line of JSON for each case.
import { readFileSync } from "node:fs";

export const PICTURE =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
export const WEATHER = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
export const TOWN = {
  type: "object",
  properties: { city: { type: "string" }, population: { type: "integer" } },
  required: ["city", "population"],
  additionalProperties: false,
};
export const IMPATIENT_MS = 500;
export const weather = (city) => `${city.length} degrees in ${city}`;
export const weatherAnswers = (cities) => `The tools say: ${cities.map(weather).join("; ")}`;

export function same(found, wanted) {
  const [one, other] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (one !== other) throw new Error(`found ${one}, wanted ${other}`);
}

export async function raises(kind, act) {
  let answer;
  try {
    answer = await act();
  } catch (error) {
    if (kind(error)) return error;
    throw error;
  }
  throw new Error(`no error but ${JSON.stringify(answer)}`);
}

export const versionOf = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;

export async function tell(client, version, cases, model) {
  const [base, key, ...wanted] = process.argv.slice(2);
  const own = Object.keys(cases);
  for (const name of (wanted.length ? wanted : ["all"]).flatMap((word) => (word === "all" ? own : [word]))) {
    const [act, named] = name.split("@");
    const question = (text) => `${client} asks: ${text}`;
    const line = { client, version, case: name, ok: true, detail: "" };
    try {
      await cases[act]({ base, key, badKey: key.slice(0, -4) + "nope", model: named ?? model, question });
    } catch (error) {
      Object.assign(line, { ok: false, detail: `${error.name}: ${String(error.message).slice(0, 400)}` });
    }
    console.log(JSON.stringify(line));
  }
  process.exit(0);
}
