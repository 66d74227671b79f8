// The page, put together.

import { followAddress, readAddress, writeAddress } from "./address.js";
import { setUpAnswerStage } from "./answer_stage.js";
import { openAnswers, setUpAskPanel } from "./ask_panel.js";
import { afterPause, byId, fault } from "./dom.js";
import { setUpAskMore, showMore } from "./ask_more.js";
import { buildErase } from "./erase.js";
import { setUpLook } from "./look.js";
import { buildMethods } from "./methods.js";
import { setUpModels } from "./models.js";
import { buildPatches } from "./patches.js";
import { setUpPicture } from "./picture.js";
import { setUpPrompts, setUpQuestion } from "./prompts.js";
import { whenAnswered } from "./questions.js";
import { setUpStage } from "./stage.js";
import { change, state, whenChanged } from "./state.js";
import { setUpTabs } from "./tabs.js";
import { setUpTakeAnswer } from "./take_answer.js";
import { buildTakeAlong } from "./take_along.js";
import { openTexts, setUpTexts } from "./texts.js";
import { buildWords } from "./words.js";

const FIRST_SCENE = 1000000043;

const wanted = readAddress();
setUpPicture();
setUpPrompts();
setUpAskMore();
setUpStage();
setUpLook();
setUpTexts();
setUpAnswerStage();
setUpTakeAnswer();
const refreshTab = setUpTabs([
  { name: "words", label: "Words", build: buildWords },
  { name: "patches", label: "Patches and heads", build: buildPatches },
  { name: "methods", label: "Methods", build: buildMethods },
  { name: "erase", label: "Is it true?", build: buildErase },
  { name: "take", label: "Take it along", build: buildTakeAlong },
]);
whenAnswered(refreshTab);

const { model = null, ...rest } = wanted;
state.model = model;
change({ source: { kind: "scene", seed: FIRST_SCENE }, prompts: [""], ...rest });
setUpAskPanel();
followAddress();
whenChanged(afterPause(writeAddress, 150));

setUpModels(async (facts) => {
  if (facts.asks === "questions") return openAnswers();
  if (facts.reads === "text") return openTexts(facts);
  showMore();
  await setUpQuestion(facts);
  if (facts.asks === "prompts" && !state.prompts.some((each) => each.trim()) && state.source?.kind === "scene") {
    const first = byId("suggestions").querySelector("button");
    if (first) first.click();
    else change({ prompts: ["a plain red ring"] });
  }
}).catch((error) => fault(error.message));
