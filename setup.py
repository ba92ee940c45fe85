"""Puts a copy of instances/ into the wheel; all else stands in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithInstances(build_py):
    """Copies instances/ to optimiser/_instances, where an installed package looks for them."""

    def _shipped(self) -> dict[str, Path]:
        target = Path(self.build_lib) / "optimiser" / "_instances"
        home = Path("instances")
        # Only what git would hold: no results, caches or a spreadsheet's lock files.
        kept = (".csv", ".toml", ".md")
        return {
            str(target / path.relative_to(home)): path
            for path in sorted(home.rglob("*"))
            if path.suffix in kept
            and not path.name.startswith(".")
            and path.name != "best_known.csv"  # for benchmarks, as the plans beside it
        }

    def run(self) -> None:
        """Build the modules, then copy."""
        super().run()
        if not self.editable_mode:
            for target, path in self._shipped().items():
                self.mkpath(str(Path(target).parent))
                self.copy_file(str(path), target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Name the copies too, so that installers know them."""
        outputs: list[str] = super().get_outputs(include_bytecode)
        return outputs if self.editable_mode else [*outputs, *self._shipped()]


setup(cmdclass={"build_py": BuildWithInstances})
