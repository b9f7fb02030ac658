"""Makes the pictures of the documentation from real runs: ``python docs/pictures.py`` (needs Debian's chromium and the released model)."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"


def main() -> None:
    chromium = shutil.which("chromium") or sys.exit("no chromium: apt-get install chromium")
    server = subprocess.Popen([Path(sys.executable).with_name("unspin"), "serve", "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert server.stdout
    found = next(filter(None, (re.search(r"http://\S+", line) for line in server.stdout)))
    PICTURES.mkdir(exist_ok=True)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1160, "height": 860}, device_scale_factor=1.5)
            page.goto(found[0])
            page.get_by_label("Article").fill((ROOT / "data/samples/ferry.spun.txt").read_text(encoding="utf-8"))
            page.get_by_role("button", name="Restore", exact=True).click()
            page.get_by_role("status").filter(has_text="Done").wait_for(timeout=120_000)
            page.screenshot(path=PICTURES / "page.png")
            page.locator("#after button").nth(3).click()
            page.locator("dialog[open]").wait_for(timeout=60_000)
            page.screenshot(path=PICTURES / "choice.png")
            browser.close()
    finally:
        server.kill()


if __name__ == "__main__":
    main()
