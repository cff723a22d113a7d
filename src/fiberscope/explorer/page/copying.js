// Puts text on the clipboard, and where the browser refuses, into a dialog to copy by hand.
import { button, freshId, make } from "./elements.js";

export function createCopying({ channel, session, address, trouble, news }) {
  const heading = make("h2", { id: freshId("copying") });
  const text = make("textarea", { readOnly: true, spellcheck: false, rows: 16, "aria-labelledby": heading.id });
  const told = make("p", { class: "small", role: "status" });
  const dialog = make(
    "dialog",
    { "aria-labelledby": heading.id },
    heading,
    text,
    make(
      "div",
      { class: "row spread" },
      told,
      make(
        "div",
        { class: "row" },
        button("Copy", { onclick: () => copy(text.value) }),
        button("Close", { class: "primary", onclick: () => dialog.close() }),
      ),
    ),
  );

  async function copy(words) {
    try {
      await navigator.clipboard.writeText(words);
      told.textContent = "Copied.";
      return true;
    } catch {
      told.textContent = "The browser refused the clipboard: copy it from here by hand.";
      return false;
    }
  }

  function open(title, words) {
    heading.textContent = title;
    text.value = words;
    text.rows = Math.min(Math.max(words.split("\n").length + 1, 4), 22);
    if (!dialog.open) dialog.showModal();
    text.focus();
    text.select();
  }

  async function link() {
    const words = await address.link(session.committed());
    if (await copy(words)) news("The link is copied.");
    else open("Link to this image", words);
  }

  function python() {
    channel.ask({ type: "python", state: session.committed() }, async (header) => {
      if (header.type !== "python") {
        trouble(header.message ?? "The connection was lost: ask for the script again.");
        return;
      }
      open("This image in Python", header.text);
      await copy(header.text);
    });
  }

  return { dialog, link, python };
}
