"""Take the documentation's screenshots of the local page and of a screening's report: ``python docs/pictures.py``.

Needs Chromium (Debian: apt-get install chromium) and the released model.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"


def main() -> None:
    """Start the server, restore the sample article in a browser and take the pictures."""
    chromium = shutil.which("chromium") or sys.exit("chromium is missing: apt-get install chromium")
    command = [Path(sys.executable).with_name("unspin"), "serve", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        address = _address(server)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1160, "height": 860}, device_scale_factor=1.5)
            page.goto(address)
            _take_pictures(page)
            _screen(page)
            browser.close()
    finally:
        server.kill()


def _address(server: subprocess.Popen[str]) -> str:
    assert server.stdout
    for line in server.stdout:
        if address := re.search(r"http://\S+", line):
            return address[0]
    sys.exit("unspin serve ended without printing its address")


def _take_pictures(page: Page) -> None:
    PICTURES.mkdir(exist_ok=True)
    page.get_by_role("button", name="Try a sample").click()
    page.get_by_role("status").filter(has_text="Done").wait_for(timeout=120_000)
    page.screenshot(path=PICTURES / "page.png")
    page.locator("#rows .after button").nth(3).click()
    page.locator("#options button").nth(4).wait_for(timeout=60_000)
    page.screenshot(path=PICTURES / "choice.png")


def _screen(page: Page) -> None:
    """Screen the samples and take a picture of the report, in which the first document is open."""
    with TemporaryDirectory() as output:
        unspin = Path(sys.executable).with_name("unspin")
        subprocess.run([unspin, "screen", "data/samples", "--output", output], check=True, cwd=ROOT)
        page.goto((Path(output) / "report.html").as_uri())
        page.locator("summary").first.click()
        page.screenshot(path=PICTURES / "screening.png")


if __name__ == "__main__":
    main()
