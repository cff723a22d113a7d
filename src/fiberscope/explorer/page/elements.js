// Makes elements piece by piece, so that text from the server can never become markup.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) assign(element, name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

function assign(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "class") element.className = value;
  else if (name === "for") element.htmlFor = value;
  else if (name.includes("-") || name === "role") element.setAttribute(name, value === true ? "" : value);
  else element[name] = value;
}

export function button(text, properties, ...children) {
  return make("button", { type: "button", ...properties }, text, ...children);
}

let lastName = 0;

/** A new id, for labels that point at what they name. */
export function freshId(stem) {
  lastName += 1;
  return `${stem}-${lastName}`;
}

/** A label over or beside a control. */
export function field(words, control, kind = "field") {
  control.id = control.id || freshId("control");
  return make("div", { class: kind }, make("label", { for: control.id }, words), control);
}

export function select(options, properties) {
  const element = make("select", properties);
  element.append(...options.map(([value, words]) => make("option", { value }, words)));
  return element;
}

export function check(words, properties) {
  const box = make("input", { type: "checkbox", ...properties });
  return { element: make("label", { class: "check" }, box, words), box };
}

/** Two or three exclusive choices in one row, as radio buttons; `change` gets the chosen value. */
export function choice(legend, options, change) {
  const name = freshId("choice");
  const inputs = options.map(([value]) => make("input", { type: "radio", name, value, onchange: () => change(value) }));
  const labels = options.map(([, words], place) => make("label", {}, inputs[place], make("span", {}, words)));
  const element = make("fieldset", { class: "choice" }, make("legend", { class: "unseen" }, legend), ...labels);
  const set = (value) =>
    inputs.forEach((input) => {
      input.checked = input.value === value;
    });
  return { element, set };
}
