// The figures that make one believe it: how far from the fiber, how far from the start, what the network and judges see.
import { make } from "./elements.js";
import { percent, short } from "./format.js";
import { createProbabilities } from "./probabilities.js";

export function createNumbers(welcome) {
  const name = (label) => (label === null || label === undefined ? "–" : (welcome.classes?.[label] ?? String(label)));
  const residual = make("output", { class: "residual", "data-testid": "residual", "aria-live": "off" });
  const standing = make("span", { class: "standing" });
  const allowed = make("span", { class: "small" });
  const distance = make("output", { "data-testid": "distance", "aria-live": "off" });
  const seen = make("output", { "data-testid": "class", "aria-live": "off" });
  const verdict = createVerdict(name);
  const probabilities = createProbabilities(welcome.classes);
  const element = make(
    "div",
    { class: "numbers" },
    make(
      "div",
      { class: "first" },
      make(
        "span",
        {
          class: "small",
          title: "How far the latent F(x) of this image is from the target z₀, as a share of its size",
        },
        "Residual |F(x) − z₀| / |z₀|",
      ),
      residual,
      make("div", {}, standing, " ", allowed),
    ),
    make(
      "dl",
      { class: "pair" },
      welcome.classes === null ? null : make("div", {}, make("dt", {}, "Network sees"), make("dd", {}, seen)),
      make("div", {}, make("dt", {}, "Image moved"), make("dd", {}, distance)),
    ),
    welcome.judges ? verdict.element : make("p", { class: "small" }, "No judges know these images."),
    probabilities.element,
  );

  function draw(frame) {
    const inside = frame.on_fiber;
    put(residual, short(frame.residual));
    residual.dataset.value = frame.residual;
    put(standing, inside ? (frame.state.radius > 0 ? "in the tube" : "on the fiber") : "off the fiber");
    put(allowed, `(allowed ${short(frame.tolerance)})`);
    element.classList.toggle("off", !inside);
    put(distance, short(frame.distance));
    distance.dataset.value = frame.distance;
    put(seen, name(frame.class));
    verdict.wait();
    probabilities.draw(frame);
  }

  return { element, draw, verdict: verdict.draw };
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function createVerdict(name) {
  const sure = make("span", { class: "small" }, "Judges see");
  const sentence = make("output", { class: "sentence", "data-testid": "verdict" });
  const details = make("ul", { class: "judges small", "aria-label": "Each judge, and how sure it is" });
  const element = make("div", { class: "verdict" }, sure, sentence, details);
  function draw(header) {
    const sees = name(header.sees);
    const sentences = {
      wanted: `${sees}, as the network does`,
      collision: `${sees}: a collision`,
      unlike: `${sees}, unlike the network`,
      unsure: header.sees === null || header.sees === undefined ? "nothing surely" : `perhaps ${sees}`,
    };
    put(sentence, sentences[header.verdict] ?? header.verdict);
    sentence.dataset.verdict = header.verdict;
    put(sure, `Judges see, ${percent(header.confidence)} sure`);
    const judges = header.judges ?? [];
    const cells = (judge) => [judge.name, name(judge.sees), percent(judge.confidence)];
    details.replaceChildren(
      ...judges.map((judge) => make("li", {}, ...cells(judge).map((words) => make("span", {}, words)))),
    );
    element.className = `verdict ${header.verdict}`;
  }

  // The last verdict stays readable, but pale, until that of the present image comes.
  function wait() {
    element.classList.add("stale");
  }

  return { element, draw, wait };
}
