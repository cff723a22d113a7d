// Numbers in words and figures.
const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** Two figures, with a power of ten where the number is far from one. */
export function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 0.01 && size < 1000) return size >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
  const [figures, power] = value.toExponential(1).split("e");
  const raised = [...String(Number(power))].map((character) => RAISED[character]).join("");
  return figures === "1.0" ? `10${raised}` : `${figures} · 10${raised}`;
}

/** A signed amount with two decimals and a real minus sign. */
export function amount(value) {
  const text = Math.abs(value).toFixed(2);
  if (text === "0.00") return "0";
  return (value < 0 ? "−" : "+") + text;
}

export function percent(share) {
  const value = 100 * share;
  return value > 0 && value < 1 ? "<1 %" : value > 99 && value < 100 ? ">99 %" : `${Math.round(value)} %`;
}

export function count(value) {
  return value.toLocaleString("en");
}

/** "out_of_steps" as people say it. */
export function words(name) {
  return name.replaceAll("_", " ");
}
