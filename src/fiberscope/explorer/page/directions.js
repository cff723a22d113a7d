// Sliders along directions that the network cannot see, alone or several at once.
import { createCard } from "./card.js";
import { createChosen } from "./chosen.js";
import { button, choice, field, make, select } from "./elements.js";
import { append, beforeLast, key, openDrag } from "./state.js";
import { row } from "./wire.js";

export function createDirections({ channel, session, welcome, library, picker }) {
  const now = {
    basis: null,
    seed: 0,
    to: null,
    straight: false,
    freshAt: null,
    asked: null,
    ready: null,
    scroll: false,
  };
  let cards = [];
  let shown = 0;
  const basis = select([], { onchange: () => choose({ basis: basis.value }) });
  const sentence = make("p", { class: "small" });
  const again = button("Draw again", { onclick: () => choose({ seed: now.seed + 1 }) });
  const chosen = createChosen({
    welcome,
    library,
    picker,
    question: "Choose the image to go toward.",
    change: (to) => choose({ to, scroll: true }),
  });
  const straight = choice(
    "Way",
    [
      ["fiber", "On the fiber"],
      ["straight", "Straight line"],
    ],
    turnStraight,
  );
  const onward = button("Go on from here", {
    onclick: goOn,
    title: "Keep this image and take new directions there; sliders start at 0",
  });
  const list = make("ul", { class: "cards", "aria-label": "Sliders" });
  const empty = make("p", { class: "small empty", hidden: true });
  const element = make(
    "div",
    { class: "drag" },
    make("div", { class: "row spread" }, field("Directions", basis), again, chosen.element),
    sentence,
    make("div", { class: "row spread" }, straight.element, onward),
    empty,
    list,
  );
  session.on("state", sync);

  function here() {
    return { ...session.committed(), straight: false };
  }

  /** The drag that the sliders show; null where they stand at zero and would begin another move. */
  function drag() {
    return now.freshAt === key(here()) ? null : openDrag(session.committed());
  }

  function base() {
    return drag() === null ? here() : beforeLast(here());
  }

  /** Other directions start where the image is now; what the sliders did stays as a move of its own. */
  function choose(change) {
    Object.assign(now, change);
    const open = openDrag(here());
    const same =
      open !== null && open.basis === now.basis && open.seed === seed() && key(open.to ?? null) === key(to());
    now.freshAt = same ? null : key(here());
    if (session.committed().straight && !same) session.commit(here());
    refresh();
  }

  const seed = () => (now.basis === "random" ? now.seed : 0);
  const to = () => (now.basis === "toward" ? now.to : null);

  function goOn() {
    now.freshAt = key(here());
    refresh();
  }

  function turnStraight(value) {
    now.straight = value === "straight";
    const state = session.committed();
    if (drag() !== null) session.commit({ ...state, straight: now.straight });
    else refresh();
  }

  function sync(state) {
    const open = drag();
    if (open !== null)
      Object.assign(now, {
        basis: open.basis,
        seed: open.seed ?? 0,
        to: open.basis === "toward" ? (open.to ?? null) : now.to,
        straight: state.straight,
      });
    refresh();
  }

  function refresh() {
    const state = session.committed();
    const bases = welcome.bases.filter((entry) => entry.spaces.includes(state.space));
    if (!bases.some((entry) => entry.name === now.basis)) now.basis = bases[0]?.name ?? null;
    drawChoice(bases, state);
    const wish = key([base(), now.basis, seed(), to()]);
    if (now.basis === null) {
      showCards(0);
      return;
    }
    if (wish === now.ready) setSliders();
    else if (!element.hidden) ask(wish);
  }

  function drawChoice(bases, state) {
    const names = bases.map((entry) => entry.name);
    if (key([...basis.options].map((option) => option.value)) !== key(names)) {
      basis.replaceChildren(...select(bases.map((entry) => [entry.name, entry.title])).children);
    }
    basis.value = now.basis;
    sentence.textContent = bases.find((entry) => entry.name === now.basis)?.sentence ?? "";
    again.hidden = now.basis !== "random";
    chosen.element.hidden = now.basis !== "toward";
    chosen.set(now.to);
    straight.set(now.straight ? "straight" : "fiber");
    onward.disabled = drag() === null || state.straight;
    const needsRadius = now.basis === "seen" && state.radius === 0;
    empty.hidden = !needsRadius;
    if (needsRadius)
      empty.textContent = "On the fiber itself these directions are closed: open the neighbourhood first.";
  }

  function ask(wish) {
    if (now.asked === wish) return;
    now.asked = wish;
    list.setAttribute("aria-busy", "true");
    cards.forEach((card) => card.enable(false));
    const [state, name, chosenSeed, chosenTo] = JSON.parse(wish);
    channel.ask({ type: "directions", state, basis: name, seed: chosenSeed, to: chosenTo }, (header, arrays) => {
      now.asked = null;
      list.removeAttribute("aria-busy");
      if (header.type === "error") session.trouble(header.message);
      if (header.type !== "directions") return;
      now.ready = wish;
      header.cards.forEach((card, place) => draw(place, card, row(arrays.pictures, place)));
      showCards(header.cards.length);
      setSliders();
      // The image that was chosen is the last direction.
      if (now.scroll) list.lastElementChild?.scrollIntoView({ block: "nearest" });
      now.scroll = false;
    });
  }

  function draw(place, card, picture) {
    cards[place] ??= createCard({
      shape: welcome.shape,
      limit: welcome.limits.amount,
      change: (_, time) => session.preview(wished(), { manner: "drag", time }),
      // Pressing an arrow key many times is one step to undo.
      released: (_, time, byKey) =>
        session.commit(wished(), { manner: "drag", label: byKey ? `slider ${place}` : null, time }),
    });
    cards[place].draw(card, picture);
  }

  function showCards(number) {
    if (number === 0) now.ready = null;
    if (number !== shown || list.children.length !== number)
      list.replaceChildren(...cards.slice(0, number).map((card) => card.element));
    shown = number;
  }

  function setSliders() {
    const open = drag();
    cards.slice(0, shown).forEach((card, place) => {
      card.enable(true);
      card.set(open?.amounts[place] ?? 0);
    });
  }

  /** The state that the sliders ask for; with all of them at zero it is that before the drag. */
  function wished() {
    const [before, name, chosenSeed, chosenTo] = JSON.parse(now.ready);
    const amounts = cards.slice(0, shown).map((card) => card.value());
    if (amounts.every((value) => value === 0)) return before;
    return {
      ...append(before, { kind: "drag", basis: name, seed: chosenSeed, to: chosenTo, amounts }),
      straight: now.straight,
    };
  }

  return {
    element,
    shown: refresh,
    resume: () => {
      now.asked = null;
      refresh();
    },
  };
}
