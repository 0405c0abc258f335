// Vercel's AI SDK: streamed text with a tool, by each of its providers; prints what `asked.py` does for a loop.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { jsonSchema, stepCountIs, streamText, tool } from "ai";

const base = `${process.env.CLIENTS_BASE}/v1`;
const openai = createOpenAI({ baseURL: base, apiKey: "none" });
const anthropic = createAnthropic({ baseURL: base, apiKey: "none" });
const models = { chat: (name) => openai.chat(name), responses: (name) => openai.responses(name), messages: (name) => anthropic(name) };

async function loop(model, calls) {
  let failure = null;
  const inputSchema = jsonSchema({ type: "object", properties: { city: { type: "string" } } });
  const execute = ({ city }) => (calls.push(city), `Sunny in ${city}.`);
  const result = streamText({
    model,
    prompt: "How is the weather?",
    tools: { weather: tool({ inputSchema, execute }) },
    stopWhen: stepCountIs(5),
    maxRetries: 0,
    onError: ({ error }) => (failure = error),
  });
  let text = "";
  for await (const part of result.textStream) text += part;
  if (failure) throw failure;
  const reason = await result.finishReason;
  return { text, error: reason === "stop" ? "" : `${reason}: finishReason` };
}

for (const [dialect, make] of Object.entries(models)) {
  for (const name of process.env.CLIENTS_CASES.split(" ")) {
    const calls = [];
    let told;
    try {
      told = await loop(make(name), calls);
    } catch (error) {
      told = { text: "", error: `${error?.name ?? "Error"}: ${error?.message ?? JSON.stringify(error)}` };
    }
    console.log(JSON.stringify({ dialect, case: name, calls: calls.length, ...told }));
  }
}
process.exit(0);
