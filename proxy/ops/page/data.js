// The API and what is made of its answers. Not here: what is shown (views.js), when it is asked (page.js).

export class Refused extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

// One token, in this tab. The role is what the last answer said.
export class Api {
  #token;
  role = "read";
  constructor(token) { this.#token = token; }
  get(verb, parameters = {}) {
    const query = new URLSearchParams(parameters).toString();
    return this.#ask(`${verb}${query && "?" + query}`, {});
  }
  post(verb, body) {
    return this.#ask(verb, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  }
  async #ask(target, options) {
    const answer = await fetch(`/api/v1/${target}`, {
      ...options, cache: "no-store", credentials: "omit", redirect: "error", signal: AbortSignal.timeout(30000),
      headers: { ...options.headers, Authorization: `Bearer ${this.#token}` },
    });
    const told = await answer.json().catch(() => ({ error: `status ${answer.status}` }));
    if (!answer.ok) throw new Refused(answer.status, told.error ?? `status ${answer.status}`);
    this.role = answer.headers.get("Postigo-Role") ?? "read";
    return told;
  }
}

// The newest values of a line, and no more of them.
export class Ring {
  #values;
  #next = 0;
  #size = 0;
  constructor(most) { this.#values = new Float64Array(most); }
  push(value) {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#values.length;
    this.#size = Math.min(this.#size + 1, this.#values.length);
  }
  get most() { return this.#values.length; }
  // The oldest first.
  values() {
    const start = (this.#next - this.#size + this.#values.length) % this.#values.length;
    return Array.from({ length: this.#size }, (_, i) => this.#values[(start + i) % this.#values.length]);
  }
}

// In milliseconds: the bound below which `share` of what is between two answers lies; NaN if nothing is.
export function quantile(now, before, share) {
  const bound = (name) => (name === "more" ? Infinity : Number(name));
  const rows = Object.entries(now).map(([name, count]) => [bound(name), count - (before[name] ?? 0)])
    .filter(([, count]) => count > 0).sort((a, b) => a[0] - b[0]);
  const total = rows.reduce((sum, [, count]) => sum + count, 0);
  let below = 0;
  for (const [us, count] of rows) {
    below += count;
    if (below >= total * share) return us / 1000;
  }
  return NaN;
}

// What happened between two answers of `totals`; null if another process counts now.
export function between(now, before) {
  const seconds = before && now.pid === before.pid ? (now.at_ms - before.at_ms) / 1000 : 0;
  if (seconds <= 0) return null;
  const rate = (pick) => (pick(now) - pick(before)) / seconds;
  const bad = (totals) => Object.entries(totals.logins).reduce((sum, [name, count]) => sum + (name === "ok" ? 0 : count), 0);
  const earlier = new Map(before.backends.map((row) => [row.name, row]));
  const backends = new Map();
  for (const row of now.backends) {
    const old = earlier.get(row.name);
    if (!old) continue;
    backends.set(row.name, {
      logins: (row.connects - old.connects) / seconds, errors: (row.errors - old.errors) / seconds,
      p50: quantile(row.login_us, old.login_us, 0.5), p99: quantile(row.login_us, old.login_us, 0.99),
    });
  }
  return {
    logins: rate((t) => t.logins.ok), refused: rate(bad), accepted: rate((t) => t.accepted),
    bytesIn: rate((t) => t.bytes_in), bytesOut: rate((t) => t.bytes_out),
    p50: quantile(now.login_us, before.login_us, 0.5), p99: quantile(now.login_us, before.login_us, 0.99),
    lag: quantile(now.lag_us, before.lag_us, 0.99), backends,
  };
}

export function octets(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; count >= 1000 && unit < units.length - 1; ++unit) count /= 1000;
  return `${count.toFixed(unit && count < 100 ? 1 : 0)} ${units[unit]}`;
}
export function seconds(count) {
  if (count < 60) return `${Math.round(count)} s`;
  if (count < 3600) return `${Math.round(count / 60)} min`;
  if (count < 172800) return `${(count / 3600).toFixed(1)} h`;
  return `${Math.round(count / 86400)} days`;
}
export const ms = (value) => (Number.isFinite(value) ? `≤ ${value} ms` : value === Infinity ? "> 60 s" : "–");
export const perSecond = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} /s`;
