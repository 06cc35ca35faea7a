// What changes something: asked about first, and for those alone whose token operates.

const at = (id) => document.getElementById(id);

// The answer: null if it is to be left; else the number, or true.
function ask(title, text, number) {
  const dialog = at("ask");
  at("ask-title").textContent = title;
  at("ask-text").textContent = text;
  at("ask-line").hidden = number === undefined;
  at("ask-number").value = number ?? 0;
  dialog.returnValue = "no";
  dialog.showModal();
  (number === undefined ? at("ask-no") : at("ask-number")).focus();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      const yes = dialog.returnValue === "yes";
      done(!yes ? null : number === undefined ? true : at("ask-number").valueAsNumber);
    }, { once: true });
  });
}

export class Acts {
  // `told`: hears what came of it.
  constructor(api, told) { this.api = api; this.told = told; }

  async #run(title, text, verb, body, number) {
    if (at("ask").open) return;
    const answer = await ask(title, text, number);
    if (answer === null) return;
    const whole = number === undefined ? body : { ...body, weight: answer };
    try {
      const { note } = await this.api.post(verb, whole);
      this.told(`${title}: done${note ? ` (${note})` : ""}`);
    } catch (error) {
      this.told(`${title}: ${error.message}`);
    }
  }
  ofBackend(row) {
    if (this.api.role !== "operate" || row.state === "removed") return [];
    const name = row.name, order = (word, text, state, number) => ({
      word, label: `${word} ${name}`,
      act: () => this.#run(`${word} ${name}`, text, "backend", { name, state }, number),
    });
    const first = row.state === "auto"
      ? order("Drain", "No new logins come to this backend; who is there stays.", "drain")
      : order("Auto", "It serves again as the configuration says.", "auto");
    return [first, order("Weight", "Of its users, so many in a hundred come to it.", "weight", row.weight)];
  }
  ofSession(row) {
    if (this.api.role !== "operate") return [];
    const whom = row.user || row.client;
    return [{
      word: "Kick", label: `Kick ${whom}, session ${row.id}`,
      act: () => this.#run(`Kick session ${row.id}`, `It is of ${whom}, and ends now.`, "kick", { id: row.id }),
    }];
  }
}
