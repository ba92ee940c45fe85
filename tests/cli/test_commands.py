"""Each command: what it says, on which stream, and its exit code."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
from toy_result import BEST, TOY, result, without_plan

import optimiser as opt
from optimiser.cli import codes
from optimiser.files.results import write_result
from optimiser.files.shipped import shipped

COMMANDS = ["check", "convert", "generate", "new", "schema", "solve", "solvers", "verify"]


# --- help and usage ----------------------------------------------------------------------------


def test_version(cli):
    """The version is the package's."""
    assert cli("--version").out == f"optimiser {opt.__version__}\n"


def test_help_lists_commands_and_codes(cli):
    """The help lists every command, an example and the exit codes."""
    done = cli("--help")
    assert done.code == 0
    for word in [*COMMANDS, "130", "--from southwest-one"]:
        assert word in done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(cli, command):
    """Each command explains itself."""
    done = cli(command, "--help")
    assert done.code == 0
    assert "Usage: optimiser" in done.out


@pytest.mark.parametrize(
    "arguments",
    [("frobnicate",), ("solve",), ("solve", TOY, "--gap", "-1"), ("solve", TOY, "--gap", "nan"),
     ("solve", TOY, "--time-limit", "soon"), ("solve", TOY, "--time-limit", "0"),
     ("solve", TOY, "--threads", "0"), ("solve", TOY, "--format", "xml"), ("solve", TOY, "--bogus"),
     ("schema", "tarifs"), ("generate", "regionl", "--out", "x"), ("generate", "regional")],
)  # fmt: skip
def test_usage_errors(cli, arguments):
    """What does not fit is refused with code 2 and a message on stderr."""
    done = cli(*arguments)
    assert done.code == codes.INPUT
    assert done.err
    assert not done.out


# --- new and generate --------------------------------------------------------------------------


def test_new_from_shipped(cli, tmp_path):
    """A copy of a shipped instance is that instance, README and all."""
    done = cli("new", tmp_path / "mine", "--from", "toy")
    assert done.code == 0
    assert opt.read(tmp_path / "mine") == opt.read(TOY)
    assert (tmp_path / "mine" / "README.md").exists()


@pytest.mark.parametrize("name", ["mine", "mine.xlsx"])
def test_new_workbook(cli, tmp_path, name):
    """A workbook from a shipped instance is that instance, and ends in .xlsx."""
    assert cli("new", tmp_path / name, "--from", "toy", "--workbook").code == 0
    assert opt.read(tmp_path / "mine.xlsx") == opt.read(TOY)


@pytest.mark.parametrize("more", [(), ("--workbook",)])
def test_new_blank(cli, tmp_path, more):
    """A blank instance has every table and lacks nothing but rows."""
    assert cli("new", tmp_path / "mine", "--from", "blank", *more).code == 0
    path = tmp_path / ("mine.xlsx" if more else "mine")
    done = cli("check", path)
    assert done.code == codes.INPUT
    lines = done.err.splitlines()
    assert all("the table has no rows" in line for line in lines[1:]), lines


def test_new_knows_its_names(cli, tmp_path):
    """A name that is nearly right is put right, and any other gets the list."""
    assert "Did you mean 'toy'?" in cli("new", tmp_path / "x", "--from", "toyy").err
    done = cli("new", tmp_path / "x", "--from", "nothing-like-it")
    assert done.code == codes.INPUT
    assert "southwest-one" in done.err
    assert "blank" in done.err


def test_new_does_not_overwrite(cli, tmp_path):
    """What is there already stays."""
    (tmp_path / "file").write_text("mine")
    assert cli("new", tmp_path, "--from", "toy").code == codes.INPUT
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_shipped_instances_are_sound(cli):
    """Every shipped instance passes the check."""
    assert {"toy", "southwest-one", "whitehall-2010", "micro-outsourcing"} <= set(shipped())
    for folder in shipped().values():
        assert cli("check", folder).code == 0


def test_generate(cli, tmp_path):
    """A family's sizes are options; the same seed gives the same instance."""
    sizes = ("--organisations", 6, "--services", 2, "--centres", 2, "--co-operatives", 2)
    done = cli("generate", "regional", *sizes, "--seed", 3, "--out", tmp_path / "one")
    assert done.code == 0
    cli("generate", "regional", *sizes, "--seed", 3, "--out", tmp_path / "two.xlsx")
    one = opt.read(tmp_path / "one")
    assert one == opt.read(tmp_path / "two.xlsx")
    assert len(one["organisations"]) == 6


def test_generate_does_not_overwrite(cli, tmp_path):
    """What is there already stays, an instance most of all."""
    for path in (tmp_path / "mine", tmp_path / "mine.xlsx"):
        assert cli("new", path, "--from", "toy").code == 0
        assert cli("generate", "regional", "--out", path).code == codes.INPUT
        assert opt.read(path) == opt.read(TOY)


