"""What ``docs/api-docs.md`` says, run."""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "api-docs.md"


def test_the_examples_of_the_guide_do_what_it_says(serve):
    first, *more = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    second = next(code for code in more if "/sign-in" in code)
    lamps, signing = {"__name__": "lamps"}, {"__name__": "signing"}
    exec(first, lamps)
    exec(second, signing)
    client = serve(lamps["api"])
    assert client.get("/api/lamps/7").json() == {"id": 7}
    assert b"<title>Lamps</title>" in client.get("/api/docs").content
    assert client.get("/api/openapi.json").json()["info"]["version"] == "1.2"
    assert "/sign-in" in serve(signing["api"]).get("/api/openapi.json").json()["paths"]


def test_the_picture_of_the_guide_is_there():
    (name,) = re.findall(r"\]\((images/[^)]+)\)", GUIDE.read_text())
    assert (GUIDE.parent / name).is_file()
