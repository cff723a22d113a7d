// A WebSocket that comes back after a loss, later each time: text goes out, bytes come in.
const FIRST_WAIT = 300;
const LONGEST_WAIT = 30_000;
// The server goes away because nobody was there (1001), or has no room (1013): coming back at once would only repeat it.
const FAREWELLS = [1001, 1013];

/**
 * A transport is anything with
 *   listen({message(bytes), closed({code, returns})})  begins; `returns` tells whether it will connect again by itself
 *   send(text)      tells whether it could
 *   connect()       tries again now
 *   welcomed()      is told when the server has taken us in: only then does the next wait begin small again
 *   close()         ends it for good
 */
export function createTransport(address) {
  let socket = null;
  let listener = null;
  let wait = FIRST_WAIT;
  let timer = 0;
  let ended = false;

  function open() {
    clearTimeout(timer);
    if (ended || (socket !== null && socket.readyState <= WebSocket.OPEN)) return;
    socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event) => {
      if (!ended) listener.message(event.data);
    });
    socket.addEventListener("close", lost);
  }

  function lost({ code }) {
    if (ended) return;
    const returns = !FAREWELLS.includes(code);
    if (returns) {
      timer = setTimeout(open, wait);
      wait = Math.min(2 * wait, LONGEST_WAIT);
    }
    listener.closed({ code, returns });
  }

  return {
    listen(newListener) {
      listener = newListener;
      open();
    },
    send(text) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(text);
      return true;
    },
    connect: open,
    welcomed() {
      wait = FIRST_WAIT;
    },
    close() {
      ended = true;
      clearTimeout(timer);
      socket?.close();
    },
  };
}
