// The AI SDK (npm `ai`) with its providers for OpenAI-compatible servers, OpenAI and Anthropic.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, embedMany, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { IMPATIENT_MS, PICTURE, raises, same, tell, versionOf, weather, weatherAnswers } from "./telling.mjs";

const compatible = (at, more = {}) =>
  createOpenAICompatible({ name: "standin", baseURL: `${at.base}/v1`, apiKey: at.key, supportsStructuredOutputs: true, ...more });
const openai = (at) => createOpenAI({ baseURL: `${at.base}/v1`, apiKey: at.key });
const anthropic = (at) => createAnthropic({ baseURL: `${at.base}/v1`, apiKey: at.key });
const town = z.object({ city: z.string(), population: z.number() });
const getWeather = tool({
  description: "Weather",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => weather(city),
});

async function plain(at, model, kind) {
  const prompt = at.question(`plain ${kind}?`);
  const answer = await generateText({ model, prompt, maxRetries: 0 });
  same([answer.text, answer.finishReason], [`You said: ${prompt}.`, "stop"]);
  same(answer.usage.outputTokens > 0, true);
}

async function stream(at, model, kind) {
  const prompt = at.question(`a stream ${kind}?`);
  let told = "";
  for await (const part of streamText({ model, prompt, maxRetries: 0 }).textStream) told += part;
  same(told, `You said: ${prompt}.`);
}

async function tools(at, model, kind) {
  const prompt = at.question(`What is the weather in Paris and in Rome ${kind}?`);
  const answer = await generateText({ model, prompt, tools: { get_weather: getWeather }, stopWhen: stepCountIs(3), maxRetries: 0 });
  same([answer.text, answer.steps.length], [weatherAnswers(["Paris", "Rome"]), 2]);
}

async function vision(at, model, kind) {
  const content = [{ type: "text", text: at.question(`See ${kind}?`) }, { type: "image", image: PICTURE, mediaType: "image/png" }];
  const answer = await generateText({ model, messages: [{ role: "user", content }], maxRetries: 0 });
  same(answer.text.endsWith("I see 1 image: image/png."), true);
}

async function object(at, model, kind) {
  const prompt = at.question(`Describe 'Oslo' ${kind}`);
  same((await generateObject({ model, schema: town, prompt, maxRetries: 0 })).object.city, "Oslo");
}

const through = (kind, act, model) => (at) => act(at, model(at), kind);
const models = {
  compatible: (at) => compatible(at)(at.model),
  openai: (at) => openai(at)(at.model),
  anthropic: (at) => anthropic(at)("claude-haiku-5-5"),
};
const cases = {};
for (const [kind, model] of Object.entries(models))
  for (const act of [plain, stream, tools, vision, object])
    cases[kind === "compatible" ? act.name : `${kind}_${act.name}`] = through(kind, act, model);

Object.assign(cases, {
  async embeddings(at) {
    const values = [at.question("one"), at.question("two")];
    const found = await embedMany({ model: compatible(at).textEmbeddingModel("text-embedding-3-small"), values });
    same(found.embeddings.map((each) => each.length), [1536, 1536]);
  },
  async bad_key(at) {
    const model = compatible(at, { apiKey: at.badKey })(at.model);
    const error = await raises(APICallError.isInstance, () => generateText({ model, prompt: "x", maxRetries: 0 }));
    same(error.statusCode, 401);
  },
  async no_model(at) {
    const model = compatible(at)("no-such-model");
    same((await raises(APICallError.isInstance, () => generateText({ model, prompt: "x", maxRetries: 0 }))).statusCode, 404);
  },
  async timeout(at) {
    const late = AbortSignal.timeout(IMPATIENT_MS);
    const ask = () => generateText({ model: compatible(at)("slow"), prompt: at.question("slow?"), abortSignal: late, maxRetries: 0 });
    await raises((error) => /Timeout|Abort/.test(error.name), ask);
  },
  async retries(at) {
    const prompt = at.question("again?");
    same((await generateText({ model: compatible(at)("flaky"), prompt, maxRetries: 2 })).text, `You said: ${prompt}.`);
  },
});

await tell("ai-sdk", `${versionOf("ai")}/${versionOf("@ai-sdk/openai-compatible")}`, cases, "gpt-6-luna");
