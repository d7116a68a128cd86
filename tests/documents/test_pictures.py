"""The pictures of the README: drawn from real output, and without anything from another host."""

import re

from tests.documents import pictures


def test_the_picture_of_watch_is_drawn_from_the_prepared_night() -> None:
    drawn = pictures.watch()
    words = " ".join(re.findall(r">([^<]+)<", drawn)).replace("&#160;", " ")
    for shown in ("dispatch watch", "SDIS 67", "short of people", "HELD: resume or abort"):
        assert shown in words


def test_every_picture_of_the_readme_exists_and_fetches_nothing() -> None:
    for name in pictures.PICTURES:
        drawn = (pictures.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        assert not re.search(r"@font-face|url\([^#]|href=", drawn)


def test_the_picture_of_the_demo_names_everybody() -> None:
    drawn = (pictures.FOLDER / "demo.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    assert "On the phone of" in drawn
    assert "somebody" not in drawn
