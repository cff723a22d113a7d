// Panels of which one is seen, with arrow keys between their tabs.
import { freshId, make } from "./elements.js";

/** `pages` are {name, element, shown?}; returns the element and open(name). */
export function createTabs(label, pages) {
  const tabs = pages.map((page) =>
    make("button", { type: "button", role: "tab", id: freshId("tab"), onclick: () => open(page.name) }, page.name),
  );
  const list = make("div", { class: "tabs", role: "tablist", "aria-label": label, onkeydown: move }, ...tabs);
  pages.forEach((page, place) => {
    page.element.id = page.element.id || freshId("page");
    page.element.setAttribute("role", "tabpanel");
    page.element.setAttribute("aria-labelledby", tabs[place].id);
    tabs[place].setAttribute("aria-controls", page.element.id);
  });

  function open(name) {
    pages.forEach((page, place) => {
      const seen = page.name === name;
      page.element.hidden = !seen;
      tabs[place].setAttribute("aria-selected", String(seen));
      tabs[place].tabIndex = seen ? 0 : -1;
    });
    pages.find((page) => page.name === name).shown?.();
  }

  function move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const place = (tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length;
    open(pages[place].name);
    tabs[place].focus();
    event.preventDefault();
  }

  return { list, pages: pages.map((page) => page.element), open };
}
