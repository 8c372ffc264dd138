// Anthropic's package for Node.
import Anthropic from "@anthropic-ai/sdk";
import { IMPATIENT_MS, PICTURE, WEATHER, raises, same, tell, versionOf, weather, weatherAnswers } from "./telling.mjs";

const TOOLS = [{ name: "get_weather", description: "Weather", input_schema: WEATHER }];
const client = (at, more = {}) => new Anthropic({ baseURL: at.base, apiKey: at.key, maxRetries: 0, ...more });
const asked = (at, content, more = {}) => ({ model: at.model, max_tokens: 1024, messages: [{ role: "user", content }], ...more });
const ask = (at, content, more, own) => client(at, own).messages.create(asked(at, content, more));
const text = (answer) => answer.content.filter((block) => block.type === "text").map((block) => block.text).join("");

const cases = {
  async plain(at) {
    const question = at.question("plain?");
    same(text(await ask(at, question)), `You said: ${question}.`);
  },
  async stream(at) {
    const question = at.question("a stream?");
    same(text(await client(at).messages.stream(asked(at, question)).finalMessage()), `You said: ${question}.`);
  },
  async tools(at) {
    const cities = ["Paris", "Rome"];
    const question = at.question("What is the weather in Paris and in Rome?");
    const first = await ask(at, question, { tools: TOOLS });
    const used = first.content.filter((block) => block.type === "tool_use");
    same(used.map((block) => block.input), cities.map((city) => ({ city })));
    const results = used.map((block) => ({ type: "tool_result", tool_use_id: block.id, content: weather(block.input.city) }));
    const messages = [{ role: "user", content: question }, { role: "assistant", content: first.content }, { role: "user", content: results }];
    same(text(await ask(at, "", { messages, tools: TOOLS })), weatherAnswers(cities));
  },
  async tools_stream(at) {
    const question = at.question("Stream the weather in Paris");
    const whole = await client(at).messages.stream(asked(at, question, { tools: TOOLS })).finalMessage();
    same(whole.content.filter((block) => block.type === "tool_use").map((block) => block.input), [{ city: "Paris" }]);
  },
  async vision(at) {
    const picture = { type: "image", source: { type: "base64", media_type: "image/png", data: PICTURE } };
    const answer = text(await ask(at, [{ type: "text", text: at.question("See?") }, picture]));
    same(answer.endsWith("I see 1 image: image/png."), true);
  },
  async count(at) {
    const messages = [{ role: "user", content: at.question("count me") }];
    same((await client(at).messages.countTokens({ model: at.model, messages })).input_tokens > 5, true);
  },
  async bad_key(at) {
    await raises((error) => error instanceof Anthropic.AuthenticationError, () => ask(at, "x", {}, { apiKey: at.badKey }));
  },
  async no_model(at) {
    await raises((error) => error instanceof Anthropic.NotFoundError, () => ask({ ...at, model: "no-such-model" }, "x"));
  },
  async bad_request(at) {
    await raises((error) => error instanceof Anthropic.BadRequestError, () => ask(at, "x", { messages: [] }));
  },
  async timeout(at) {
    const impatient = () => ask({ ...at, model: "claude-slow" }, at.question("slow?"), {}, { timeout: IMPATIENT_MS });
    await raises((error) => error instanceof Anthropic.APIConnectionTimeoutError, impatient);
  },
  async retries(at) {
    const question = at.question("again?");
    same(text(await ask({ ...at, model: "claude-flaky" }, question, {}, { maxRetries: 2 })), `You said: ${question}.`);
  },
};

await tell("anthropic-npm", versionOf("@anthropic-ai/sdk"), cases, "claude-haiku-5-5");
