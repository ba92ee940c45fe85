"""Solvers that do nothing but bound services apart, as the engine does on the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from optimiser.model.clean import clean
from optimiser.model.compile import compile_problem
from optimiser.model.plan import Plan
from optimiser.solvers.base import Availability, Capabilities, Event, Options, Outcome
from optimiser.solvers.decomposition.crew import Crew
from optimiser.solvers.decomposition.relaxation import Ascent, Relaxation
from optimiser.solvers.decomposition.searching import Search, pulls
from optimiser.solvers.decomposition.services import Services
from optimiser.solvers.milp.formulation import Formulation
from optimiser.studies.generate import generate

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimiser.model.instance import Instance
    from optimiser.model.problem import Problem


def instance() -> Instance:
    """Four services that do not close at once."""
    return generate("regional", seed=0, organisations=14, services=4, centres=5, co_operatives=6)


def problem() -> Problem:
    """The same, compiled and cleaned."""
    return clean(compile_problem(instance()))[0]


def prepared(problem: Problem, crew: Crew, limit: float = float("inf")) -> tuple[Services, Search]:
    """Services before their first step, and a search that has a plan."""
    formulation = Formulation(problem)
    relaxation = Relaxation(formulation)
    ascent = Ascent(relaxation, relaxation.prices())
    search = Search(problem, pulls(relaxation, ascent.multipliers), 0)
    search.start(search.choices(Plan.of(())))
    for _ in range(3):
        ascent.run(100, search.value)
        search.venture(ascent)
        search.explore(500)
    services = Services(relaxation, ascent.multipliers, 0, time.monotonic() + limit, crew)
    vector = formulation.encode(search.plan())
    assert vector is not None
    services.learn(vector)
    return services, search


class Apart:
    """Takes three steps of the prices; its outcome has the bound that came of them."""

    name = "apart"
    capabilities = Capabilities(executor=True)
    nodes, steps = 150, 3

    def availability(self) -> Availability:
        """It is always there."""
        return Availability(installed=True, version="0")

    def solve(self, problem: Problem, options: Options, emit: Callable[[Event], None]) -> Any:
        """Bound the services, and tell each step's bound."""
        began = time.monotonic()
        limit = options.time_limit or float("inf")

        def seconds() -> float:
            return time.monotonic() - began

        crew = Crew(
            options.executor, lambda text: emit(Event(time=seconds(), phase=text)),
            lambda: limit - seconds(),
        )
        services, search = prepared(problem, crew, limit)
        plan, objective = search.plan(), search.value
        emit(Event(time=seconds(), plan=plan, objective=objective, phase="at work"))
        for _ in range(self.steps):
            services.step(objective, self.nodes, lambda: seconds() > limit)
            if seconds() > limit:
                break
            emit(Event(time=seconds(), bound=services.bound))
        bound = services.bound if services.bound > -float("inf") else None
        return Outcome(reason="limit", plan=plan, objective=objective, bound=bound)


class Endless(Apart):
    """Has more to do than anyone waits for."""

    nodes, steps = 10**7, 10**7
