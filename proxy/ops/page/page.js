// From a token to a page that stays true: who looks, what is asked and when. Each question waits for the answer to the
// one before, and the longer answers take the rarer they are asked for. A tab that nobody sees asks nothing.
import { Acts } from "/ui/acts.js";
import { Chart } from "/ui/charts.js";
import { Api, between, ms, octets, perSecond, seconds } from "/ui/data.js";
import { Table, showPairs } from "/ui/views.js";

const at = (id) => document.getElementById(id);
const KEY = "postigo-token";
const OFTEN_MS = 2000, RARELY = 15; // every fifteenth time: what hardly changes
let room = null;

class Room {
  constructor(api) {
    this.api = api;
    this.acts = new Acts(api, (text) => { this.said = text; this.soon(); });
    this.turn = 0;
    for (const id of ["charts", "backends", "doors", "sessions", "talkers", "problems", "penalties", "certs"]) at(id).replaceChildren();
    this.#charts();
    this.#tables();
    this.round();
  }
  #charts() {
    const whole = (value) => String(Math.round(value));
    const chart = (...words) => new Chart(at("charts"), ...words);
    this.charts = {
      sessions: chart("Sessions", ["now"], whole), logins: chart("Logins", ["good", "not"], perSecond),
      bytes: chart("Traffic", ["to clients", "from clients"], (value) => `${octets(value)}/s`),
      latency: chart("Login takes", ["half", "99 %"], ms),
    };
  }
  #tables() {
    const rates = (row) => this.rates?.backends.get(row.name);
    const bad = (is) => (row) => (is(row) ? "bad" : "");
    this.backends = new Table(at("backends"), "Backends", [
      ["Name", (row) => row.name], ["Host", (row) => row.host], ["State", (row) => row.state, bad((row) => row.state !== "auto" && row.state !== "ready")],
      ["Health", (row) => `${row.health}${row.health_why ? `: ${row.health_why}` : ""}`, (row) => (row.health === "up" ? "good" : "bad")],
      ["Weight", (row) => row.weight], ["Sessions", (row) => (row.sessions_max ? `${row.sessions} of ${row.sessions_max}` : row.sessions)],
      ["Logins", (row) => row.logins], ["Waiting", (row) => row.queue], ["Connects", (row) => (rates(row) ? perSecond(rates(row).logins) : "")],
      ["Errors", (row) => (rates(row) ? perSecond(rates(row).errors) : "")],
      ["Login, half", (row) => (rates(row) ? ms(rates(row).p50) : "")], ["Login, 99 %", (row) => (rates(row) ? ms(rates(row).p99) : "")],
    ], { key: (row) => `${row.name} ${row.weight}`, acts: (row) => this.acts.ofBackend(row) });
    this.doors = new Table(at("doors"), "Doors", [["Name", (row) => row.name], ["Protocol", (row) => row.protocol],
      ["Addresses", (row) => row.addresses], ["TLS", (row) => row.tls], ["Open", (row) => row.open], ["Accepted", (row) => row.accepted]]);
    const session = [["User", (row) => (row.authenticated ? row.user : row.user && `${row.user} (claimed)`)], ["Client", (row) => row.client],
      ["Protocol", (row) => row.protocol], ["TLS", (row) => row.tls], ["Phase", (row) => row.phase], ["Backend", (row) => row.backend],
      ["For", (row) => seconds(row.seconds)], ["To client", (row) => octets(row.bytes_out)], ["From client", (row) => octets(row.bytes_in)], ["Id", (row) => row.id]];
    const sessions = { key: (row) => row.id, acts: (row) => this.acts.ofSession(row) };
    this.sessions = new Table(at("sessions"), "Sessions", session, sessions);
    this.talkers = new Table(at("talkers"), "Top talkers", session, sessions);
    this.problems = new Table(at("problems"), "Recent problems", [["Time", (row) => new Date(row.at_s * 1000).toLocaleString()],
      ["Level", (row) => row.level, bad((row) => row.level === "error")], ["Event", (row) => row.event], ["Detail", (row) => row.detail]]);
    this.penalties = new Table(at("penalties"), "Penalties", [["Whom", (row) => row.whom], ["Kind", (row) => row.kind],
      ["Failures", (row) => row.failures.toFixed(1)], ["Waits", (row) => seconds(row.wait_s)]]);
    this.certs = new Table(at("certs"), "Certificates", [["Name", (row) => row.name], ["Kind", (row) => row.kind],
      ["Ends", (row) => new Date(row.not_after_s * 1000).toLocaleDateString()], ["Days left", (row) => row.days_left, bad((row) => row.days_left < 14)], ["File", (row) => row.file]]);
  }

  // One round of questions, one behind the other; then the next is planned.
  async round() {
    if (this.busy || this.gone) return;
    this.busy = true;
    clearTimeout(this.timer);
    const start = performance.now();
    try {
      if (!document.hidden) await this.#questions();
    } catch (error) {
      if (this.gone) return;
      if (error.status === 401) return leave("This token is not known here (any more).");
      at("state").textContent = `No answer: ${error.message}`;
    } finally {
      this.busy = false;
    }
    this.timer = setTimeout(() => this.round(), Math.max(OFTEN_MS, 10 * (performance.now() - start)));
  }
  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.round(), 50);
  }
  async #questions() {
    const rarely = this.turn++ % RARELY === 0, sometimes = this.turn % 3 === 1;
    const status = await this.api.get("status");
    const totals = await this.api.get("totals");
    if (this.gone) return;
    this.rates = between(totals, this.totals);
    this.totals = totals;
    this.#showNow(status);
    this.list = (await this.api.get("backends")).backends;
    this.showBackends();
    if (sometimes || this.searching) await this.#askSessions();
    if (sometimes) {
      this.doors.show((await this.api.get("listeners")).listeners);
      this.talkers.show((await this.api.get("who", { by: "bytes", limit: 10 })).sessions);
      this.problems.show((await this.api.get("problems")).problems);
      this.penalties.show((await this.api.get("penalties", { limit: 50 })).penalties);
    }
    if (!rarely) return;
    this.certs.show((await this.api.get("certs")).certificates);
    const { toml } = await this.api.get("config");
    if (at("config").textContent !== toml) at("config").textContent = toml;
  }
  async #askSessions() {
    this.searching = false;
    const text = at("search-for").value.trim();
    try {
      this.sessions.show((await this.api.get("who", { limit: 100, ...(text && { [at("search-by").value]: text }) })).sessions);
    } catch (error) {
      if (error.status !== 422) throw error;
      this.sessions.show([]);
      this.sessions.note.textContent = error.message;
    }
  }
  showBackends() {
    const part = at("backend-filter").value.trim().toLowerCase();
    this.backends.show((this.list ?? []).filter((row) => row.name.toLowerCase().includes(part)));
  }
  #showNow(status) {
    const rates = this.rates, missing = status.missing?.length ? ` · not heard of: ${status.missing.join(", ")}` : "";
    at("state").textContent = `${status.state} · ${this.api.role === "operate" ? "may operate" : "may look"}${missing}${this.said ? ` · ${this.said}` : ""}`;
    showPairs(at("now"), [["Version", status.version], ["Up", seconds(status.uptime_s)], ["Sessions", `${status.sessions} of ${status.sessions_max}`],
      ["Workers", String(status.workers)], ["Worker lag, 99 %", rates ? ms(rates.lag) : "–"], ["Connections", rates ? perSecond(rates.accepted) : "–"],
      ["Last load", status.last_load_good ? "good" : "refused"], ["Predecessors", String(status.predecessors.length)]]);
    this.charts.sessions.push([status.sessions]);
    if (!rates) return;
    this.charts.logins.push([rates.logins, rates.refused]);
    this.charts.bytes.push([rates.bytesOut, rates.bytesIn]);
    this.charts.latency.push([rates.p50, rates.p99]);
  }
  close() {
    this.gone = true;
    clearTimeout(this.timer);
  }
}

