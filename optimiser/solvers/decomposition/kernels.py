"""Compiled kernels: how they are declared, kept on disk, and told of.

A *kernel* is called from Python and kept on disk; a *piece* is called by kernels only. Kept code is
found by what it was made from, so that a kernel whose pieces or constants have changed, or another
version of the compiler, or another processor, never meets code that is not its own; and it bears a
checksum, so that a damaged file is made anew instead of run.
"""

from __future__ import annotations

import contextlib
import dis
import gc
import hashlib
import pickle
import sys
import uuid
from functools import cached_property
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, Final

import llvmlite
import numba
import numpy as np
from numba.core import event
from numba.core.caching import CompileResultCacheImpl, NullCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.registry import CPUDispatcher
from numba.core.serialize import dumps
from numba.core.types.containers import BaseNamedTuple
from numba.core.types.misc import unliteral
from numba.core.untyped_passes import TranslateByteCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What is said while kernels are compiled, by why they are; and where they cannot be kept.
FIRST: Final = (
    "compiling kernels for the first time (about 10 s, once per machine; the time limit waits)"
)
HOMELESS: Final = (
    "compiling kernels (about 10 s; the time limit waits), as no folder can be written to that "
    "would keep them"
)
DAMAGED: Final = "compiling kernels anew, as those on disk were damaged"
REFUSED: Final = "compiled kernels are not kept"
#: Kinds of numba's events: a function is compiled; and of our own: what befell a file.
_COMPILES, _FILES = "numba:compile", "optimiser:files"
#: Kept code's file name ends so; its first bytes are the checksum of the others.
SUFFIX: Final = ".kernel"
_CHECKSUM: Final = hashlib.sha256
_LENGTH: Final = 32


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that is called from Python; its code is kept on disk.

    It makes no arrays: so it need not count who holds those that it is given, which would be most
    of the work of a small function given a board. Other threads of Python run beside it.
    """
    return _Compiled(function, kept(function), nogil=True)


def piece(function: Callable[..., Any]) -> Any:
    """Compile a function that kernels call; its code is a part of theirs. See `kernel`."""
    return _Piece(function, NullCache(), pipeline=_Pipeline, no_cpython_wrapper=True)


class _Compiled(CPUDispatcher):  # type: ignore[misc]
    """A dispatcher that takes literal arguments as any others, and so is compiled once for all."""

    def __init__(
        self,
        function: Callable[..., Any],
        where: Kept | NullCache,
        pipeline: type[CompilerBase] = Compiler,
        **options: bool,
    ) -> None:
        options |= {"nopython": True, "_nrt": False, "no_cfunc_wrapper": True}
        targets = {"error_model": "numpy", **options}
        super().__init__(function, targetoptions=targets, pipeline_class=pipeline)
        self._cache = where

    @property
    def homeless(self) -> bool:
        """Whether its code cannot be kept."""
        return isinstance(self._cache, NullCache)

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Let numba type a call from another kernel."""
        return super().get_call_template(tuple(unliteral(each) for each in args), kws)


class _Piece(_Compiled):
    """A dispatcher that kernels call; Python's calls, as in tests, get a kernel of their own."""

    @cached_property
    def _whole(self) -> Any:
        return kernel(self.py_func)

    def add_overload(self, result: Any) -> None:
        """Keep a compiled version where kernels find it, and Python does not."""
        own = object()
        self.targetctx.insert_user_function(own, result.fndesc, [result.library])
        self.overloads[tuple(result.signature.args)] = result._replace(entry_point=own)

    def _compile_for_args(self, *args: Any, **kws: Any) -> Any:
        return self._whole


