"""The local page of results: what it lists, what it opens, and whom it refuses."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading

import pytest

import optimiser
from optimiser.report.shelves import Shelf, list_items


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a result, one with a hostile name, a broken one, and things to keep out of."""
    root = tmp_path_factory.mktemp("shelf")
    served = root / "served"
    served.mkdir()
    instance = optimiser.read("instances/toy")
    result = optimiser.solve(instance, solver="highs", gap=0)
    optimiser.write(result, served / "toy")
    optimiser.write(result, served / "sub" / "<script>alert(1)<" / "deep")
    optimiser.write(result, root / "secret")
    (served / "broken").mkdir()
    (served / "broken" / "result.json").write_text("{")
    (served / "link").symlink_to(root / "secret")
    (served / "empty").mkdir()
    return served


@pytest.fixture(scope="module")
def shelf(folder):
    """It, served."""
    with Shelf(folder) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def ask(shelf, path, *, method="GET", host=None):
    port = shelf.server_address[1]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host if host is not None else f"127.0.0.1:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def test_the_list_has_each_result_and_no_markup_of_theirs(shelf, folder):
    """Every result is listed by its place, and a name that is markup stays text."""
    answer, content = ask(shelf, "/")
    assert answer.status == 200
    assert b"<script" not in content
    assert b"&lt;script&gt;" in content
    assert {item.place.split("/")[0] for item in list_items(folder)} == {"toy", "sub", "broken"}
    (toy,) = [item for item in list_items(folder) if item.place == "toy"]
    assert (toy.status, toy.cost) == ("optimal", "220,600.00 GBP")


def test_a_report_opens_and_a_broken_one_is_told(shelf):
    """A result's report is its page; what cannot be read is said, with status 200."""
    answer, content = ask(shelf, "/report/toy")
    assert answer.status == 200
    assert b"220,600" in content
    assert ask(shelf, "/report/sub/%3Cscript%3Ealert(1)%3C/deep")[0].status == 200
    answer, content = ask(shelf, "/report/broken")
    assert answer.status == 200
    assert b"Traceback" not in content
    assert b"result.json" in content


@pytest.mark.parametrize("path", [
    "/report/../secret", "/report/%2e%2e/secret", "/report/..%2fsecret", "/report/toy/../../secret",
    "/report/link", "/report/%2fetc", "/report//etc/passwd", "/report/empty", "/report/",
    "/report/toy%00", "/report/..\\secret", "/result.json",
    "/report/toy/result.json", "/favicon.ico",
])  # fmt: skip
def test_nothing_outside_of_the_folder_is_served(shelf, path):
    """Paths up, encoded, by links, and files are not found."""
    assert ask(shelf, path)[0].status == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1", "10.0.0.1:1"])
def test_other_hosts_requests_are_refused(shelf, host):
    """A request that came by another name than this machine's is refused."""
    answer, content = ask(shelf, "/", host=host)
    assert answer.status == 421
    assert b"toy" not in content


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reading_is_answered(shelf, method):
    """Other methods are not implemented; HEAD has no body."""
    assert ask(shelf, "/", method=method)[0].status == 501
    answer, content = ask(shelf, "/", method="HEAD")
    assert (answer.status, content) == (200, b"")


def test_it_listens_on_this_machine_only(shelf):
    """The address is the loopback's."""
    assert shelf.server_address[0] == "127.0.0.1"


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.usefixtures("heard")
def test_the_command_serves_until_ctrl_c(folder):
    """The command says where, and ends cleanly at Ctrl-C."""
    command = [sys.executable, "-m", "optimiser.cli.main", "view", str(folder), "--no-browser"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as run:
        line = run.stdout.readline()
        assert "http://127.0.0.1:" in line
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=20)
    assert (run.returncode, err) == (0, "")
    assert "Ended." in out
