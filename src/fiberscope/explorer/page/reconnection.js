// Says that the connection is lost, and where it does not come back by itself waits for the person.
const BY_CODE = {
  1001: "Nothing happened here for long, so the connection was closed. Your image is safe: click anywhere or press a key to go on.",
  1013: "Too many people are here already. Wait a little, then click or press a key to try again.",
};
const BY_ITSELF = "The connection to fiberscope is lost. It is tried again by itself; your image is safe here.";
// A click that was on its way when the connection ended does not ask for another, and a key that is held asks once.
const PAUSE = 1000;

/** `document` is where the person is listened for; `signal` ends that. */
export function createReconnection({ document, transport, notices, signal }) {
  const again = { words: "Connect again", act: transport.connect };
  let timer = 0;
  let waiting = null;

  function lost({ code, returns } = { returns: true }) {
    restored();
    notices.say("connection", returns ? BY_ITSELF : (BY_CODE[code] ?? BY_CODE[1001]), { action: again });
    if (!returns) timer = setTimeout(listen, PAUSE);
  }

  function listen() {
    waiting = new AbortController();
    const options = { capture: true, signal: AbortSignal.any([waiting.signal, signal]) };
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, go, options);
  }

  function go() {
    restored();
    transport.connect();
  }

  function restored() {
    clearTimeout(timer);
    waiting?.abort();
  }

  signal.addEventListener("abort", restored);
  return { lost, restored };
}
