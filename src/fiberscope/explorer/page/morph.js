// Go along the fiber as near to another image as it allows, see the whole way, and stop anywhere on it.
import { adviceOn } from "./advice.js";
import { createChosen } from "./chosen.js";
import { button, field, make } from "./elements.js";
import { createFilm } from "./film.js";
import { percent, short } from "./format.js";
import { append, beforeLast, key, openMorph } from "./state.js";
import { row } from "./wire.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function createMorph({ channel, session, welcome, library, picker }) {
  let film = null;
  let run = null;
  const chosen = createChosen({
    welcome,
    library,
    picker,
    question: "Choose the image to come near.",
    change: () => refresh(),
  });
  const start = button("Go as near as the fiber allows", { class: "primary", onclick: ask });
  const progress = make("p", { class: "small", "aria-live": "polite" });
  const result = make("p", { class: "result", hidden: true });
  const play = button("Play", { onclick: () => (film.playing() ? film.stop() : film.play()) });
  const scrubber = make("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    value: 1,
    oninput: scrub,
    onchange: release,
  });
  const way = make("div", { class: "way", hidden: true }, play, field("Share of the way", scrubber));
  const element = make(
    "div",
    { class: "morph" },
    make(
      "p",
      { class: "small" },
      "Choose another image. The picture then goes toward it while the network keeps seeing the same latent, and stops where the fiber comes nearest.",
    ),
    make("div", { class: "row" }, chosen.element, start),
    progress,
    result,
    way,
  );
  session.on("state", sync);
  session.on("wish", (state) => {
    if (onThisWay(state)) return;
    if (going()) {
      leave();
      session.restore({ asks: false });
    } else film?.halt();
  });

  function base() {
    const state = session.committed();
    const morph = openMorph(state);
    return morph !== null && key(morph.to) === key(chosen.reference())
      ? beforeLast(state)
      : { ...state, straight: false };
  }

  function ask() {
    const to = chosen.reference();
    run = { base: base(), to, key: key([base(), to]) };
    const mine = run;
    film?.halt();
    film = createFilm({
      draw(frame, place) {
        session.present(frame);
        scrubber.value = place;
        drawShare();
      },
      changed: refresh,
      rested: release,
    });
    result.hidden = true;
    progress.textContent = "On the way…";
    refresh();
    channel.ask({ type: "morph", state: run.base, to }, (header, arrays) => {
      if (mine === run) answer(header, arrays);
    });
  }

  function answer(header, arrays) {
    if (header.type !== "film") {
      leave();
      if (header.type === "lost") progress.textContent = "The connection was lost on the way: start again.";
      // A draft is no image of the fiber: nothing of it may stay.
      session.restore({ asks: true });
      if (header.type === "error") session.trouble(header.message);
      return;
    }
    film.put(header.first, framesOf(header, arrays, run, session.frame()));
    scrubber.max = header.total - 1;
    scrubber.step = 1;
    progress.textContent = `Frame ${film.length()} of ${header.total}`;
    if (calm.matches) film.go(film.length() - 1);
    else film.play();
    if (header.done) finish(header);
    refresh();
  }

  function finish(header) {
    film.whole = true;
    const reached = append(run.base, { kind: "morph", to: run.to, share: 1 });
    progress.textContent = header.outcome === "converged" ? "" : endOf(header, reached);
    const nearer = header.apart > 0 ? 1 - header.near / header.apart : 0;
    result.textContent = `It comes ${percent(nearer)} nearer: distance ${short(header.near)} of ${short(header.apart)}.`;
    result.hidden = false;
    // While it plays the frames themselves are what is seen; the server is asked when it rests.
    session.commit(reached, { silent: film.playing() });
  }

  function endOf(header, reached) {
    const { why, ways } = adviceOn(header, reached, welcome.radius_unit);
    return `It stops where ${why}. ${ways}`;
  }

  /** The way is not gone to its end: nothing of it is shown any more. */
  function leave() {
    film?.halt();
    film = null;
    run = null;
    result.hidden = true;
    progress.textContent = "";
    Object.assign(scrubber, { max: 1, step: 0.01 });
    refresh();
  }

  function scrub(event) {
    drawShare();
    film?.halt();
    if (film !== null) film.go(scrubber.valueAsNumber);
    else session.preview(wished(), { manner: "morph", time: event.timeStamp });
  }

  function release() {
    session.commit(wished(), { manner: "morph", label: "share" });
  }

  function share() {
    const value =
      film === null ? scrubber.valueAsNumber : film.share(Math.min(scrubber.valueAsNumber, film.length() - 1));
    return Math.round(1000 * value) / 1000;
  }

  function wished() {
    return append(run === null ? base() : run.base, {
      kind: "morph",
      to: run?.to ?? chosen.reference(),
      share: share(),
    });
  }

  function drawShare() {
    scrubber.setAttribute("aria-valuetext", `${percent(share())} of the way`);
  }

  /** A state that was not made here ends the film, unless it stands on the same way. */
  function sync(state) {
    const morph = openMorph(state);
    if (!onThisWay(state) && (run === null || key({ ...state, straight: false }) !== key(run.base))) leave();
    if (morph !== null) chosen.set(morph.to);
    if (morph !== null && !film?.playing()) scrubber.value = placeOf(morph.share);
    refresh();
  }

  function onThisWay(state) {
    const morph = openMorph(state);
    return morph !== null && run !== null && key([beforeLast(state), morph.to]) === run.key;
  }

  function placeOf(wanted) {
    if (film === null) return wanted;
    let best = 0;
    for (let at = 0; at < film.length(); at += 1) {
      if (Math.abs(film.share(at) - wanted) < Math.abs(film.share(best) - wanted)) best = at;
    }
    return best;
  }

  const going = () => film !== null && !film.whole;

  function refresh() {
    const underway = going();
    start.disabled = chosen.reference() === null || underway;
    way.hidden = film === null && openMorph(session.committed()) === null;
    scrubber.disabled = underway;
    play.hidden = film === null;
    play.textContent = film?.playing() ? "Pause" : "Play";
    play.disabled = underway;
    if (!way.hidden && (film === null || film.length() > 0)) drawShare();
  }

  return { element, stop: () => film?.halt() };
}

/** A part of a film as frames like those of a state; what a film does not say is as in the frame before it. */
function framesOf(header, arrays, run, known) {
  return header.shares.map((share, place) => {
    const residual = header.residuals[place];
    const frame = {
      image: row(arrays.images, place),
      latent: row(arrays.latents, place),
      residual,
      on_fiber: header.on_fiber?.[place] ?? residual <= known.tolerance,
      distance: header.distances[place],
      share,
      id: header.id,
      film: true,
      state: append(run.base, { kind: "morph", to: run.to, share }),
    };
    if (arrays.probabilities !== undefined) {
      frame.probabilities = row(arrays.probabilities, place);
      frame.class = frame.probabilities.reduce((best, value, label, all) => (value > all[best] ? label : best), 0);
    }
    return frame;
  });
}
