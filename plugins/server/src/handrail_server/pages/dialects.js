// The protocols in which the page can ask: a request of each, and its events as a few kinds of news.
// News: {text}, {reasoning}, {call}, {usage}, {trace}, {retraction}, {error}, {end: reason, guardrails}.

const MOST_TOKENS = 4096; // Messages asks for a limit

class Chat {
  static title = "Chat Completions";
  static path = "v1/chat/completions";
  static traces = true;

  static body(model, messages) {
    const asides = { stream_options: { include_usage: true }, guardrails: { trace: true } };
    return { model, messages, stream: true, ...asides };
  }

  *news(event) {
    const guardrails = event.guardrails ?? {};
    if (guardrails.trace) yield { trace: guardrails.trace };
    if (guardrails.retraction?.channel === "text") yield { retraction: guardrails.retraction };
    if (event.usage) yield { usage: { prompt: event.usage.prompt_tokens, completion: event.usage.completion_tokens } };
    for (const { delta = {}, finish_reason: reason } of event.choices ?? []) {
      if (delta.reasoning_content) yield { reasoning: delta.reasoning_content };
      if (delta.content) yield { text: delta.content };
      if (delta.refusal) yield { refusal: delta.refusal };
      for (const { index, function: said, custom } of delta.tool_calls ?? []) {
        const { name, arguments: json, input } = said ?? custom ?? {};
        yield { call: { index, name, said: json ?? input ?? "" } };
      }
      if (reason) yield { end: reason, guardrails };
    }
  }
}

class Responses {
  static title = "Responses";
  static path = "v1/responses";
  static traces = false;

  static body(model, messages) {
    return { model, input: messages, stream: true, store: false };
  }

  *news({ type, delta, output_index: index, item, response }) {
    if (type === "response.output_text.delta") yield { text: delta };
    if (type === "response.refusal.delta") yield { refusal: delta };
    if (/^response\.reasoning(_summary)?_text\.delta$/.test(type)) yield { reasoning: delta };
    if (type === "response.output_item.added" && item.name) yield { call: { index, name: item.name, said: "" } };
    if (/^response\.(function_call_arguments|custom_tool_call_input)\.delta$/.test(type)) yield { call: { index, said: delta } };
    if (type === "response.completed" || type === "response.incomplete") {
      const { usage, guardrails = {}, incomplete_details: cut } = response;
      if (usage) yield { usage: { prompt: usage.input_tokens, completion: usage.output_tokens } };
      yield { end: cut?.reason ?? "completed", guardrails };
    }
  }
}

class Messages {
  static title = "Messages";
  static path = "v1/messages";
  static traces = false;

  static body(model, messages) {
    return { model, messages, stream: true, max_tokens: MOST_TOKENS };
  }

  *news({ type, index, content_block: block, delta, usage, guardrails = {} }) {
    if (block?.type === "tool_use") yield { call: { index, name: block.name, said: "" } };
    if (delta?.type === "text_delta") yield { text: delta.text };
    if (delta?.type === "thinking_delta") yield { reasoning: delta.thinking };
    if (delta?.type === "input_json_delta") yield { call: { index, said: delta.partial_json } };
    if (type !== "message_delta") return;
    yield { usage: { prompt: usage.input_tokens, completion: usage.output_tokens } };
    yield { end: delta.stop_reason, guardrails };
  }
}

export const dialects = { chat: Chat, responses: Responses, messages: Messages };

// The events of a stream, whatever their names.
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const data = part.split("\n").find((line) => line.startsWith("data: "));
      if (data === "data: [DONE]") return;
      if (data) yield JSON.parse(data.slice(6));
    }
  }
}
