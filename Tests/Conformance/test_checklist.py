"""Each item of the wire checklist (section 13) has a test that bears its number."""

import pathlib
import re

#: What isn't offered, so that there is nothing to test.
NOT_OFFERED = {
    10: "options that a token's limits hide or narrow",
    89: "split-merge", 90: "split-merge", 91: "split-merge",
}


def test_each_item_has_a_test():
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(pathlib.Path(__file__).parent.glob("test_*.py")))
    numbers = {int(number) for number in re.findall(r"^def test_item_(\d+)_", text, re.MULTILINE)}
    assert numbers | NOT_OFFERED.keys() == set(range(1, 97))
    assert not numbers & NOT_OFFERED.keys(), "offered by now"
