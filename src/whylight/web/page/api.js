// Talking to the server this page came from, and to no other.

import { takeToken } from "./address.js";

const token = takeToken();
const client = crypto.getRandomValues(new Uint32Array(2)).join("-");

/** A request that was refused, with the server's one line. */
export class Refused extends Error {
  /** @param {string} message @param {string} code @param {number} status */
  constructor(message, code, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/**
 * @param {string} path below /api/
 * @param {How} [how]
 * @typedef {{body?: any, signal?: AbortSignal, as?: "json"|"blob", line?: (line: any) => void}} How
 *   a body is sent as JSON, a Blob as it is; line: called with each line of JSON of an answer that comes in lines
 * @returns {Promise<any>}
 */
export async function call(path, { body, signal, as = "json", line } = {}) {
  const headers = { "X-Whylight-Client": client };
  if (token) headers.Authorization = `Bearer ${token}`;
  const isFile = body instanceof Blob;
  if (body && !isFile) headers["Content-Type"] = "application/json";
  const method = body ? "POST" : "GET";
  for (;;) {
    const sent = isFile ? body : body && JSON.stringify(body);
    const answer = await fetch(`api/${path}`, { method, headers, body: sent, signal });
    if (answer.ok && line) return readLines(answer.body, line);
    if (answer.ok) return as === "blob" ? answer.blob() : answer.json();
    const said = await answer.json().catch(() => ({}));
    if (answer.status !== 429 && said.code !== "loading") throw refused(said, answer.status);
    await pause(Math.min(10, Number(answer.headers.get("Retry-After")) || 1), signal);
  }
}

const refused = (said, status) => new Refused(said.error ?? `the server answered ${status}`, said.code ?? "", status);

/** @param {ReadableStream<Uint8Array>} stream @param {(line: any) => void} line */
async function readLines(stream, line) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const each of lines.map((text) => JSON.parse(text))) {
      if (each.error !== undefined) throw refused(each, each.status);
      line(each);
    }
  }
}

/** Pictures that were sent, to be sent again where the server has dropped them. @type {Map<string, () => Promise<any>>} */
const sent = new Map();

/**
 * Send a picture.
 * @param {Blob} file @param {[number, number]|null} [range] what is black and white in it, where it does not say so
 * @returns {Promise<{picture: string, width: number, height: number}>}
 */
export async function sendPicture(file, range = null) {
  const path = range ? `pictures?black=${range[0]}&white=${range[1]}` : "pictures";
  const send = (signal) => call(path, { body: file, signal });
  const answer = await send();
  sent.set(answer.picture, send);
  return answer;
}

/**
 * Ask about a picture. Where the server does not hold it any more, or the one that it is to be like, it is sent again, unseen.
 * @param {string} path
 * @param {import("./state.js").Source} source
 * @param {Record<string, any>} body
 * @param {How} [how]
 */
export async function askAbout(path, source, body, how = {}) {
  const named = source.kind === "scene" ? { scene: source.seed } : { picture: source.id };
  try {
    return await call(path, { ...how, body: { ...named, ...body } });
  } catch (error) {
    if (!(error instanceof Refused && error.code === "picture_gone")) throw error;
    for (const name of [named.picture, body.like?.picture]) await sent.get(name)?.(how.signal);
    return call(path, { ...how, body: { ...named, ...body } });
  }
}

/** @param {number} seconds @param {AbortSignal} [signal] */
function pause(seconds, signal) {
  return new Promise((go, stop) => {
    const timer = setTimeout(go, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      stop(signal.reason);
    });
  });
}

/** @param {unknown} error whether somebody changed their mind, which is no fault */
export const wasCancelled = (error) => error instanceof DOMException && error.name === "AbortError";
