// The openai package for Node.
import OpenAI from "openai";
import { IMPATIENT_MS, PICTURE, TOWN, WEATHER, raises, same, tell, versionOf, weather, weatherAnswers } from "./telling.mjs";

const TOOLS = [{ type: "function", function: { name: "get_weather", description: "Weather", parameters: WEATHER } }];
const client = (at, more = {}) => new OpenAI({ baseURL: `${at.base}/v1`, apiKey: at.key, maxRetries: 0, ...more });
const asked = (at, content, more = {}) => ({ model: at.model, messages: [{ role: "user", content }], ...more });
const ask = (at, content, more, own) => client(at, own).chat.completions.create(asked(at, content, more));
const text = (answer) => answer.choices[0].message.content;

const cases = {
  async plain(at) {
    const question = at.question("plain?");
    same(text(await ask(at, question)), `You said: ${question}.`);
  },
  async stream(at) {
    const question = at.question("a stream?");
    let told = "";
    for await (const chunk of await ask(at, question, { stream: true })) told += chunk.choices[0]?.delta?.content ?? "";
    same(told, `You said: ${question}.`);
  },
  async tools(at) {
    const cities = ["Paris", "Rome"];
    const messages = [{ role: "user", content: at.question("What is the weather in Paris and in Rome?") }];
    const own = client(at).chat.completions;
    const first = (await own.create({ model: at.model, messages, tools: TOOLS })).choices[0].message;
    same(first.tool_calls.map((call) => JSON.parse(call.function.arguments)), cities.map((city) => ({ city })));
    const results = first.tool_calls.map((call, place) => ({ role: "tool", tool_call_id: call.id, content: weather(cities[place]) }));
    const second = await own.create({ model: at.model, messages: [...messages, first, ...results], tools: TOOLS });
    same(text(second), weatherAnswers(cities));
  },
  async tools_stream(at) {
    const runner = client(at).chat.completions.stream(asked(at, at.question("Stream the weather in Paris"), { tools: TOOLS }));
    const whole = await runner.finalChatCompletion();
    same(whole.choices[0].message.tool_calls.map((call) => JSON.parse(call.function.arguments)), [{ city: "Paris" }]);
  },
  async vision(at) {
    const picture = { type: "image_url", image_url: { url: `data:image/png;base64,${PICTURE}` } };
    const answer = text(await ask(at, [{ type: "text", text: at.question("See?") }, picture]));
    same(answer.endsWith("I see 1 image: image/png."), true);
  },
  async json_schema(at) {
    const format = { type: "json_schema", json_schema: { name: "town", strict: true, schema: TOWN } };
    same(JSON.parse(text(await ask(at, at.question("Describe 'Oslo'"), { response_format: format }))).city, "Oslo");
  },
  async embeddings(at) {
    const input = [at.question("one"), at.question("two")];
    const found = await client(at).embeddings.create({ model: "text-embedding-3-small", input });
    same(found.data.map((each) => each.embedding.length), [1536, 1536]);
  },
  async responses(at) {
    const question = at.question("respond");
    same((await client(at).responses.create({ model: at.model, input: question })).output_text, `You said: ${question}.`);
  },
  async responses_stream(at) {
    const question = at.question("respond bit by bit");
    const told = await client(at).responses.stream({ model: at.model, input: question }).finalResponse();
    same(told.output_text, `You said: ${question}.`);
  },
  async bad_key(at) {
    await raises((error) => error instanceof OpenAI.AuthenticationError, () => ask(at, "x", {}, { apiKey: at.badKey }));
  },
  async no_model(at) {
    await raises((error) => error instanceof OpenAI.NotFoundError, () => ask({ ...at, model: "no-such-model" }, "x"));
  },
  async bad_request(at) {
    await raises((error) => error instanceof OpenAI.BadRequestError, () => ask(at, "x", { messages: [] }));
  },
  async timeout(at) {
    const impatient = () => ask({ ...at, model: "slow" }, at.question("slow?"), {}, { timeout: IMPATIENT_MS });
    await raises((error) => error instanceof OpenAI.APIConnectionTimeoutError, impatient);
  },
  async retries(at) {
    const question = at.question("again?");
    same(text(await ask({ ...at, model: "flaky" }, question, {}, { maxRetries: 2 })), `You said: ${question}.`);
  },
};

await tell("openai-npm", versionOf("openai"), cases, "gpt-6-luna");
