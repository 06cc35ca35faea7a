// Small curves, as SVG. Each keeps its newest values, and draws them anew in the same elements.
import { Ring } from "/ui/data.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST = 180; // values of a line: six minutes at two seconds
const WIDTH = 360, HEIGHT = 80;

export class Chart {
  // `lines`: one or two names; `word` makes text of a value.
  constructor(parent, title, lines, word) {
    this.title = title;
    this.lines = lines;
    this.word = word;
    this.rings = lines.map(() => new Ring(MOST));
    this.caption = document.createElement("figcaption");
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("role", "img");
    this.curves = lines.map((_, i) => {
      const curve = document.createElementNS(SVG, "polyline");
      curve.setAttribute("class", i ? "second" : "first");
      return this.svg.appendChild(curve);
    });
    const figure = document.createElement("figure");
    figure.append(this.caption, this.svg);
    parent.append(figure);
    this.draw();
  }
  // A value for each line; NaN: nothing to tell.
  push(values) {
    values.forEach((value, i) => this.rings[i].push(value));
    this.draw();
  }
  draw() {
    const all = this.rings.map((ring) => ring.values());
    const top = Math.max(1e-9, ...all.flat().filter(Number.isFinite));
    all.forEach((values, i) => this.curves[i].setAttribute("points", points(values, top)));
    const now = this.lines.map((name, i) => `${name} ${all[i].length ? this.word(all[i].at(-1)) : "–"}`).join(", ");
    this.caption.textContent = `${this.title}: ${now}`;
    this.svg.setAttribute("aria-label", `${this.title}, the last minutes; highest ${this.word(top)}`);
  }
}

function points(values, top) {
  const step = WIDTH / (MOST - 1), start = MOST - values.length;
  return values.map((value, i) => {
    const high = Number.isFinite(value) ? value / top : value === Infinity ? 1 : 0;
    return `${((start + i) * step).toFixed(1)},${(HEIGHT - 2 - high * (HEIGHT - 4)).toFixed(1)}`;
  }).join(" ");
}
