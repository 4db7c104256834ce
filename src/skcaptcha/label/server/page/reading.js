// What the model's reading says of a text that may have been changed since.

const SURE = 0.9;
const UNSURE = 0.6;

/** Return the level of a probability, also as a sign for people who do not see the color. */
export function level(probability) {
  if (probability >= SURE) return { name: "sure", sign: "✓" };
  return probability >= UNSURE ? { name: "unsure", sign: "~" } : { name: "doubtful", sign: "?" };
}

/** Write a share as a percentage that says 0 only of nothing, and 100 only of all. */
export function percent(share) {
  if (share === 0 || share === 1) return 100 * share;
  return Math.min(99, Math.max(1, Math.round(100 * share)));
}

/** Tell which places of a text stand in another one as well, from its start or from its end. */
function common(text, other) {
  const [own, theirs] = [[...text], [...other]];
  const shorter = Math.min(own.length, theirs.length);
  let before = 0;
  while (before < shorter && own[before] === theirs[before]) before += 1;
  let after = 0;
  while (after < shorter - before && own.at(-1 - after) === theirs.at(-1 - after)) after += 1;
  return own.map((character, place) => {
    if (place < before) return { character, theirs: place };
    const fromEnd = own.length - place;
    return { character, theirs: fromEnd <= after ? theirs.length - fromEnd : null };
  });
}

/** Give each character of a text with its probability; null where it is not the model's. */
export function probabilities(text, guess) {
  const known = guess?.characters ?? [];
  return common(text, guess?.text ?? "").map(({ character, theirs }) => ({
    character,
    probability: theirs === null ? null : (known[theirs]?.[1] ?? null),
  }));
}

/** Return the positions of the characters of a text, lowest confidence first. */
export function byConfidence(text, guess) {
  return probabilities(text, guess)
    .map(({ probability }, position) => ({ probability, position }))
    .filter(({ probability }) => probability !== null)
    .sort((a, b) => a.probability - b.probability)
    .map(({ position }) => position);
}

/** Mark the characters of a text that differ from another text. */
export function differences(text, other) {
  return common(text, other).map(({ character, theirs }) => ({ character, differs: theirs === null }));
}

/** Return the readings to choose with a key, the text in the field first. */
export function readings(first, task) {
  const guess = task.guess;
  const all = [first, task.label, task.suggestion, guess?.text, ...(guess?.runners_up ?? []).map(([text]) => text)];
  return [...new Set(all.filter((text) => text))].slice(0, 6);
}
