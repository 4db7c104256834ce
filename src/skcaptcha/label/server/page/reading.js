// The model's confidences for a text that the user may have edited.

const HIGH = 0.9;
const MEDIUM = 0.6;

/** Return the level of a probability, also as a sign for people who do not see the color. */
export function level(probability) {
  if (probability >= HIGH) return { name: "sure", sign: "✓" };
  return probability >= MEDIUM ? { name: "unsure", sign: "~" } : { name: "doubtful", sign: "?" };
}

/** Return a fraction as a percentage that is 0 only for zero, and 100 only for one. */
export function percent(fraction) {
  if (fraction === 0 || fraction === 1) return 100 * fraction;
  return Math.min(99, Math.max(1, Math.round(100 * fraction)));
}

/** Match the characters of a text with those of another one, from the start and from the end. */
function common(text, other) {
  const [own, theirs] = [[...text], [...other]];
  const shorter = Math.min(own.length, theirs.length);
  let before = 0;
  while (before < shorter && own[before] === theirs[before]) before += 1;
  let after = 0;
  while (after < shorter - before && own.at(-1 - after) === theirs.at(-1 - after)) after += 1;
  return own.map((character, position) => {
    if (position < before) return { character, theirs: position };
    const fromEnd = own.length - position;
    return { character, theirs: fromEnd <= after ? theirs.length - fromEnd : null };
  });
}

/** Return each character of a text with its probability; null if the model did not read it. */
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
