"""The worked notebook runs from its first cell to its last."""

from __future__ import annotations

from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


@pytest.mark.filterwarnings("default")  # of the notebook's machinery
def test_the_notebook_runs_and_says_what_it_shows():
    """Every cell runs in a kernel of its own, figures are figures, and texts are those saved."""
    saved = nbformat.read(NOTEBOOK, as_version=4)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(ROOT)}}
    nbclient.NotebookClient(notebook, timeout=120, resources=resources).execute()
    kinds = set()
    for before, now in zip(saved.cells, notebook.cells, strict=True):
        for output in now.get("outputs", ()):
            kinds |= set(output.get("data", {}))
        texts = [o["data"]["text/plain"] for o in before.get("outputs", ())
                 if o["output_type"] == "execute_result"]  # fmt: skip
        again = [o["data"]["text/plain"] for o in now.get("outputs", ())
                 if o["output_type"] == "execute_result"]  # fmt: skip
        assert texts == again
    assert "application/vnd.plotly.v1+json" in kinds
