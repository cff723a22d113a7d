// The frames of a way between two images, played as they come and again at will.
const STEP = 60;

/** `draw(frame, place)` shows one; `changed()` tells that playing began or ended, `rested()` that it ended here, not by halt(). */
export function createFilm({ draw, changed, rested }) {
  const frames = [];
  let place = 0;
  let playing = false;
  let last = 0;

  function tick(time) {
    if (!playing) return;
    if (time - last >= STEP) {
      last = time;
      // While frames still come, the end of what is there is only a pause.
      if (place < frames.length - 1) go(place + 1);
      else if (film.whole) stop();
    }
    requestAnimationFrame(tick);
  }

  function go(wanted) {
    place = Math.min(Math.max(wanted, 0), frames.length - 1);
    draw(frames[place], place);
  }

  function play() {
    if (playing || frames.length === 0) return;
    if (film.whole && place === frames.length - 1) place = 0;
    playing = true;
    requestAnimationFrame(tick);
    changed();
  }

  function halt() {
    if (!playing) return;
    playing = false;
    changed();
  }

  function stop() {
    if (!playing) return;
    halt();
    rested();
  }

  const film = {
    whole: false,
    play,
    stop,
    halt,
    go,
    /** Later parts replace what they overlap: a rough beginning is shown before the true way is known. */
    put(first, part) {
      frames.splice(first, frames.length, ...part);
      place = Math.min(place, frames.length - 1);
    },
    playing: () => playing,
    length: () => frames.length,
    place: () => place,
    share: (at) => frames[at].share,
  };
  return film;
}
