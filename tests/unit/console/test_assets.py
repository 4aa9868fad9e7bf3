"""Names become addresses and icons; a package without its assets says what to do."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from doorward.console import assets
from doorward.console.assets import STATIC, AssetsMissing, asset, icon


@pytest.fixture
def read_anew() -> Iterator[None]:
    assets.assets.cache_clear()
    yield
    assets.assets.cache_clear()


def test_an_icon_beside_a_word_is_hidden_from_those_who_hear_the_page() -> None:
    drawn = icon("door")
    assert drawn.startswith('<svg class="icon" width="20" height="20" viewBox="0 0 24 24" fill="none" stroke="current')
    assert 'aria-hidden="true"' in drawn
    assert drawn.count("<path") == 3
    assert drawn.endswith("/></svg>")


def test_an_icon_alone_says_what_it_means_whatever_is_in_the_words() -> None:
    drawn = icon("lock", size=16, label='Locked "<b>"')
    assert 'width="16" height="16"' in drawn
    assert 'role="img" aria-label="Locked &#34;&lt;b&gt;&#34;"' in drawn
    assert "aria-hidden" not in drawn


def test_a_filled_icon_is_filled() -> None:
    assert 'fill="currentColor"' in icon("star-filled")
    assert "stroke" not in icon("star-filled")


def test_an_icon_that_was_not_listed_is_an_error() -> None:
    with pytest.raises(KeyError):
        icon("unicorn")


def test_an_icon_needs_no_inline_style_and_brings_no_script() -> None:
    for name in assets.assets().icons:
        assert not re.search(r"style=|<script|\son\w+=|href=", icon(name)), name


def test_a_file_is_addressed_by_its_content() -> None:
    assert re.fullmatch(r"/assets/console/console-[A-Z0-9]{8}\.js", asset("console.js"))
    with pytest.raises(KeyError):
        asset("unicorn.js")


@pytest.mark.usefixtures("read_anew")
def test_without_its_assets_the_package_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    with pytest.raises(AssetsMissing, match=r"^what the console's pages load has not been made: run `make assets`$"):
        asset("console.js")


def test_nothing_makes_code_of_text_and_nothing_is_loaded_from_elsewhere() -> None:
    for script in STATIC.glob("*.js"):
        assert not re.search(r"\beval\(|\bFunction\(|sourceMappingURL", script.read_text()), script.name
    for styles in STATIC.glob("*.css"):
        text = styles.read_text()
        assert set(re.findall(r"url\([\"']?([a-z]*:)", text)) <= {"data:"}
        assert len(re.findall(r"url\(", text)) == len(re.findall(r"url\([\"']?data:image/svg", text))
        assert "@import" not in text
        assert "@font-face" not in text


def test_what_each_page_loads_stays_small() -> None:
    sizes = {
        name: len(assets.assets().served[served].encoded["gzip"]) for name, served in assets.assets().names.items()
    }
    assert sizes["console.css"] < 110_000
    assert sizes["console.js"] < 60_000
    assert sizes["theme.js"] < 1_000