@pytest.mark.parametrize("option", ["--export", "--log"])
def test_tables_are_not_written_over(cli, tmp_path, option):
    """Neither the model nor a log takes the place of a table, or goes to its end."""
    cli("new", tmp_path / "mine", "--from", "toy")
    table = tmp_path / "mine" / "demand.csv"
    done = cli("solve", tmp_path / "mine", option, table)
    assert done.code == codes.INPUT
    assert option in done.err
    assert table.read_bytes() == (TOY / "demand.csv").read_bytes()


def test_log_that_cannot_be_written(cli, tmp_path):
    """The message names the log, not the solver."""
    done = cli("solve", TOY, "--log", tmp_path / "nowhere" / "log")
    assert done.code == codes.INPUT
    assert "log cannot be written" in done.err


# --- check, schema, solvers --------------------------------------------------------------------


def test_check(cli):
    """A sound instance has its sizes and its hash told."""
    done = cli("check", TOY)
    assert done.code == 0
    for word in ("3 organisations", "6 demand", "12 options", opt.read(TOY).hash, "Sound."):
        assert word in done.out


def test_check_json(cli):
    """The same as one JSON document."""
    document = json.loads(cli("check", TOY, "--format", "json").out)
    assert document["status"] == "sound"
    assert document["rows"]["demand"] == 6
    assert document["options"] == 12


@pytest.fixture
def broken(tmp_path):
    """The toy with two faults."""
    shutil.copytree(TOY, tmp_path / "broken")
    path = tmp_path / "broken" / "demand.csv"
    path.write_text(path.read_text().replace("300,27000", "many,27000").replace("birch", "brich"))
    return tmp_path / "broken"


def test_check_names_all_faults(cli, broken):
    """Every fault is named on stderr, with its place."""
    done = cli("check", broken)
    assert done.code == codes.INPUT
    assert "demand.csv, row 2, column volume" in done.err
    assert "Did you mean 'birch'?" in done.err


@pytest.mark.parametrize("command", ["check", "solve"])
def test_faults_as_json(cli, broken, command):
    """Asked for JSON, the faults come as one document too."""
    done = cli(command, broken, "--format", "json")
    assert done.code == codes.INPUT
    document = json.loads(done.out)
    assert document["error"] == "InstanceError"
    assert {fault["row"] for fault in document["faults"]} >= {2}


@pytest.fixture
def impossible(tmp_path):
    """The toy with a pair that nobody can deliver."""
    shutil.copytree(TOY, tmp_path / "impossible")
    demand = tmp_path / "impossible" / "demand.csv"
    demand.write_text(demand.read_text().replace("cedar,it,60,28000", "cedar,it,60,"))
    offers = tmp_path / "impossible" / "offers.csv"
    rows = [row for row in offers.read_text().splitlines() if ",it" not in row]
    offers.write_text("\n".join(rows) + "\n")
    tariffs = tmp_path / "impossible" / "tariffs.csv"
    rows = [row for row in tariffs.read_text().splitlines() if ",it" not in row]
    tariffs.write_text("\n".join(rows) + "\n")
    return tmp_path / "impossible"


def test_check_impossible(cli, impossible):
    """What cannot work is said before any solver runs, with code 4."""
    done = cli("check", impossible)
    assert done.code == codes.INFEASIBLE
    assert "IT support for Cedar" in done.out


def test_check_warns(cli, tmp_path):
    """What is allowed but looks like an oversight is mentioned."""
    shutil.copytree(TOY, tmp_path / "odd")
    path = tmp_path / "odd" / "organisations.csv"
    path.write_text(path.read_text() + "elm,Elm,district,10,0,0\n")
    done = cli("check", tmp_path / "odd")
    assert done.code == 0
    assert "organisations that need no service: 1 (elm)" in done.out


def test_schema(cli):
    """The schema names every table; one table every column; markdown and JSON the same."""
    overview = cli("schema").out
    tariffs = cli("schema", "tariffs").out
    document = json.loads(cli("schema", "--format", "json").out)
    markdown = cli("schema", "--format", "markdown").out
    for table in document["tables"]:
        assert table["name"] in overview
        assert f"## {table['name']}" in markdown
        for column in table["columns"]:
            assert column["name"] in overview
            assert column["name"] in markdown
            assert table["name"] != "tariffs" or column["name"] in tariffs


def test_solvers(cli):
    """The solvers are listed with what they can do."""
    assert "highs" in cli("solvers").out
    document = json.loads(cli("solvers", "--format", "json").out)
    assert {"highs", "scip", "cp-sat", "cbc"} <= {row["name"] for row in document["solvers"]}


# --- solve and verify --------------------------------------------------------------------------


