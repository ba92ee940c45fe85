"""Pages escape what they show and name the scripts that may run."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import jinja2
import pytest

from optimiser.report.page import render_page

TEMPLATE = '<meta content="{{ policy }}">{{ shown }}{{ data }}{{ scripts }}'


@pytest.fixture
def template(tmp_path):
    """A file with `TEMPLATE`."""
    path = tmp_path / "page.html"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


def test_what_is_shown_is_escaped(template):
    """Markup in a value is text."""
    page = render_page(template, {"shown": "<b>&"}, scripts=[]).decode()
    assert "&lt;b&gt;&amp;" in page
    assert "<b>" not in page


def test_script_is_named_as_a_browser_hashes_it(template):
    """The hash is over the script as parsed, in which every line end is one line feed."""
    page = render_page(template, {"shown": ""}, scripts=["let a;\r\nlet b;\rlet c;"]).decode()
    digest = hashlib.sha256(b"let a;\nlet b;\nlet c;").digest()
    assert f"sha256-{base64.b64encode(digest).decode()}" in page
    assert "<script>let a;\nlet b;\nlet c;</script>" in page


def test_page_without_scripts_lets_none_run(template):
    """No script, no hash: the policy forbids all."""
    page = render_page(template, {"shown": ""}, scripts=[]).decode()
    assert "script-src &#39;none&#39;" in page


def test_data_cannot_leave_its_element(template):
    """Data with an end tag, a comment and odd line ends comes back as it was."""
    data = {"name": "</script><!-- \u2028 &amp;", "figures": [1, 2.5, None]}
    page = render_page(template, {"shown": ""}, scripts=[], data=data).decode()
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert not set("<>&\u2028") & set(found)
    assert json.loads(found) == data


def test_unknown_name_in_a_template_is_a_fault(template):
    """A value that the caller forgot is no empty text."""
    with pytest.raises(jinja2.UndefinedError):
        render_page(template, {}, scripts=[])
