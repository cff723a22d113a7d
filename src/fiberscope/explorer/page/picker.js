// Where images come from: the data set, a drawing, a file. It chooses the start, or another image for whoever asks.
import { button, freshId, make } from "./elements.js";
import { createPad } from "./pad.js";
import { createTabs } from "./tabs.js";
import { createThumbnails } from "./thumbnails.js";
import { createUpload } from "./upload.js";

/** `start(choice)` is called when an image was picked to start from; a choice is {reference, label, pixels}. */
export function createPicker({ welcome, library, start, trouble }) {
  let asked = null;
  const thumbnails = createThumbnails({ welcome, library, choose, trouble });
  const pages = [{ name: "Data set", element: thumbnails.element }];
  if (welcome.shape.length === 3 && [1, 3].includes(welcome.shape[0])) {
    pages.push({ name: "Draw", element: createPad({ shape: welcome.shape, choose }).element });
    pages.push({ name: "File", element: createUpload({ shape: welcome.shape, choose, trouble }).element });
  }
  const tabs = createTabs("Where the image comes from", pages);
  const question = make("p", {});
  const banner = make(
    "div",
    { class: "banner", hidden: true },
    question,
    button("Cancel", { onclick: () => choose(null) }),
  );
  const heading = make("h2", { id: freshId("pick") }, "Start from");
  const element = make(
    "section",
    { class: "panel picker", "aria-labelledby": heading.id, onkeydown: escape },
    heading,
    banner,
    tabs.list,
    ...tabs.pages,
  );
  tabs.open("Data set");
  thumbnails.load();

  function choose(choice) {
    if (asked === null) {
      if (choice !== null) start(choice);
      return;
    }
    const { resolve, focus } = asked;
    asked = null;
    banner.hidden = true;
    element.classList.remove("asking");
    focus?.focus();
    resolve(choice);
  }

  function escape(event) {
    if (event.key !== "Escape" || asked === null) return;
    event.stopPropagation();
    choose(null);
  }

  return {
    element,
    mark: thumbnails.mark,
    /** Let the person pick an image for another purpose; null if they change their mind. */
    ask(sentence) {
      if (asked !== null) choose(null);
      return new Promise((resolve) => {
        asked = { resolve, focus: document.activeElement };
        question.textContent = sentence;
        banner.hidden = false;
        element.classList.add("asking");
        element.scrollIntoView({ block: "nearest" });
        thumbnails.focus();
      });
    },
  };
}
