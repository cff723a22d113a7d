// The data set as small images: filtered, sorted, page by page; arrow keys go from one to the next.
import { button, field, make, select } from "./elements.js";
import { count, short, words } from "./format.js";
import { createRaster } from "./raster.js";

const PAGE = 60;

/** `choose(item)` is called with {reference, label, pixels}. */
export function createThumbnails({ welcome, library, choose, trouble }) {
  const query = { label: null, sort: "index", descending: false, offset: 0, count: PAGE };
  const thumbs = [];
  let total = welcome.count;
  let current = null;
  const grid = make("div", {
    class: "thumbs",
    role: "group",
    "aria-label": "Images of the data set",
    onkeydown: moveFocus,
  });
  const place = make("span", { class: "small", "aria-live": "polite" });
  const back = button("‹", { "aria-label": "Previous page", onclick: () => turn(query.offset - PAGE) });
  const forth = button("›", { "aria-label": "Next page", onclick: () => turn(query.offset + PAGE) });
  const columns = new Map(welcome.columns.map((column) => [column.name, column]));
  const sort = select(
    welcome.columns.map(({ name }) => [name, words(name)]),
    { onchange: sortAnew },
  );
  const told = make("p", { class: "small told", "data-testid": "sorted-by", hidden: true });
  const order = button("↑", {
    class: "square",
    "aria-label": "Largest first",
    "aria-pressed": "false",
    title: "Largest first",
    onclick: turnOrder,
  });
  const labels = welcome.labels ?? (welcome.classes ?? []).map((_, label) => label);
  const filter = select(
    [["", "all"], ...labels.map((label) => [String(label), welcome.classes?.[label] ?? String(label)])],
    {
      onchange: () => reset({ label: filter.value === "" ? null : Number(filter.value) }),
    },
  );
  const index = make("input", {
    type: "number",
    min: 0,
    max: welcome.count - 1,
    inputMode: "numeric",
    onkeydown: (event) => event.key === "Enter" && goTo(),
  });
  const controls = make(
    "div",
    { class: "controls" },
    labels.length === 0 ? null : field("Class", filter),
    make("div", { class: "joined" }, field("Sort by", sort), order),
    make("div", { class: "joined" }, field("Go to index", index, "inline"), button("Go", { onclick: goTo })),
  );
  const element = make(
    "div",
    { class: "library" },
    controls,
    told,
    grid,
    make("div", { class: "pages" }, back, place, forth),
  );

  function reset(change) {
    Object.assign(query, change, { offset: 0 });
    load();
  }

  function sortAnew() {
    tell();
    reset({ sort: sort.value });
  }

  /** What the numbers under the images mean; places need no words. */
  function tell() {
    const { name, meaning, unit } = columns.get(sort.value);
    told.hidden = name === "index";
    const sentence = `: ${meaning}${unit ? ` (${unit})` : ""}`;
    told.replaceChildren(make("strong", {}, words(name)), sentence);
    told.title = told.textContent; // whole, where the line is cut
  }

  function turnOrder() {
    query.descending = !query.descending;
    order.textContent = query.descending ? "↓" : "↑";
    order.setAttribute("aria-pressed", String(query.descending));
    reset({});
  }

  function turn(offset) {
    query.offset = Math.max(0, Math.min(offset, total - 1));
    load();
  }

  async function load() {
    grid.setAttribute("aria-busy", "true");
    try {
      const found = await library.browse({ ...query }, { page: true });
      total = found.total;
      draw(found.items);
    } catch (error) {
      trouble(error.message);
    }
    grid.removeAttribute("aria-busy");
  }

  function draw(items) {
    while (thumbs.length < items.length) thumbs.push(createThumb(welcome.shape, choose));
    thumbs.forEach((thumb, i) => thumb.draw(items[i] ?? null, query.sort, welcome.classes));
    grid.replaceChildren(...thumbs.slice(0, items.length).map((thumb) => thumb.element));
    grid.scrollTop = 0;
    const last = query.offset + items.length;
    place.textContent = items.length === 0 ? "none" : `${count(query.offset + 1)}–${count(last)} of ${count(total)}`;
    back.disabled = query.offset === 0;
    forth.disabled = last >= total;
    mark(current);
  }

  async function goTo() {
    const wanted = index.valueAsNumber;
    if (!(wanted >= 0 && wanted < welcome.count)) return;
    sort.value = "index";
    tell();
    filter.value = "";
    if (query.descending) turnOrder();
    Object.assign(query, { label: null, sort: "index", offset: Math.floor(wanted / PAGE) * PAGE });
    await load();
    thumbs.find((thumb) => thumb.item?.index === wanted)?.element.click();
  }

  /** Show which image is the start now. */
  function mark(reference) {
    current = reference;
    const shown = thumbs.filter((thumb) => thumb.item !== null);
    for (const thumb of shown) {
      const same = thumb.item.index === reference?.index;
      thumb.element.setAttribute("aria-pressed", String(same));
      thumb.element.tabIndex = same ? 0 : -1;
    }
    if (shown.length > 0 && !shown.some((thumb) => thumb.element.tabIndex === 0)) shown[0].element.tabIndex = 0;
  }

  function moveFocus(event) {
    const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const elements = [...grid.children];
    const next = elements[elements.indexOf(document.activeElement) + step];
    if (next === undefined) return;
    next.focus();
    event.preventDefault();
  }

  return { element, mark, load, focus: () => grid.querySelector("[tabindex='0']")?.focus() };
}

function createThumb(shape, choose) {
  const canvas = make("canvas", { "aria-hidden": "true" });
  const caption = make("span", {});
  const element = make(
    "button",
    { type: "button", class: "thumb", "data-testid": "thumb", onclick: () => choose(asChoice(thumb.item)) },
    canvas,
    caption,
  );
  const raster = createRaster(canvas, shape);
  const thumb = { element, item: null, draw };

  function draw(item, sort, classes) {
    thumb.item = item;
    if (item === null) return;
    raster.bytes(item.pixels);
    const name = item.label === null || item.label === undefined ? null : (classes?.[item.label] ?? String(item.label));
    const value =
      typeof item.value === "number" && !Number.isInteger(item.value) ? short(item.value) : String(item.value ?? "–");
    caption.textContent = sort === "index" ? String(item.index) : value;
    element.dataset.index = item.index;
    element.title = item.name;
    element.setAttribute(
      "aria-label",
      `Image ${item.index}${name === null ? "" : `, class ${name}`}${sort === "index" ? "" : `, ${words(sort)} ${value}`}`,
    );
  }

  return thumb;
}

function asChoice(item) {
  return { reference: { index: item.index }, label: item.label ?? null, pixels: item.pixels };
}
