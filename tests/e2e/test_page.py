"""The live page in a real browser: who sees what, what asks first, and that it stays small and plain.

POSTIGO_PICTURES=FOLDER: pictures of it go there (deploy/page has them).
"""

import json
import os
import time
import unittest

from tests.differential.servers.roots import Unavailable
from tests.e2e.harness import PASSWORD, Imap, Platform
from tests.e2e.harness.browser import axe, browser
from tests.e2e.harness.ports import free_ports

READER, OPERATOR = "reader-token-0123456789abcdef", "operator-token-0123456789abcdef"
# Made before the page's own scripts run: its clock goes a hundred times as fast.
HURRY = """const plain = setTimeout, ask = fetch, patience = AbortSignal.timeout.bind(AbortSignal);
window.setTimeout = (what, ms) => plain(what, ms / 100);
AbortSignal.timeout = (ms) => patience(ms / 10); // they are all kept until then
window.asked = 0;
window.fetch = (target, how) => { window.asked += target.endsWith("/status"); return ask(target, how); };"""

platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


class Page(unittest.TestCase):
    def setUp(self):
        self.api, = free_ports(1)
        self.url = f"http://127.0.0.1:{self.api}/"
        folder = platform.scratch()
        self.proxy = platform.postigo(start=False, pool='[[pool]]\nname = "main"\nstorage = "shared"\nbackends = ["a", "b"]\n')
        self.proxy.sections["admin"] += f'\napi_address = "127.0.0.1:{self.api}"\n' + "".join(
            f'[[admin.token]]\nname = "{role}"\nrole = "{role}"\ntoken = "{token}"\n'
            for role, token in (("read", READER), ("operate", OPERATOR)))
        self.proxy.write()
        self.proxy.start()
        self.addCleanup(self.proxy.stop)
        try:
            self.web = browser(folder)
        except Unavailable as why:
            self.skipTest(str(why))
        self.addCleanup(self.web.quit)
        self.web.set_script_timeout(60)

    # --- what a person does ---
    def at(self, where):
        return self.web.find_element("css selector", where)

    def text(self, where):
        return self.web.execute_script("return document.querySelector(arguments[0]).textContent", where)

    def enter(self, token):
        self.web.get(self.url)
        self.at("#token").send_keys(token)
        self.at("#door button").click()

    def until(self, what, said, seconds=20, pause=0.05):
        end = time.monotonic() + seconds
        while not (found := what()):
            self.assertLess(time.monotonic(), end, f"{said}: not within {seconds} s; {self.text('body')[:2000]}")
            time.sleep(pause)
        return found

    def rows(self, where):
        return self.web.execute_script(
            "return [...document.querySelectorAll(arguments[0] + ' tbody tr')].map(row =>"
            " [...row.cells].map(cell => cell.textContent))", where)

    def press(self, label):
        self.until(lambda: self.web.find_elements("css selector", f'button[aria-label="{label}"]'), label)
        self.at(f'button[aria-label="{label}"]').click()
        self.assertTrue(self.at("#ask").is_displayed(), "it asks first")

    def session(self):
        wire = Imap.open(self.proxy)
        self.addCleanup(wire.close)
        user = platform.fresh_user()
        wire.logged_in(user, PASSWORD)
        return user, wire

    def no_complaints(self):
        said = [line["message"] for line in self.web.get_log("browser")
                if line["level"] in ("WARNING", "SEVERE") and "401" not in line["message"]]
        self.assertEqual([], said, "what the policy forbids, and what failed")
        loaded = self.web.execute_script("return performance.getEntriesByType('resource').map(each => each.name)")
        self.assertTrue(loaded)
        self.assertEqual([], [name for name in loaded if not name.startswith(self.url)], "nothing from elsewhere")

    def picture(self, name):
        if folder := os.environ.get("POSTIGO_PICTURES"):
            height = self.web.execute_script("return document.documentElement.scrollHeight")
            self.web.set_window_size(self.web.get_window_size()["width"], min(height + 20, 2400))
            self.web.save_screenshot(os.path.join(folder, name + ".png"))

    # --- who sees what ---
    def test_a_stranger_sees_a_door_and_nothing_else(self):
        self.session()
        self.enter(READER + "x")
        self.until(lambda: "not known" in self.text("#door-error"), "an answer")
        self.assertFalse(self.at("#room").is_displayed())
        self.assertNotIn("dovecot", self.text("body").lower())
        self.no_complaints()

    def test_who_looks_sees_and_changes_nothing(self):
        user, _ = self.session()
        self.enter(READER)
        self.until(lambda: len(self.rows("#backends")) == 2 and self.rows("#sessions") and self.text("#config"), "data")
        self.assertEqual({"a", "b"}, {row[0] for row in self.rows("#backends")})
        self.assertIn(user, [row[0] for row in self.rows("#sessions")])
        self.assertIn(user, [row[0] for row in self.rows("#talkers")])
        self.assertTrue(self.rows("#doors") and self.rows("#certs"))
        self.assertIn("may look", self.text("#state"))
        self.assertEqual([], self.web.find_elements("css selector", "td button"))
        self.assertIn("***", self.text("#config"))
        self.assertNotIn("0123456789abcdef", self.text("body"))
        self.until(lambda: "/s" in self.text("#charts"), "rates")
        self.no_complaints()

    def test_the_search(self):
        (one, _), (other, _) = self.session(), self.session()
        self.enter(READER)
        self.until(lambda: len(self.rows("#sessions")) == 2, "both")
        self.at("#search-for").send_keys(one)
        self.at("#search button").click()
        self.until(lambda: [row[0] for row in self.rows("#sessions")] == [one], "one of them")
        self.assertIn(other, self.text("#talkers"))

    def test_the_token_goes_with_the_tab_and_at_a_word(self):
        self.enter(READER)
        self.until(lambda: self.rows("#backends"), "data")
        self.assertEqual("", self.web.execute_script("return document.cookie"))
        self.assertEqual(0, self.web.execute_script("return localStorage.length"))
        self.web.refresh()
        self.until(lambda: self.rows("#backends"), "data, without a question")
        self.at("#leave").click()
        self.assertTrue(self.at("#door").is_displayed())
        self.assertEqual([], self.rows("#backends"), "what was shown is gone")
        self.web.refresh()
        self.assertTrue(self.at("#door").is_displayed())

    # --- what changes something ---
    def test_who_operates_drains_weighs_and_kicks(self):
        _, wire = self.session()
        self.enter(OPERATOR)
        self.press("Drain a")
        self.at("#ask-no").click()
        self.press("Drain a")
        self.web.switch_to.active_element.send_keys("\ue00c")  # Escape
        self.assertFalse(self.proxy.lines("admin_action", verb="backend"), "nothing was done")
        self.press("Drain a")
        self.at("#ask-yes").click()
        self.proxy.wait_lines("admin_action", verb="backend")
        self.until(lambda: [row for row in self.rows("#backends") if row[0] == "a" and row[2] == "drain"], "it drains")
        self.press("Weight b")
        self.at("#ask-number").clear()
        self.at("#ask-number").send_keys("30")
        self.at("#ask-yes").click()
        self.until(lambda: [row for row in self.rows("#backends") if row[0] == "b" and row[4] == "30"], "it weighs less")
        kick = self.until(lambda: self.web.find_elements("css selector", "#sessions td button"), "a session")[0]
        self.press(kick.get_attribute("aria-label"))
        self.at("#ask-yes").click()
        self.assertIn(b"BYE", wire.rest())
        self.no_complaints()

    # --- for everybody ---
    def test_narrow_dark_and_by_keyboard(self):
        self.session()
        for scheme in ("light", "dark"):
            self.web.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                     {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            self.enter(OPERATOR)
            self.until(lambda: self.rows("#backends") and self.rows("#sessions") and "/s" in self.text("#charts"), "data")
            time.sleep(6 if os.environ.get("POSTIGO_PICTURES") else 0)  # curves
            self.picture(f"page-{scheme}")
            colours = self.web.execute_script("const style = getComputedStyle(document.body);"
                                              "return [style.color, style.backgroundColor]")
            self.assertEqual(scheme == "dark", sum(map(int, colours[0][4:-1].split(",")[:3])) > 382, colours)
            self.at("#leave").click()
        self.web.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                 {"width": 400, "height": 900, "deviceScaleFactor": 1, "mobile": False})
        self.enter(OPERATOR)
        self.until(lambda: self.rows("#backends") and self.rows("#sessions"), "data")
        wide = self.web.execute_script("return document.documentElement.scrollWidth")
        self.assertLessEqual(wide, 400, "nothing sticks out at 400 px")
        self.picture("page-narrow")
        for _ in range(60):
            self.web.switch_to.active_element.send_keys("\ue004")  # Tab
            if self.web.switch_to.active_element.get_attribute("aria-label") == "Drain a":
                break
        self.web.switch_to.active_element.send_keys("\ue007")  # Enter
        self.assertTrue(self.at("#ask").is_displayed())
        self.assertEqual("ask-no", self.web.switch_to.active_element.get_attribute("id"), "the safe answer has the focus")

    def test_axe_finds_nothing(self):
        try:
            tool = axe()
        except Unavailable as why:
            self.skipTest(str(why))
        self.session()
        for scheme in ("light", "dark"):
            self.web.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                     {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            self.web.get(self.url)
            self.found_by(tool, f"the door, {scheme}")
            self.enter(OPERATOR)
            self.until(lambda: self.rows("#backends") and self.rows("#sessions") and self.text("#config"), "data")
            self.found_by(tool, f"the page, {scheme}")
            self.press("Drain a")
            self.found_by(tool, f"the question, {scheme}")
            self.at("#ask-no").click()
            self.at("#leave").click()

    def found_by(self, tool, where):
        self.web.execute_script(tool)
        found = self.web.execute_async_script("const done = arguments[0]; axe.run().then(all => done(JSON.stringify("
                                              "all.violations.map(each => [each.id, each.help, each.nodes[0].html]))))")
        self.assertEqual([], json.loads(found), where)

    def test_it_does_not_grow(self):
        """As many updates as POSTIGO_PAGE_UPDATES (43,200: a day) on a clock that hurries."""
        updates = int(os.environ.get("POSTIGO_PAGE_UPDATES", "300"))
        self.session()
        self.web.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": HURRY})
        self.web.execute_cdp_cmd("Performance.enable", {})
        self.enter(READER)
        before = self.size_after(200)
        after = self.size_after(200 + updates)
        self.assertLessEqual(after["Nodes"], before["Nodes"] * 1.1 + 50, (before, after))
        self.assertLessEqual(after["JSEventListeners"], before["JSEventListeners"] + 5, (before, after))
        self.assertLessEqual(after["JSHeapUsedSize"], before["JSHeapUsedSize"] * 1.2 + 500_000, (before, after))

    def size_after(self, updates):
        """Of the page, once it has asked for `status` so often. Each look by Selenium leaves a few kB there."""
        self.until(lambda: self.web.execute_script("return asked") >= updates, f"{updates} updates", 60 + updates, pause=3)
        self.web.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
        told = self.web.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return {each["name"]: each["value"] for each in told}


if __name__ == "__main__":
    unittest.main()
