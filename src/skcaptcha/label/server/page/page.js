// The actions of the keys and buttons.

import * as grid from "./grid.js";
import { byConfidence, percent, readings } from "./reading.js";
import { ask, picture, Refused, tabName, Unreachable } from "./server.js";
import * as view from "./view.js";

const RETRY = 1000; // milliseconds
const POLL = 2500;
const LOOK = 1000; // a page that was shown for a shorter time was not looked at
const NO_PAGE = "No other image can be accepted now.";
const MODIFIERS = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "Fn"]);

const field = document.getElementById("text");
const help = document.getElementById("help");
const tab = await tabName();
const drafts = new Map(); // text typed for images that the user left without accepting it

let task = null;
let page = null; // name of the page of readings, if one is shown
let shown = null; // the picture of the task
let texts = []; // readings to choose with a key; the page put the first one into the field
let taken = 0;
let toVisit = null; // positions of characters, lowest confidence first, while → goes through them
let busy = false;
let unreachable = false;
let conflict = false;
let doubted = null; // the label that the server has asked to confirm
let keystrokes = 0;
let since = 0;
let learned = 0; // number of training labels when the task arrived

// --- requests

/** Send a request and show the response. Repeat it until the server responds, so that nothing is lost. */
async function act(path, body, done) {
  if (busy) return;
  busy = true;
  try {
    for (;;) {
      try {
        const state = await ask(path, { tab, ...body });
        grid.freeze(false);
        await show(state, done);
        return;
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        lost(path);
        // The action may already be undone; a second request would undo another one.
        if (path === "undo") [path, body, done] = ["open", {}, ""];
        await new Promise((resume) => setTimeout(resume, RETRY));
      }
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refused(error, path);
  } finally {
    busy = field.readOnly = false;
  }
}

function lost(path) {
  unreachable = true;
  field.readOnly = busy;
  grid.freeze(busy);
  const kept = path === "label" ? `${field.value} is kept here and will be saved` : "What you typed is kept here";
  view.alarm(
    `The server does not respond. ${kept} when it is back: run the same command again. Trying to connect…`,
  );
}

function refused(error, path) {
  grid.freeze(false);
  if (error.status === 403) {
    view.alarm(
      "The address of the server has changed. Open the address that skcaptcha label printed; your text stays here.",
    );
  } else if (error.status === 409 && path === "accept") {
    setTimeout(() => act("grid", {}, `${error.message} The page was not accepted; this is a new one.`));
  } else if (error.status === 422 && path === "accept") {
    doubted = page;
    view.alarm(`${error.message} Press F4 again to keep what you typed, or correct it.`);
  } else if (error.status === 409 && path !== "undo") {
    conflict = true;
    task.label = error.theirs;
    view.alarm(`${error.message} Press Enter to save your label, or Esc to keep the other one.`);
  } else if (error.status === 422 && path === "label") {
    doubted = field.value.trim();
    view.alarm(`${error.message} Press Enter again to keep it, or correct it.`);
  } else {
    view.alarm(error.message);
  }
  if (page === null) field.focus();
  else if (document.activeElement === document.body) grid.focus();
}

async function show(state, done) {
  const next = state.task && (await picture(state.task.id));
  const pictures = await Promise.all((state.grid?.tasks ?? []).map(({ id }) => picture(id)));
  if (state.ahead) picture(state.ahead).catch(() => {});
  document.getElementById("folder").textContent = state.folder;
  if (state.task?.chosen === "listed") view.showOnlyLabels();
  view.showProgress(state.progress);
  view.alarm();
  unreachable = conflict = false;
  doubted = null;
  [task, shown, learned] = [state.task, next, state.progress.n_learned];
  for (const [id, text] of grid.close()) drafts.set(id, text);
  page = state.grid?.page ?? null;
  if (state.grid) {
    view.showGrid();
    [keystrokes, since] = [0, performance.now()];
    grid.open(state.grid, pictures, drafts, () => (doubted = null));
    view.say(done === NO_PAGE ? "" : done, `${view.counted(pictures.length, "reading")} to accept.`);
    return;
  }
  if (state.saved) done = `Saved ${state.saved}.`; // perhaps in another case than it was typed
  if (!task) {
    view.say(done);
    view.showDone(state.progress, state.fit);
    return;
  }
  view.showTask(task, shown, state.progress);
  begin(task.typed ?? drafts.get(task.id) ?? task.label ?? task.guess?.text ?? "");
  const place = `Image ${task.index + 1} of ${state.progress.n_images}.`;
  const guess = task.guess && `The model reads ${[...task.guess.text].join(" ")}, with a confidence of ${percent(task.guess.confidence)} %.`;
  view.say(done, [place, task.reason, guess, shown.problem && "It cannot be shown."].filter(Boolean).join(" "));
}

// --- the field

function begin(text) {
  texts = readings(text, task);
  [taken, keystrokes, since] = [0, 0, performance.now()];
  if (!text) texts.unshift("");
  put(text);
}

function put(text) {
  field.value = text;
  toVisit = null;
  textChanged();
  if (!help.open) field.focus({ preventScroll: true });
  field.select();
}

function textChanged() {
  view.showCharacters(field.value, task.guess);
  view.showOthers(texts, texts[taken] === field.value ? taken : -1, task.guess, take);
}

function take(k) {
  if (busy || k < 0 || k >= texts.length) return;
  taken = k;
  put(texts[k]);
}

/** Select the character with the lowest confidence, so that typing replaces it; false if there is none. */
function visitNext() {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const all = start === 0 && end === value.length && value;
  if (!all && !toVisit?.at(start, end)) return false;
  const places = all ? byConfidence(value, task.guess) : toVisit.rest;
  if (!places.length) return false;
  const characters = [...value];
  const from = characters.slice(0, places[0]).join("").length;
  const to = from + characters[places[0]].length;
  field.setSelectionRange(from, to);
  toVisit = { rest: places.slice(1), at: (a, b) => a === from && b === to && field.value === value };
  return true;
}

// --- actions

function accept() {
  const text = field.value.trim();
  if (shown.problem) return view.alarm("An image that cannot be shown cannot be labeled. Press F2 to mark it as unreadable, or Esc to skip it.");
  if (!text) return view.alarm("Type the text of the image, or press F2 if it is unreadable.");
  drafts.delete(task.id);
  const seconds = Math.round(performance.now() - since) / 1000;
  const confirmed = text === doubted;
  return act("label", { id: task.id, text, expected: task.label, keystrokes, seconds, confirmed }, "");
}

function leave() {
  if (field.value !== texts[0]) drafts.set(task.id, field.value);
}

function skip() {
  if (conflict) return act("open", {}, "Kept the other label.");
  leave();
  return act("skip", { id: task.id }, "Skipped.");
}

function markUnreadable() {
  drafts.delete(task.id);
  return act("unreadable", { id: task.id, expected: task.label }, "Marked unreadable.");
}

function move(direction) {
  leave();
  return act(direction, { id: task.id }, "");
}

function undo() {
  return act("undo", {}, "Undone.");
}

function openGrid() {
  if (document.getElementById("open-grid").hidden) return view.say("No page can be accepted yet.");
  leave();
  return act("grid", {}, NO_PAGE);
}

async function acceptPage() {
  if (performance.now() - since < LOOK) return view.say("Look at the page first.");
  const images = grid.readings();
  const n = images.filter(({ text }) => text).length;
  const seconds = Math.round(performance.now() - since) / 1000;
  const confirmed = doubted === page;
  const sent = page;
  await act("accept", { page, images, keystrokes, seconds, confirmed }, `Accepted ${view.counted(n, "image")}.`);
  if (page !== sent) images.forEach(({ id }) => drafts.delete(id));
}

function closeGrid() {
  return act("open", {}, "");
}

const buttons = {
  accept, skip, unreadable: markUnreadable, undo, previous: () => move("previous"),
  following: () => move("following"), "undo-last": undo, "look-again": () => act("open", {}, ""),
  "open-grid": openGrid, "accept-page": acceptPage, "undo-page": undo, "close-grid": closeGrid,
};
for (const [id, action] of Object.entries(buttons)) {
  document.getElementById(id).addEventListener("click", () => {
    if (!busy) action();
    if (task) field.focus();
  });
}
document.getElementById("open-help").addEventListener("click", () => help.showModal());
help.addEventListener("close", () => (page === null ? task && field.focus() : grid.focus()));

// --- keys

const keys = {
  Enter: accept,
  Escape: skip,
  F2: markUnreadable,
  F4: openGrid,
  ArrowUp: () => move("previous"),
  ArrowDown: () => move("following"),
  PageUp: () => move("previous"),
  PageDown: () => move("following"),
  "Shift+ArrowDown": () => take(taken + 1),
  "Shift+ArrowUp": () => take(taken - 1),
};

const keysOfGrid = { F4: acceptPage, Escape: closeGrid };

document.addEventListener("keydown", (event) => {
  if (event.isComposing || help.open) return;
  const name = (event.shiftKey && event.key.startsWith("Arrow") ? "Shift+" : "") + event.key;
  const command = event.ctrlKey || event.metaKey;
  if (event.key === "F1") {
    event.preventDefault();
    help.showModal();
    return;
  }
  if (command && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "z") {
    if (grid.isEditing() || (task && field.value !== texts[taken])) return; // the field's own undo
    event.preventDefault();
    if (busy || event.repeat) return;
    if (task && taken) take(0);
    else undo();
    return;
  }
  const types = event.key.length === 1 && event.getModifierState("AltGraph");
  if ((!task && page === null) || ((command || event.altKey) && !types)) return;
  if (!event.repeat && !MODIFIERS.has(event.key) && !busy) keystrokes += 1;
  if (page !== null) {
    if (busy || grid.press(event) || !(event.key in keysOfGrid)) return;
    event.preventDefault();
    if (!event.repeat) keysOfGrid[event.key]();
    return;
  }
  const onButton = event.target instanceof HTMLButtonElement;
  if (name in keys && !(onButton && event.key === "Enter")) {
    event.preventDefault();
    if (busy || (event.repeat && !name.includes("Arrow"))) return; // holding a key down must not accept images unseen
    keys[name]();
  } else if (name === "ArrowRight" && event.target === field && visitNext()) {
    event.preventDefault();
  } else if (event.key.length === 1 && event.key !== " " && !onButton && event.target !== field) {
    field.focus();
  }
});

field.addEventListener("input", textChanged);
document.addEventListener("click", (event) => {
  const elsewhere = !event.target.closest("button, input, dialog, a") && !String(getSelection());
  if (task && elsewhere && !help.open) field.focus();
});
addEventListener("resize", () => shown?.url && view.fitImage(shown));
addEventListener("beforeunload", (event) => {
  if (unreachable && busy) event.preventDefault();
});

// --- polling

async function poll() {
  if (busy || document.hidden) return;
  try {
    const { progress } = await ask("progress");
    if (busy) return;
    view.showProgress(progress);
    if (unreachable) view.alarm();
    unreachable = false;
    const waiting = () => task && !task.guess && task.label === null && field.value === "" && !busy;
    if (!waiting() || progress.n_learned === learned) return;
    const state = await ask("open", { tab });
    // The user may have started typing in the meantime.
    if (waiting() && state.task?.id === task.id) await show(state, "The model has a guess.");
  } catch (error) {
    if (busy) return;
    if (error instanceof Unreachable) lost("progress");
    else if (error instanceof Refused) refused(error, "progress");
  }
}

await act("open", {}, "");
setInterval(poll, POLL);
