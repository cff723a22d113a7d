// A WebSocket that comes back after every loss: text goes out, bytes come in.
const FIRST_WAIT = 300;
const LONGEST_WAIT = 5000;

/** A transport is anything with `listen({message, closed})`, `send(text)` that tells whether it could, and `close()`. */
export function createTransport(address) {
  let socket = null;
  let listener = null;
  let wait = FIRST_WAIT;
  let ended = false;

  function open() {
    socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      wait = FIRST_WAIT;
    });
    socket.addEventListener("message", (event) => listener.message(event.data));
    socket.addEventListener("close", lost);
  }

  function lost() {
    if (ended) return;
    listener.closed();
    setTimeout(open, wait);
    wait = Math.min(2 * wait, LONGEST_WAIT);
  }

  return {
    listen(newListener) {
      listener = newListener;
      open();
    },
    send(text) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(text);
      return true;
    },
    close() {
      ended = true;
      socket.close();
    },
  };
}
