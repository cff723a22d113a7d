// Numbers the questions and brings each answer to who asked; of one lane only the newest question still listens.
import { decode } from "./wire.js";

const bytes = new TextEncoder();

/**
 * `listener` has welcome(header), closed(how) and trouble(message). An answer handler gets (header, arrays); the header's
 * type is "error" when the server refused, and "lost" when the connection ended before the answer.
 */
export function createChannel(transport, listener) {
  const lanes = new Map();
  let lastId = 0;
  let largest = Infinity;

  function message(buffer) {
    const { header, arrays } = decode(buffer);
    if (header.type === "welcome") {
      largest = header.limits.message_bytes;
      transport.welcomed();
      listener.welcome(header);
      return;
    }
    for (const question of lanes.values()) {
      if (question.id === header.id) {
        question.answer(header, arrays);
        return;
      }
    }
    if (header.type === "error" && header.id === null) listener.trouble(header.message);
  }

  function closed(how) {
    const open = [...lanes.values()];
    lanes.clear();
    listener.closed(how);
    for (const question of open) question.answer({ type: "lost" }, {});
  }

  function ask(question, answer) {
    lastId += 1;
    lanes.set(question.type, { id: lastId, answer });
    const text = JSON.stringify({ ...question, id: lastId });
    if (bytes.encode(text).length > largest) {
      const words = `This is too large to send (${text.length} characters): start again from a smaller image.`;
      queueMicrotask(() => answer({ type: "error", message: words }, {}));
    } else if (!transport.send(text)) {
      queueMicrotask(() => answer({ type: "lost" }, {}));
    }
    return lastId;
  }

  return { ask, listen: () => transport.listen({ message, closed }) };
}
