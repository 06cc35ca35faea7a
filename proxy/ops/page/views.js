// Tables of what the API says. All text goes in by textContent: users and servers choose what they are called.

const SHOWN = 200; // rows of a table; more is for a search

// A table that is drawn anew from rows, in the elements that it has. A column: [title, text of a row, class of a row].
export class Table {
  // `key`: what tells rows apart. `acts`: buttons of a row, or none.
  constructor(parent, label, columns, { key = () => "", acts = () => [] } = {}) {
    this.columns = columns;
    this.key = key;
    this.acts = acts;
    this.table = document.createElement("table");
    this.table.setAttribute("aria-label", label);
    this.body = document.createElement("tbody");
    const head = this.table.createTHead().insertRow();
    for (const [title] of columns) {
      const cell = head.appendChild(document.createElement("th"));
      cell.scope = "col";
      cell.textContent = title;
    }
    this.table.append(this.body);
    const box = document.createElement("div");
    box.className = "table";
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", `${label}, table`);
    box.append(this.table);
    this.note = document.createElement("p");
    this.note.className = "note";
    parent.append(box, this.note);
  }
  show(rows) {
    const shown = rows.slice(0, SHOWN);
    while (this.body.rows.length > shown.length) this.body.deleteRow(-1);
    shown.forEach((row, i) => this.#fill(this.body.rows[i] ?? this.body.insertRow(), row));
    this.note.textContent = rows.length === 0 ? "None." : rows.length > SHOWN ? `The first ${SHOWN} of ${rows.length}.` : "";
  }
  #fill(line, row) {
    const acts = this.acts(row);
    const cells = this.columns.length + (acts.length ? 1 : 0);
    while (line.cells.length > cells) line.deleteCell(-1);
    while (line.cells.length < cells) line.insertCell();
    this.columns.forEach(([title, text, kind], i) => {
      const cell = line.cells[i], value = String(text(row) ?? "");
      if (cell.textContent !== value) cell.textContent = value;
      cell.dataset.name = title;
      cell.className = kind ? kind(row) : "";
    });
    const mark = `${this.key(row)}\n${acts.map((act) => act.word).join("\n")}`;
    if (line.dataset.mark === mark) return; // the focus stays where it is
    line.dataset.mark = mark;
    if (acts.length) line.cells[cells - 1].dataset.name = "Actions";
    if (acts.length) line.cells[cells - 1].replaceChildren(...acts.map(button));
  }
}

function button({ word, label, act }) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = word;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

// Pairs of a name and a text.
export function showPairs(list, pairs) {
  while (list.children.length > pairs.length) list.lastElementChild.remove();
  pairs.forEach(([name, text], i) => {
    let pair = list.children[i];
    if (!pair) {
      pair = list.appendChild(document.createElement("div"));
      pair.append(document.createElement("dt"), document.createElement("dd"));
    }
    pair.firstElementChild.textContent = name;
    pair.lastElementChild.textContent = text;
  });
}
