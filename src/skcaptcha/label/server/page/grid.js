// The grid of images whose readings are accepted together.

import { level, percent } from "./reading.js";

const section = document.getElementById("grid");
const list = document.getElementById("cells");

let cells = []; // { id, read, guess, seen, input, note, item } of each image

function make(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Show a page; `drafts` are texts that were typed before, and `onChange` is called when one is typed. */
export function open({ tasks, acceptance, accuracy }, pictures, drafts, onChange) {
  document.getElementById("grid-support").textContent = acceptance ? support(acceptance, accuracy) : "This page was undone.";
  cells = tasks.map((task, k) => {
    const read = task.guess.text;
    const seen = !pictures[k].problem; // nobody can tell whether other readings are right
    const cell = { id: task.id, read, guess: task.guess, seen, item: make("li"), note: make("small") };
    cell.note.id = `note-${k}`;
    cell.input = make("input");
    Object.assign(cell.input, {
      type: "text", value: seen ? (drafts.get(task.id) ?? task.typed ?? read) : "", readOnly: true, tabIndex: k ? -1 : 0,
      autocomplete: "off", autocapitalize: "off", spellcheck: false, maxLength: 1000, enterKeyHint: "done",
    });
    cell.input.setAttribute("autocorrect", "off");
    cell.input.setAttribute("aria-label", `Reading of ${task.filename}`);
    cell.input.setAttribute("aria-describedby", cell.note.id);
    cell.item.append(imageOf(task, pictures[k]), cell.input, cell.note);
    cell.item.addEventListener("click", () => (cell.seen && cell.input.readOnly ? edit(cell) : cell.input.focus()));
    cell.input.addEventListener("focus", () => cells.forEach((one) => (one.input.tabIndex = one === cell ? 0 : -1)));
    cell.input.addEventListener("blur", () => stop(cell));
    cell.input.addEventListener("input", () => {
      label(cell);
      onChange();
    });
    return cell;
  });
  list.replaceChildren(...cells.map(({ item }) => item));
  section.hidden = false;
  cells.forEach(label);
  focus();
}

function support({ n, n_right, threshold }, accuracy) {
  const right = n === n_right ? `all ${n}` : `${n_right} of ${n}`;
  return (
    `The model read ${right} labeled images with a confidence of ${percent(threshold)} % or more correctly, ` +
    `so about ${Math.floor(1000 * accuracy) / 10} % of these readings are right.`
  );
}

function imageOf(task, picture) {
  if (picture.problem) return make("p", "problem", `This image cannot be shown: ${picture.problem}.`);
  const image = make("img");
  image.src = picture.url;
  image.alt = task.filename;
  return image;
}

/** Hide the grid, and return the texts that were typed: they are not lost. */
export function close() {
  section.hidden = true;
  const typed = readings().filter((one, k) => one.typed && cells[k].seen);
  cells = [];
  list.replaceChildren();
  return new Map(typed.map(({ id, text }) => [id, text]));
}

export function isOpen() {
  return !section.hidden;
}

/** Let nothing be typed while the page is sent again and again: it would not be sent. */
export function freeze(frozen) {
  section.inert = frozen;
}

export function isEditing() {
  return cells.some(({ input }) => !input.readOnly);
}

/** Return what is accepted: empty texts are left for later. */
export function readings() {
  return cells.map(({ id, read, input }) => {
    const text = input.value.trim();
    return { id, text, typed: text !== read };
  });
}

export function focus() {
  cells.find(({ input }) => input.tabIndex === 0)?.input.focus({ preventScroll: true });
}

function label({ read, guess, input, note, item }) {
  const text = input.value.trim();
  const typed = text !== read;
  item.classList.toggle("typed", typed);
  const { name, sign } = level(guess.confidence);
  note.className = typed ? "own" : name;
  note.textContent = !typed ? `${sign} ${percent(guess.confidence)} %` : text ? "✎ yours" : "shown later";
  const n = readings().filter((one) => one.text).length;
  document.getElementById("accept-page-text").textContent = `Accept ${n}`;
}

// --- keys

function edit({ seen, input }) {
  if (!seen) return;
  input.readOnly = false;
  input.focus();
  input.select();
}

function stop(cell) {
  cell.input.readOnly = true;
  cell.input.value = cell.input.value.trim();
  label(cell);
}

function move(k) {
  const { input } = cells[Math.max(0, Math.min(cells.length - 1, k))];
  input.focus();
}

function columns() {
  const [first] = cells;
  return cells.filter(({ item }) => item.offsetTop === first.item.offsetTop).length;
}

/** Handle a key in the grid; false if it means nothing here. */
export function press(event) {
  const k = cells.findIndex(({ input }) => input === event.target);
  const cell = cells[k];
  // On some keyboards, AltGr counts as Ctrl and Alt.
  const types = event.key.length === 1 && event.getModifierState("AltGraph");
  const plain = types || !(event.ctrlKey || event.metaKey || event.altKey);
  if (!cell || !plain) {
    if (plain && event.target === document.body && event.key.startsWith("Arrow")) focus();
    return false;
  }
  const editing = !cell.input.readOnly;
  const steps = { ArrowUp: -columns(), ArrowDown: columns(), ArrowLeft: -1, ArrowRight: 1 };
  if (event.key in steps && !(editing && ["ArrowLeft", "ArrowRight"].includes(event.key))) {
    move(k + steps[event.key]);
  } else if (event.key === "Enter") {
    if (!editing) edit(cell);
    else if (k + 1 < cells.length) move(k + 1);
    else stop(cell);
  } else if (["Delete", "Backspace"].includes(event.key) && !editing) {
    cell.input.value = "";
    stop(cell);
  } else if (event.key === "Escape" && editing) {
    cell.input.value = cell.read;
    stop(cell);
  } else {
    if (!editing && event.key.length === 1 && event.key !== " ") edit(cell); // the key replaces the text
    return editing && event.key.length === 1;
  }
  event.preventDefault();
  return true;
}
