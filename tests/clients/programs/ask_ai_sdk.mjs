// Vercel's AI SDK: streamed text by each of its providers; prints what `asked.py` does.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { streamText } from "ai";

const base = `${process.env.CLIENTS_BASE}/v1`;
const openai = createOpenAI({ baseURL: base, apiKey: "none" });
const anthropic = createAnthropic({ baseURL: base, apiKey: "none" });
const models = { chat: (name) => openai.chat(name), responses: (name) => openai.responses(name), messages: (name) => anthropic(name) };

async function ask(model) {
  let failure = null;
  const onError = ({ error }) => (failure = error);
  const result = streamText({ model, prompt: "Hello!", maxRetries: 0, onError });
  let text = "";
  for await (const part of result.textStream) text += part;
  if (failure) throw failure;
  const reason = await result.finishReason;
  return { text, error: reason === "stop" ? "" : `${reason}: finishReason` };
}

async function leave(model) {
  const left = new AbortController();
  const result = streamText({ model, prompt: "Hello!", maxRetries: 0, abortSignal: left.signal, onError() {} });
  for await (const part of result.textStream) {
    if (!part) continue;
    left.abort();
    return part;
  }
}

async function hasEnded(until = Date.now() + 5000) {
  while (Date.now() < until) {
    const told = await (await fetch(`${process.env.CLIENTS_BASE}/metrics`)).text();
    if (told.includes("\nhandrail_streams_open 0")) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

for (const [dialect, make] of Object.entries(models)) {
  for (const name of process.env.CLIENTS_CASES.split(" ")) {
    let told;
    try {
      told = await ask(make(name));
    } catch (error) {
      told = { text: "", error: `${error?.name ?? "Error"}: ${error?.message ?? JSON.stringify(error)}` };
    }
    console.log(JSON.stringify({ dialect, case: name, ...told }));
  }
  const text = await leave(make("leaving"));
  const error = (await hasEnded()) ? "" : "the stream goes on";
  console.log(JSON.stringify({ dialect, case: "leaving", text, error }));
}
process.exit(0);