function leave(why) {
  sessionStorage.removeItem(KEY);
  room?.close();
  room = null;
  if (at("ask").open) at("ask").close("no");
  at("room").hidden = at("leave").hidden = true;
  for (const id of ["now", "charts", "backends", "doors", "sessions", "talkers", "problems", "penalties", "certs", "config"]) at(id).replaceChildren();
  at("door").hidden = false;
  at("door-error").textContent = why;
  at("state").textContent = "Not connected";
  at("token").focus();
}

async function enter(token) {
  const api = new Api(token);
  try {
    await api.get("status");
  } catch (error) {
    return leave(error.status === 401 ? "This token is not known here." : `No answer: ${error.message}`);
  }
  sessionStorage.setItem(KEY, token);
  at("door").hidden = true;
  at("door-error").textContent = "";
  at("room").hidden = at("leave").hidden = false;
  room?.close();
  room = new Room(api);
  at("main").focus();
}

at("door").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = at("token").value;
  at("token").value = "";
  enter(token);
});
at("leave").addEventListener("click", () => leave(""));
at("search").addEventListener("submit", (event) => {
  event.preventDefault();
  if (room) room.searching = true;
  room?.soon();
});
at("backend-filter").addEventListener("input", () => room?.showBackends());
document.addEventListener("visibilitychange", () => { if (!document.hidden) room?.soon(); });
if (sessionStorage.getItem(KEY)) enter(sessionStorage.getItem(KEY));
