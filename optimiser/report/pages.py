"""Results and studies as one HTML page that opens without a network.

`report_page` is what `optimiser report` writes and `optimiser view` serves.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import UsageError
from optimiser.report.page import plotly_script, render_page
from optimiser.report.parts import Chapter, figure_data, result_chapter
from optimiser.report.words import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimiser.studies.comparisons import Comparison

#: Begin of a page, by which `optimiser report` knows its own.
MARK: Final = b"<!DOCTYPE html>\n<!-- optimiser report -->"
_TEMPLATES: Final = Path(__file__).parent / "templates"


def report_page(
    paths: Sequence[str | Path], *, progress: Callable[[str], object] | None = None
) -> bytes:
    """Return a page about saved results and studies.

    Parameters
    ----------
    paths
        Folders (or their result.json, study.json) that ``optimiser solve --out`` or a study has
        written.
    progress
        Called with a line before each is read and verified.

    Raises
    ------
    UsageError
        None is given.
    FileError
        One cannot be read, or does not agree with its instance any more.
    """
    if not paths:
        raise UsageError("A report needs a result or a study: name its folder.")
    chapters = []
    for path in paths:
        if progress is not None:
            progress(f"Reading and verifying {path}")
        chapters.append(chapter_of(Path(path)))
    if len(chapters) > 1:
        # Several results of one instance have one title: their folders tell them apart.
        chapters = [
            _renamed(chapter, f"{Path(path).absolute().name}: ")
            for path, chapter in zip(paths, chapters, strict=True)
        ]
    return chapters_page(chapters)


def comparison_page(comparison: Comparison) -> bytes:
    """Return a page of plans side by side, the differences first, then each plan."""
    from optimiser.report.comparing import comparison_chapter

    plans = [
        _renamed(result_chapter(result), f"{safe(name)}: ")
        for name, result in zip(comparison.names, comparison.results, strict=True)
    ]
    return chapters_page([comparison_chapter(comparison), *plans])


def chapter_of(path: Path) -> Chapter:
    """Return what there is to show of a saved result or study."""
    from optimiser.files.restoring import open_result
    from optimiser.files.studies import DOCUMENT, read_study

    if path.name == DOCUMENT or (path / DOCUMENT).exists():
        from optimiser.report.study_parts import study_chapter

        return study_chapter(read_study(path))
    return result_chapter(open_result(path))


def _renamed(chapter: Chapter, prefix: str) -> Chapter:
    return dataclasses.replace(chapter, title=safe(prefix) + chapter.title)


def chapters_page(chapters: Sequence[Chapter]) -> bytes:
    """Return the page of chapters."""
    data: dict[str, Any] = {"figures": {}, "tables": {}, "controls": {}}
    shown = []
    for c, chapter in enumerate(chapters, start=1):
        sections = []
        for s, section in enumerate(chapter.sections, start=1):
            blocks = []
            for b, block in enumerate(section.blocks, start=1):
                name = f"b{c}-{s}-{b}"
                if block.figure is not None:
                    data["figures"][name] = figure_data(block.figure)
                if block.grid is not None:
                    data["tables"][name] = {**block.grid.data(), "file": block.key or name}
                if block.data is not None:
                    data["controls"][name] = block.data
                blocks.append((name, block))
            sections.append((f"s{c}-{s}", section, blocks))
        shown.append((f"c{c}", chapter, sections))
    title = chapters[0].title
    if len(chapters) > 1:
        title += f" and {len(chapters) - 1} more"
    return render_page(
        _TEMPLATES / "report.html",
        {"title": title, "chapters": shown},
        scripts=[plotly_script(), (_TEMPLATES / "report.js").read_text(encoding="utf-8")],
        data=data,
    )
