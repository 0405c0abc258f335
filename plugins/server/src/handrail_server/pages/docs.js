// The page of the protocol: draws the OpenAPI document of this server.
const make = (name, text = "", ...children) => {
  const element = document.createElement(name);
  element.textContent = text;
  element.append(...children);
  return element;
};

// Text in which `marks` become code.
const prose = (name, text) => {
  const parts = text.split("`").map((part, index) => (index % 2 ? make("code", part) : part));
  return make(name, "", ...parts);
};

const nameOf = (schema) => schema.$ref?.split("/").pop();

function typeOf(schema) {
  if (schema.$ref) return nameOf(schema);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  return [schema.type ?? "anything"].flat().join(" or ");
}

function fields(schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) =>
    make("tr", "", make("td", name + (schema.required?.includes(name) ? " *" : "")), make("td", typeOf(field)), prose("td", field.description ?? "")),
  );
  return make("table", "", ...rows);
}

function operation(path, method, { summary, requestBody, responses }) {
  const title = make("summary");
  const badge = make("span", method.toUpperCase());
  badge.className = "method";
  title.append(badge, make("code", path), " ", prose("span", summary));
  const box = make("details", "", title);
  box.className = "operation";
  if (requestBody) box.append(make("p", `Body: ${nameOf(requestBody.content["application/json"].schema)}`));
  box.append(make("table", "", ...Object.entries(responses).map(([status, { description }]) => make("tr", "", make("td", status), prose("td", description)))));
  return box;
}

const list = document.getElementById("operations");

// Ask for the document; where the server wants a key, wait until somebody types one that it takes.
async function loadDocument() {
  let answer = await fetch("openapi.json");
  while (answer.status === 401) {
    const key = make("input");
    key.type = "password";
    key.autocomplete = "off";
    list.replaceChildren(make("label", "This server asks for an API key: ", key));
    await new Promise((resolve) => key.addEventListener("change", resolve, { once: true }));
    list.replaceChildren();
    answer = await fetch("openapi.json", { headers: { Authorization: `Bearer ${key.value}` } });
  }
  return answer.json();
}

const specification = await loadDocument();
document.getElementById("version").textContent = `${specification.info.title} ${specification.info.version}`;
for (const [path, methods] of Object.entries(specification.paths))
  for (const [method, what] of Object.entries(methods)) list.append(operation(path, method, what));
for (const [name, schema] of Object.entries(specification.components.schemas)) {
  const title = make("h2", name);
  title.className = "name";
  list.append(make("section", "", title, prose("p", schema.description ?? ""), fields(schema)));
}