class _Part(JITCodeLibrary):  # type: ignore[misc]
    """Code that waits to become a part of a kernel's: optimised and made machine code only there.

    Numba would do both for each function by itself, and again in each that calls it.
    """

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=False, analysis_only=True)
class _Parting(FunctionPass):  # type: ignore[misc]
    """Has the code of a function put into a `_Part`."""

    _name = "optimiser_part"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Say where the code goes, and that it is not to be run."""
        state.library = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        return False


class _Pipeline(CompilerBase):  # type: ignore[misc]
    """Numba's way from a function to code, for pieces."""

    def define_pipelines(self) -> list[Any]:
        """Return the only way."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_Parting, TranslateByteCode)
        passes.finalize()
        return [passes]


class Kept:
    """The code of one kernel on disk, one file per signature; takes the place of numba's cache.

    Numba's own numbers the files of a kernel in an index, which two processes may write at once; it
    knows a kernel's file but not those of the kernels that it calls, and takes what it reads as it
    is.

    Parameters
    ----------
    function
        The kernel as it was written.

    Raises
    ------
    RuntimeError
        If there is no folder to write to.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._numba = CompileResultCacheImpl(function)
        self._folder = Path(self._numba.locator.get_cache_path())
        self._name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"

    @property
    def cache_path(self) -> str:
        """The folder, as numba's statistics name it."""
        return str(self._folder)

    @cached_property
    def _stamp(self) -> str:
        """What the kernel is made from, and by whom, as a short checksum."""
        who = (numba.__version__, llvmlite.__version__, sys.implementation.cache_tag)
        text = "\n".join((*map(str, who), *_source(self._function, set())))
        return _CHECKSUM(text.encode()).hexdigest()[:12]

    def path(self, signature: Any, codegen: Any) -> Path:
        """Return the file for a signature (a tuple of types) on this processor."""
        fields = [each.fields for each in signature if isinstance(each, BaseNamedTuple)]
        key = f"{signature}\n{fields}\n{codegen.magic_tuple()}"
        short = _CHECKSUM(key.encode()).hexdigest()[:20]
        return self._folder / f"{self._name}.{self._stamp}.{short}{SUFFIX}"

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the code for a signature; None if it has to be made."""
        context.refresh()
        path = self.path(signature, context.codegen())
        try:
            data = path.read_bytes()
        except OSError:
            return None
        body = data[_LENGTH:]
        if _CHECKSUM(body).digest() == data[:_LENGTH]:
            # What was written whole may still not suit, say after a change by hand to numba.
            with contextlib.suppress(Exception):
                return self._numba.rebuild(context, pickle.loads(body))
        with contextlib.suppress(OSError):
            path.unlink()
        _say(DAMAGED)
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep the code for a signature, if the disk lets it be; drop what has become old."""
        if not self._numba.check_cachable(result):
            return
        path = self.path(signature, result.codegen)
        new = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}")
        body = dumps(self._numba.reduce(result))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(_CHECKSUM(body).digest() + body)
            new.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                new.unlink()
            _say(f"{REFUSED}: {error.strerror or error}")
            return
        for old in path.parent.glob(f"{self._name}.*{SUFFIX}*"):
            if not old.name.startswith(f"{self._name}.{self._stamp}."):
                with contextlib.suppress(OSError):
                    old.unlink()

    def flush(self) -> None:
        """Drop all that is kept of the kernel."""
        for old in self._folder.glob(f"{self._name}.*{SUFFIX}*"):
            with contextlib.suppress(OSError):
                old.unlink()


def kept(function: Callable[..., Any]) -> Kept | NullCache:
    """Return the place where a kernel is kept; one that keeps nothing if no folder can be used."""
    try:
        return Kept(function)
    except (RuntimeError, OSError):
        return NullCache()


def _say(text: str) -> None:
    event.broadcast(event.Event(_FILES, event.EventStatus.START, data=text))


def _source(function: Any, seen: set[Any]) -> Iterator[str]:
    """Yield what decides the machine code of a function, and of those that it calls."""
    if function not in seen:
        seen.add(function)
        yield f"{function.__module__}.{function.__qualname__}"
        yield from _code(function, function.__code__, seen)


def _code(function: Any, code: CodeType, seen: set[Any]) -> Iterator[str]:
    yield repr((code.co_code, code.co_names, code.co_varnames))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(function, constant, seen)
        elif constant != function.__doc__:
            yield repr(constant)
    used = {each.argval for each in dis.get_instructions(code) if each.opname == "LOAD_GLOBAL"}
    for name in sorted(used & function.__globals__.keys()):
        value = function.__globals__[name]
        if isinstance(value, CPUDispatcher):
            yield name
            yield from _source(value.py_func, seen)
        elif isinstance(value, ModuleType):
            yield f"{name} {value.__name__}"
        elif isinstance(value, (int, float, str, np.generic)):
            yield f"{name} {value!r}"
        else:
            raise TypeError(
                f"the kernel {function.__qualname__} uses {name}, a {type(value).__name__}, of "
                f"which its file on disk cannot tell whether it has changed: use a number"
            )


class _Watch(event.Listener):  # type: ignore[misc]
    """Hears when kernels are compiled; see `watched`."""

    def __init__(
        self, tell: Callable[[str], None], begins: Callable[[str], None], ends: Callable[[], None]
    ) -> None:
        self._tell, self._begins, self._ends = tell, begins, ends
        self._depth = 0
        self._damaged = False
        self._collects = gc.isenabled()

    def on_start(self, news: Any) -> None:
        """Say so before a kernel is compiled; take what befell a file."""
        if news.kind == _FILES:
            if news.data == DAMAGED:
                self._damaged = True
            else:
                self._tell(news.data)
            return
        self._depth += 1
        if self._depth > 1:
            return
        compiled = news.data["dispatcher"]
        homeless = isinstance(compiled, _Compiled) and compiled.homeless
        self._begins(DAMAGED if self._damaged else HOMELESS if homeless else FIRST)
        # The compiler makes objects by the million, and hardly any to collect.
        self._collects = gc.isenabled()
        gc.disable()

    def on_end(self, news: Any) -> None:
        """Collect garbage again once it is compiled."""
        self._depth -= 1
        if self._depth > 0:
            return
        if self._collects:
            gc.enable()
        self._ends()


@contextlib.contextmanager
def watched(
    tell: Callable[[str], None], begins: Callable[[str], None], ends: Callable[[], None]
) -> Iterator[None]:
    """Have it told within the context when kernels are compiled.

    Parameters
    ----------
    tell
        Called with a line of text where compiled code cannot be kept.
    begins
        Called with a line of text before a kernel is compiled; not if its code is found on disk.
    ends
        Called once it is compiled.
    """
    watch = _Watch(tell, begins, ends)
    with event.install_listener(_COMPILES, watch), event.install_listener(_FILES, watch):
        yield
