"""Take the pictures of the documentation from the demo: ``.venv/bin/python .ci/pictures.py``.

With a folder, ``.ci/pictures.py /tmp/pictures``, take every page in light, dark and on a phone instead, to look at them.
"""

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import sync_playwright

from tests.conftest import CHROMIUM, FLAGS
from tests.e2e.servers import ROOT, fill_shop, serve_shop

PAGES = {
    "landing-page": ("/", "h1"),
    "docs-page": ("/api/docs", ".opblock"),
    "operation": ("/api/docs#/catalog/product_create_product", ".opblock.is-open .responses-inner"),
    "redoc": ("/api/docs?view=redoc", ".redoc-wrap h2"),
    "error-page": ("/api/oops", ".what"),
    "inspection-page": ("/inspect/", "#tables"),
}
"""Name → address, and what is there once the page is drawn."""
PUBLISHED = ("landing-page", "docs-page", "error-page", "inspection-page")
FAULTS = """
CREATE INDEX product_price ON store_product (price);
CREATE INDEX product_price_name ON store_product (price, name);
ALTER TABLE store_review ADD COLUMN old_text text;
"""
"""What the page of the inspection finds."""
WIDE, PHONE = {"width": 1000, "height": 760}, {"width": 390, "height": 800}
LOOKS = {
    "light": ("light", WIDE),
    "dark": ("dark", WIDE),
    "phone": ("light", PHONE),
    "phone-dark": ("dark", PHONE),
}


def main(folder: Path | None) -> None:
    """Serve a filled shop, and write the pictures."""
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        fill_shop(Path(data), products=200)
        with closing(sqlite3.connect(Path(data) / "shop.sqlite3")) as database:
            database.executescript(FAULTS)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with serve_shop("uvicorn", Path(data), SHOP_DEBUG="1") as shop:
            for name, (address, ready) in PAGES.items():
                for look, (scheme, size) in LOOKS.items():
                    if folder is None and (look != "light" or name not in PUBLISHED):
                        continue
                    page = browser.new_page(color_scheme=scheme, viewport=size)
                    page.goto(shop.url + address)
                    page.locator(ready).first.wait_for(timeout=90_000)
                    page.wait_for_timeout(500)
                    where = ROOT / "docs" / "images" / f"{name}.png"
                    if folder is not None:
                        where = folder / f"{name}-{look}.png"
                    page.screenshot(path=where)
                    page.close()
                    print(where)
        browser.close()


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if sys.argv[1:] else None
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
    main(chosen)
