// The line at the top: what is studied, whether the server listens, and what concerns the whole state.
import { button, choice, make } from "./elements.js";
import { startAt } from "./state.js";

export function createToolbar({ session, welcome, copying, root, surroundings, signal }) {
  const undo = button("Undo", { onclick: session.undo, title: "Ctrl+Z" });
  const redo = button("Redo", { onclick: session.redo, title: "Ctrl+Shift+Z" });
  const space = choice(
    "Space",
    [
      ["pixels", "Pixels"],
      ["natural", "Natural"],
    ],
    (value) => {
      const { image, radius } = session.committed();
      session.commit(startAt(image, { space: value, radius }));
    },
  );
  space.element.title =
    "Pixels: every pixel moves by itself. Natural: the coordinates of a generator, every image stays of its kind.";
  const connection = make("span", { class: "connection", role: "status" }, "connected");
  const element = make(
    "header",
    {},
    make("h1", {}, "fiberscope"),
    make(
      "p",
      { class: "facts" },
      make("b", {}, welcome.model),
      ` at ${welcome.layer}: ${welcome.latent_size} numbers, ${welcome.data}`,
    ),
    connection,
    make("div", { class: "row" }, undo, redo),
    welcome.natural ? space.element : null,
    make(
      "div",
      { class: "row" },
      button("Copy link", { onclick: copying.link }),
      button("Copy as Python", { onclick: copying.python }),
    ),
  );
  session.on("state", sync);
  root.ownerDocument.addEventListener("keydown", shortcut, { signal });

  function sync(state) {
    undo.disabled = !session.canUndo();
    redo.disabled = !session.canRedo();
    space.set(state.space);
  }

  // In somebody else's page the keys are theirs while they are not in here.
  function shortcut(event) {
    if (
      !(root.contains(event.target) || event.target === root.ownerDocument.body) ||
      !(event.ctrlKey || event.metaKey) ||
      event.altKey ||
      event.target.closest("dialog, textarea, input[type=number]") !== null
    )
      return;
    const wanted = event.key.toLowerCase();
    if (wanted === "z" && !event.shiftKey) session.undo();
    else if (wanted === "y" || wanted === "z") session.redo();
    else return;
    event.preventDefault();
  }

  function connected(is) {
    connection.textContent = is ? "connected" : "not connected";
    connection.classList.toggle("lost", !is);
    surroundings.title(`${is ? "" : "(not connected) "}fiberscope explore: ${welcome.model}`);
  }

  return { element, sync, connected };
}
