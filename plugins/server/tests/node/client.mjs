// What OpenAI's package for Node makes of the server; prints it as JSON.
import OpenAI from "openai";

const baseURL = process.env.BASE_URL;
const client = new OpenAI({ baseURL, apiKey: "right-key", maxRetries: 0 });
const messages = [{ role: "user", content: "Hello!" }];
const tools = [{ type: "function", function: { name: "get_weather", parameters: { type: "object" } } }];
const create = (model, more = {}) => client.chat.completions.create({ model, messages, ...more });

async function codeOf(action) {
  try {
    await action();
  } catch (error) {
    return error.code;
  }
}

async function collect(model, more = {}) {
  const chunks = [];
  for await (const chunk of await create(model, { stream: true, ...more })) chunks.push(chunk);
  return chunks;
}

const whole = await create("plain");
const chunks = await collect("plain", { stream_options: { include_usage: true } });
const withTools = await create("tools", { tools });
const ending = (await collect("guarded")).find((chunk) => chunk.choices[0]?.finish_reason);
const stranger = new OpenAI({ baseURL, apiKey: "wrong", maxRetries: 0 });

console.log(
  JSON.stringify({
    whole: whole.choices[0].message.content,
    streamed: chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""),
    total: chunks.at(-1).usage.total_tokens > 0,
    tool: withTools.choices[0].message.tool_calls[0].function.name,
    blocked: [ending.choices[0].finish_reason, ending.guardrails.blocked.rail],
    errors: [
      await codeOf(() => create("nope")),
      await codeOf(() => stranger.models.list()),
      await codeOf(() => collect("broken")),
    ],
  }),
);
