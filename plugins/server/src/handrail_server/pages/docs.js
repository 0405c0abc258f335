// The page of the protocol: draws the OpenAPI document of this server.
const make = (name, text = "", ...children) => {
  const element = document.createElement(name);
  element.textContent = text;
  element.append(...children);
  return element;
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
    make("tr", "", make("td", name + (schema.required?.includes(name) ? " *" : "")), make("td", typeOf(field)), make("td", field.description ?? "")),
  );
  return make("table", "", ...rows);
}

function operation(path, method, { summary, requestBody, responses }) {
  const title = make("summary");
  const badge = make("span", method.toUpperCase());
  badge.className = "method";
  title.append(badge, make("code", path), ` ${summary}`);
  const box = make("details", "", title);
  box.className = "operation";
  if (requestBody) box.append(make("p", `Body: ${nameOf(requestBody.content["application/json"].schema)}`));
  box.append(make("table", "", ...Object.entries(responses).map(([status, { description }]) => make("tr", "", make("td", status), make("td", description)))));
  return box;
}

const specification = await (await fetch("openapi.json")).json();
document.getElementById("version").textContent = `${specification.info.title} ${specification.info.version}`;
const list = document.getElementById("operations");
for (const [path, methods] of Object.entries(specification.paths))
  for (const [method, what] of Object.entries(methods)) list.append(operation(path, method, what));
for (const [name, schema] of Object.entries(specification.components.schemas)) {
  const box = make("section", "", make("h2", name), make("p", schema.description ?? ""), fields(schema));
  list.append(box);
}
