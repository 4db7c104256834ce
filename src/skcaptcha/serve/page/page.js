// Sends images to the service, and shows what it reads.

const element = (id) => document.getElementById(id);
const files = element("files");
const drop = element("drop");
const model = element("model");
const token = element("token");

/** Send a request; the token, if there is one, is sent in a header, never in the address. */
async function ask(path, options = {}) {
  const headers = token.value ? { authorization: `Bearer ${token.value}` } : {};
  const response = await fetch(path, { ...options, headers });
  if (response.status === 401) element("secret").hidden = false;
  return response;
}

function alertUser(sentence) {
  element("alert").hidden = !sentence;
  element("alert").textContent = sentence;
}

async function listModels() {
  const response = await ask("models");
  const answer = await response.json();
  if (!response.ok) return alertUser(answer.error);
  alertUser("");
  model.replaceChildren(...answer.models.map(({ name }) => new Option(name)));
}

async function read(images) {
  if (!images.length) return;
  const form = new FormData();
  for (const image of images) form.append("image", image, image.name);
  try {
    const query = model.value ? `?model=${encodeURIComponent(model.value)}` : "";
    const response = await ask(`predict${query}`, { method: "POST", body: form });
    const answer = await response.json();
    alertUser(answer.error ?? "");
    const rows = (answer.results ?? []).map((result, i) => rowOf(images[i], result));
    element("results").prepend(...rows);
  } catch {
    alertUser("The service does not answer; is it still running?");
  }
}

function rowOf(file, result) {
  const picture = new Image();
  picture.alt = file.name;
  picture.src = URL.createObjectURL(file);
  picture.onload = picture.onerror = () => URL.revokeObjectURL(picture.src);
  const row = document.createElement("tr");
  row.insertCell().append(picture, file.name);
  const text = row.insertCell();
  text.className = "text";
  text.textContent = result.error ? "" : (result.answer ?? result.text);
  row.insertCell().textContent = result.error ? "" : `${(100 * result.confidence).toFixed(1)} %`;
  const remark = result.out_of_distribution ? "unlike the training images" : "";
  row.insertCell().textContent = result.error ?? remark;
  return row;
}

files.addEventListener("change", () => {
  read([...files.files]);
  files.value = ""; // so that the same files can be chosen again, for another model
});
token.addEventListener("change", listModels);
element("form").addEventListener("submit", (event) => event.preventDefault());
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
  });
}
document.addEventListener("drop", (event) => read([...event.dataTransfer.files]));
document.addEventListener("paste", (event) => read([...event.clipboardData.files]));
await listModels();
