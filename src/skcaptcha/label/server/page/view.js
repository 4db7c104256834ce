// Rendering. The only state is the document itself.

import { differences, byConfidence, level, percent, probabilities } from "./reading.js";

const WHY = {
  first: "picked at random, before the first model",
  random: "picked at random, to estimate the accuracy",
  uncertain: "low confidence",
  skipped: "skipped earlier",
  sure: "high confidence",
  listed: "label may be wrong",
  revisited: "seen earlier",
};
const TALLEST = 200; // pixels
const LARGEST_SCALE = 4;

const element = (id) => document.getElementById(id);

function make(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function marked(text, other) {
  return differences(text, other).map(({ character, differs }) => make(differs ? "mark" : "span", character));
}

/** Show an image with its label, its guess, and why it was chosen. */
export function showTask(task, picture, progress) {
  element("work").hidden = false;
  element("done").hidden = true;
  const image = element("image");
  image.hidden = Boolean(picture.problem);
  element("no-image").hidden = !picture.problem;
  const place = `Image ${task.index + 1} of ${progress.n_images}`;
  if (picture.problem) {
    image.removeAttribute("src");
    element("no-image").textContent =
      `This image cannot be shown: ${picture.problem}. Mark it as unreadable (F2), or skip it.`;
  } else {
    image.src = picture.url;
    image.alt = `${place}: ${task.filename}`;
    fitImage(picture);
  }
  const labeled = task.accepted ? "accepted" : "labeled";
  const state = task.unreadable ? "marked unreadable" : task.label === null ? "" : `${labeled} ${task.label}`;
  element("caption").textContent = [`${task.filename} · ${place}`, WHY[task.chosen], state].filter(Boolean).join(" · ");
  showSuspect(task);
  showSureness(task);
}

function showSuspect(task) {
  const suspected = task.chosen === "listed" || Boolean(task.reason) || task.suggestion !== null;
  element("suspect").hidden = !suspected;
  if (!suspected) return;
  const reads = task.suggestion ?? task.guess?.text ?? "";
  const label = task.label ?? "";
  element("label-now").replaceChildren(...(label ? marked(label, reads) : ["none"]));
  element("model-reads").replaceChildren(...(reads ? marked(reads, label) : ["nothing yet"]));
  if (task.guess?.text === reads && reads) {
    element("model-reads").append(" ", make("small", `confidence ${percent(task.guess.confidence)} %`));
  }
  element("reason").textContent = task.reason;
}

function showSureness({ guess }) {
  let text = document.body.classList.contains("listed") ? "" : "No guess yet.";
  if (guess) {
    text = `The model reads ${guess.text} with a confidence of ${percent(guess.confidence)} %`;
    const [least] = byConfidence(guess.text, guess);
    const [character, probability] = guess.characters[least] ?? [];
    text += character === undefined ? "." : `; the lowest is that of ${character} (${percent(probability)} %).`;
    if (guess.unfamiliar) text += " The image differs from those labeled so far.";
  }
  element("confidence").textContent = text;
}

/** Show the image as large as possible; when it is enlarged a lot, its pixels are squares. */
export function fitImage({ width, height }) {
  const frame = element("frame");
  const style = getComputedStyle(frame);
  const available = frame.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const scale = Math.min(available / width, TALLEST / height, LARGEST_SCALE);
  const image = element("image");
  // The squares are equal only if each covers a whole number of screen pixels.
  const whole = Math.floor(scale * devicePixelRatio) / devicePixelRatio;
  image.style.width = `${width * (scale >= 2 ? whole : scale)}px`;
  image.classList.toggle("small", scale >= 2);
}

/** Show the confidence of each character of the text in the field. */
export function showCharacters(text, guess) {
  const shown = probabilities(text, guess);
  element("reading").style.setProperty("--length", Math.max(4, shown.length));
  element("characters").replaceChildren(
    ...(guess ? shown : []).map(({ probability }) => {
      const cell = make("li");
      if (probability === null) {
        cell.className = "own";
        cell.append(make("span", "✎", "sign"), "yours");
        return cell;
      }
      const { name, sign } = level(probability);
      cell.className = name;
      const meter = make("span", undefined, "meter");
      const bar = make("span", undefined, "level");
      bar.style.width = `${percent(probability)}%`;
      meter.append(bar);
      cell.append(meter, make("span", sign, "sign"), `${percent(probability)} %`);
      return cell;
    }),
  );
}

/** Show the alternatives to the text that the page put into the field. */
export function showOthers(texts, taken, guess, take) {
  element("others").hidden = texts.length < 2;
  const confidences = new Map(guess ? [...guess.runners_up, [guess.text, guess.confidence]] : []);
  element("others-list").replaceChildren(
    ...texts.slice(1).map((text, k) => {
      const item = make("li");
      const button = make("button");
      button.type = "button";
      const name = make("b");
      name.append(...marked(text, texts[0]));
      button.append(name, confidences.has(text) ? ` ${percent(confidences.get(text))} %` : "");
      button.setAttribute("aria-pressed", String(taken === k + 1));
      button.addEventListener("click", () => take(k + 1));
      item.append(button);
      return item;
    }),
  );
}

/** Show that no image is left for this tab. */
export function showDone(progress, fit) {
  element("work").hidden = true;
  element("done").hidden = false;
  const elsewhere = progress.n_left > 0;
  element("look-again").hidden = !elsewhere;
  element("done-title").textContent = elsewhere ? "Nothing left here" : "All done";
  element("done-text").textContent = elsewhere
    ? `${counted(progress.n_left, "image")} left, all open in other tabs.`
    : `${counted(progress.n_labeled, "image")} labeled, ${progress.n_unreadable} unreadable. ` +
      `End with Ctrl+C in the terminal, then: ${fit}`;
  element("done-title").focus();
}

/** Show nothing but a page of readings. */
export function showGrid() {
  element("work").hidden = element("done").hidden = true;
}

/** Hide everything about training: suspected labels are only checked. */
export function showOnlyLabels() {
  document.body.classList.add("listed");
}

/** Show the progress, the pace, and the estimated accuracy. */
export function showProgress(progress) {
  const finished = progress.n_images - progress.n_left;
  element("bar").max = Math.max(1, progress.n_images);
  element("bar").value = finished;
  const done = document.body.classList.contains("listed") ? "checked" : "labeled";
  const accepted = progress.n_accepted ? ` (${progress.n_accepted} accepted)` : "";
  const count = [`${progress.n_labeled} of ${progress.n_images} ${done}${accepted}`];
  if (progress.n_unreadable) count.push(`${progress.n_unreadable} unreadable`);
  if (progress.n_skipped) count.push(`${progress.n_skipped} skipped`);
  element("count").textContent = count.join(", ");
  document.title = `${count[0]} · Label captchas`;
  const pace = progress.labels_per_minute;
  element("pace").textContent = pace === null ? "–" : `${pace.toFixed(pace < 10 ? 1 : 0)} a minute`;
  element("time-left").textContent = progress.seconds_left === null || !progress.n_left ? "–" : duration(progress.seconds_left);
  element("training").textContent = progress.training;
  element("acceptance").textContent = acceptance(progress);
  element("open-grid").hidden = !progress.n_acceptable;
  const estimate = progress.estimate;
  element("estimate").textContent = estimate
    ? `${percent(estimate.accuracy)} % (${percent(estimate.low)} to ${percent(estimate.high)} %, ` +
      `from ${estimate.n} random images)`
    : "not enough labels yet";
}

function acceptance({ acceptance, n_acceptable }) {
  if (!acceptance) return "starts some time after the first model";
  const { threshold, n, n_right, n_needed } = acceptance;
  if (threshold === null) {
    const errors = n_needed > 99 ? ` (with ${counted(n - n_right, "error")})` : "";
    return `${n} of ${n_needed} labels that the model has to read${errors} before you can accept pages`;
  }
  return n_acceptable ? `${counted(n_acceptable, "image")} can be accepted now (F4)` : "no image that is left is read surely enough";
}

/** Announce what was done and, to screen readers, what is shown now. */
export function say(done, now = "") {
  const hidden = make("span", now && ` ${now}`, "heard");
  element("said").replaceChildren(done, hidden);
}

/** Show a problem; without one, hide the previous one. */
export function alarm(sentence = "") {
  const box = element("alert");
  if (box.textContent !== sentence) box.textContent = sentence;
  box.hidden = !sentence;
}

export function counted(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function duration(seconds) {
  const minutes = Math.ceil(seconds / 60);
  if (seconds < 60) return "less than a minute";
  return minutes < 90 ? counted(minutes, "minute") : `${(minutes / 60).toFixed(1)} hours`;
}
