"""Debian's Chromium without a window, led by Selenium; and axe-core, which looks for what keeps people out."""

import fcntl
import glob
import os
import shutil
import subprocess
import tarfile

from tests.differential.servers.roots import Unavailable, cache

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
except ImportError:
    webdriver = None

DRIVER, BROWSER = "/usr/bin/chromedriver", "/usr/bin/chromium"


def browser(folder, width=1280, height=900):
    """A new one that knows nothing; REQUIRES quit(). Raises Unavailable."""
    if webdriver is None or not (os.path.exists(DRIVER) and os.path.exists(BROWSER)):
        raise Unavailable("no Chromium, or no Selenium: deploy/packages.sh test")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
                 f"--window-size={width},{height}", f"--user-data-dir={folder}/profile"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service(DRIVER, log_path=os.path.join(folder, "driver.log")), options=options)


def axe():
    """The text of axe-core, fetched with npm at the first call on this machine. Raises Unavailable."""
    folder = os.path.join(cache(), "axe-core")
    with open(folder + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            new = folder + ".new"
            shutil.rmtree(new, ignore_errors=True)
            os.makedirs(new)
            try:
                subprocess.run(["npm", "pack", "--silent", "axe-core@4"], cwd=new, check=True, capture_output=True, timeout=120)
            except (OSError, subprocess.SubprocessError) as error:
                raise Unavailable(f"axe-core cannot be fetched with npm: {error}") from None
            with tarfile.open(glob.glob(os.path.join(new, "*.tgz"))[0]) as file:
                file.extract("package/axe.min.js", new)
            os.rename(new, folder)
    with open(os.path.join(folder, "package", "axe.min.js"), encoding="utf-8") as file:
        return file.read()