def test_solve(cli, tmp_path):
    """Solved: code 0, the answer on stdout, progress on stderr, the result in a folder."""
    done = cli("solve", TOY, "--gap", 0, "--out", tmp_path / "out")
    assert done.code == codes.SOLVED
    assert "£220,600.00" in done.out
    assert "bound" in done.err
    assert f"Saved in {tmp_path / 'out'}" in done.out
    again = cli("verify", tmp_path / "out")
    assert again.code == 0
    assert "Everything agrees." in again.out


def test_solve_without_out(cli, tmp_path, monkeypatch):
    """Without --out nothing is written, and it is said how."""
    monkeypatch.chdir(tmp_path)
    done = cli("solve", TOY, "--quiet")
    assert "--out DIR" in done.out
    assert not list(tmp_path.iterdir())
    assert not done.err


def test_solve_json(cli, tmp_path):
    """Asked for JSON, stdout is one document with the keys of result.json, and where it went."""
    done = cli("solve", TOY, "--format", "json", "--quiet", "--out", tmp_path / "out")
    document = json.loads(done.out)
    saved = json.loads((tmp_path / "out" / "result.json").read_bytes())
    assert document["cost"]["units"] == BEST
    assert document["saved"] == str(tmp_path / "out")
    assert set(document) == {*saved, "saved"}


def test_solve_impossible(cli, impossible):
    """No plan: code 4 and the reasons."""
    done = cli("solve", impossible)
    assert done.code == codes.INFEASIBLE
    assert "There is no plan that keeps every rule." in done.out
    assert "Cedar" in done.out


def test_solve_from_start(cli, tmp_path):
    """A saved result can be started from."""
    write_result(result(), tmp_path / "before")
    done = cli("solve", TOY, "--start", tmp_path / "before", "--quiet")
    assert done.code == 0


def test_start_without_plan(cli, tmp_path):
    """A saved result without a plan is no start."""
    write_result(without_plan("unknown"), tmp_path / "before")
    done = cli("solve", TOY, "--start", tmp_path / "before", "--quiet")
    assert done.code == codes.INPUT
    assert "no plan to start from" in done.err


def test_export_and_log(cli, tmp_path):
    """The model and the solver's log are written where they are asked for."""
    done = cli("solve", TOY, "--export", tmp_path / "m.mps", "--log", tmp_path / "log.txt")
    assert done.code == 0
    assert "ROWS" in (tmp_path / "m.mps").read_text()
    assert (tmp_path / "log.txt").exists()


@pytest.mark.parametrize("name", ["southwest-on", "instances/southwest_one"])
def test_did_you_mean_a_shipped_instance(cli, name):
    """A path that is nearly a shipped name says so, and how to get a copy."""
    done = cli("solve", name)
    assert done.code == codes.INPUT
    assert "optimiser new southwest-one --from southwest-one" in done.err


def test_unknown_solver(cli):
    """A solver's name that is nearly right is put right."""
    done = cli("solve", TOY, "--solver", "higs")
    assert done.code == codes.INPUT
    assert "highs" in done.err


def test_out_is_refused_before_solving(cli, tmp_path):
    """A folder that must not be replaced is refused before an hour of solving."""
    (tmp_path / "thesis").write_text("mine")
    done = cli("solve", TOY, "--out", tmp_path)
    assert done.code == codes.INPUT
    assert "bound" not in done.err
    assert (tmp_path / "thesis").read_text() == "mine"


def test_verify_names_tampering(cli, tmp_path):
    """A result that was tampered with: code 2, and each thing named."""
    folder = write_result(result(), tmp_path / "out")
    path = folder / "costs.csv"
    path.write_text(path.read_text().replace("156000.00", "1.00"))
    done = cli("verify", folder)
    assert done.code == codes.INPUT
    assert "costs.csv, row 3, column cost: 1.00 in the file, 156000.00 by the tables" in done.out
    document = json.loads(cli("verify", folder, "--format", "json").out)
    assert document["ok"] is False
    assert len(document["problems"]) == 2


@pytest.mark.parametrize("text", ["90", "90s", "1.5m", "1.5 min", "0.025h"])
def test_time_limits(cli, monkeypatch, text):
    """Times may have units."""
    from optimiser.solvers import session

    seen = {}

    def fake(instance, **options):
        seen.update(options)
        return result()

    monkeypatch.setattr(session, "solve", fake)
    assert cli("solve", TOY, "--time-limit", text, "--gap", "0.1%").code == 0
    assert seen["time_limit"] == pytest.approx(90)
    assert seen["gap"] == pytest.approx(0.001)


def test_solvers_with_a_broken_pulp(cli, monkeypatch):
    """A package that is there but cannot be imported does not hide the others."""
    monkeypatch.setitem(sys.modules, "pulp", None)
    done = cli("solvers")
    assert done.code == 0
    assert "highs" in done.out
