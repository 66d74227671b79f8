// What is asked of the picture beyond prompts and classes: rather than another, without others, what speaks against, likeness.

import { model } from "./models.js";
import { sourceKey, state } from "./state.js";

/** Several prompts in one field, between semicolons. @param {string} text */
export const several = (text) => text.split(";").map((each) => each.trim()).filter(Boolean);

const ofPrompts = () => model()?.asks !== "classes";
/** Whether likeness to another picture is asked for, instead of prompts. */
export const asksLike = () => ofPrompts() && state.like !== null;
const ratherThan = () => (asksLike() ? "" : state.ratherThan.trim());
const without = () => (ofPrompts() && !asksLike() && !ratherThan() ? several(state.without) : []);

/** Whether anything is asked beyond prompts or classes as they are. */
export const isPlain = () => !asksLike() && !ratherThan() && !without().length && !state.negative;

/** What requests say of it. @returns {Record<string, any>} */
export function beyond() {
  const said = {};
  if (ratherThan()) said.rather_than = ratherThan();
  if (without().length) said.without = without();
  if (state.negative) said.negative = true;
  if (asksLike() && state.like) {
    said.like = state.like.kind === "scene" ? { scene: state.like.seed } : { picture: state.like.id };
    if (state.likePatch) said.like.patch = [state.likePatch.row, state.likePatch.column];
  }
  return said;
}

/** A name for it, in answers that are kept. */
export const beyondKey = () => (isPlain() ? "" : JSON.stringify(beyond()));

/** What the other picture is called. */
export function likeName() {
  const name = state.like?.kind === "scene" ? `scene ${state.like.seed}` : state.like?.name ?? "";
  return `like ${name}${state.likePatch ? `, patch ${state.likePatch.row + 1}, ${state.likePatch.column + 1}` : ""}`;
}

/** What is asked, in order, each with its row: prompts or classes that are not empty, or the other picture. */
export function wanted() {
  if (asksLike()) return [{ prompt: likeName(), index: 0 }];
  return state.prompts.map((prompt, index) => ({ prompt: prompt.trim(), index })).filter((each) => each.prompt);
}

/** Targets as requests name them. @param {string[]} prompts */
export const targets = (prompts) => (asksLike() ? [] : prompts);

/** In few words, where it is not seen. */
export function beyondInWords() {
  const parts = [];
  if (asksLike()) parts.push(likeName());
  if (ratherThan()) parts.push(`rather than ${ratherThan()}`);
  if (without().length) parts.push(`without ${without().join(", ")}`);
  if (state.negative) parts.push("what speaks against");
  return parts.join(" · ");
}

/** Changes of these mean another question. */
export const ASKED = ["ratherThan", "without", "negative", "like", "likePatch"];

/** The other picture's name in answers that are kept. */
export const likeKey = () => sourceKey(state.like);
