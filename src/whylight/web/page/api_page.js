// The API's description, read from openapi.json.

import { call } from "./api.js";
import { byId, make } from "./dom.js";

const description = await call("openapi.json");

/** @param {any} schema */
function fields(schema) {
  const name = schema?.$ref?.split("/").pop();
  const found = name ? description.components.schemas[name] : schema;
  return Object.entries(found?.properties ?? {}).map(([field, about]) => {
    const needed = (found.required ?? []).includes(field) ? "needed" : `default ${JSON.stringify(about.default ?? null)}`;
    return make("li", {}, make("code", {}, field), ` ${needed}${about.description ? `: ${about.description}` : ""}`);
  });
}

for (const [path, ways] of Object.entries(description.paths)) {
  for (const [way, about] of Object.entries(ways)) {
    const body = about.requestBody?.content?.["application/json"]?.schema;
    byId("paths").append(
      make("h2", {}, make("code", {}, `${way.toUpperCase()} ${path}`)),
      make("p", {}, about.description ?? about.summary ?? ""),
      make("ul", {}, ...(body ? fields(body) : [])),
    );
  }
}
