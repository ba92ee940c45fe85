"""A small valid instance as tables of columns, which tests change one thing at a time."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

Tables = dict[str, dict[str, list[Any]]]

_TABLES: Tables = {
    "authorities": {
        "authority": ["North", "South"],
        "hour_cost": ["40", ""],
        "officer_hours": ["1500", ""],
        "officer_cost": ["52000", ""],
        "span_of_control": ["6", ""],
        "manager_cost": ["70000", ""],
    },
    "organisations": {
        "organisation": ["Ash", "Birch", "Cedar"],
        "name": ["Ash Council", "", "Cedar, City of"],
        "authority": ["North", "North", ""],
        "staff": ["120.5", "80", "300"],
        "x_km": ["0", "3", "10.5"],
        "y_km": ["0", "4", "-2"],
    },
    "services": {
        "service": ["HR", "Payroll"],
        "unit": ["staff", "payslips"],
        "weight": ["", "0.5"],
        "access_rate": ["0.25", ""],
    },
    "providers": {
        "provider": ["Hub", "Coop"],
        "mode": ["shared-centre", "co-operative"],
        "status": ["", ""],
        "decision": ["", ""],
        "x_km": ["1", ""],
        "y_km": ["1", ""],
        "running_cost": ["100000", ""],
        "capacity": ["5000", ""],
        "min_members": ["1", ""],
        "max_members": ["3", ""],
    },
    "demand": {
        "organisation": ["Ash", "Ash", "Birch", "Cedar"],
        "service": ["HR", "Payroll", "HR", "HR"],
        "volume": ["100.5", "1200", "80", "300"],
        "in_house_cost": ["50000", "30000.55", "", "90000"],
        "baseline_cost": ["", "", "41000", ""],
        "incumbent": ["in-house", "", "Hub", "Coop"],
        "exit_cost": ["1000", "", "", ""],
    },
    "offers": {
        "provider": ["Hub", "Hub", "Coop"],
        "service": ["HR", "Payroll", "HR"],
        "capacity": ["1000", "", ""],
        "min_volume": ["10", "", ""],
    },
    "tariffs": {
        "provider": ["Hub", "Hub", "Hub", "Coop"],
        "service": ["HR", "HR", "Payroll", "HR"],
        "band": ["1", "2", "1", "1"],
        "from_volume": ["", "200", "", ""],
        "to_volume": ["", "900", "", ""],
        "fixed_cost": ["0", "-500", "1000", ""],
        "unit_cost": ["300", "250.123456", "2.5", "320"],
    },
    "options": {
        "organisation": ["Ash", "Birch", "Cedar", "Ash"],
        "service": ["HR", "HR", "HR", "Payroll"],
        "provider": ["Hub", "Coop", "in-house", "Hub"],
        "access_cost": ["500", "", "", ""],
        "decision": ["", "", "barred", ""],
    },
    "contracts": {"organisation": ["Ash"], "provider": ["Hub"], "contract_cost": ["2500"]},
    "links": {
        "service_a": ["HR", "HR"],
        "service_b": ["Payroll", "Payroll"],
        "rule": ["split-cost", "apart"],
        "cost": ["900", ""],
        "organisation": ["", "Ash"],
    },
    "policies": {
        "policy": ["cover", "few"],
        "measure": ["staff_covered", "open_providers"],
        "service": ["Payroll; HR", ""],
        "minimum": ["0.25", ""],
        "maximum": ["", "2"],
    },
}


def small_tables() -> Tables:
    """Return the tables anew."""
    return deepcopy(_TABLES)


def small_settings() -> dict[str, Any]:
    """Return settings anew, some of them not the default."""
    return {
        "title": 'Small "test" = one',
        "currency": "EUR",
        "price_year": 2024,
        "horizon": {"years": 7, "discount_rate": 0.1},
        "distance": {"detour": "1.3"},
        "options": {"generate": True},
        "oversight": {"hour_cost": 35.5},
        "objective": {"oversight_hours": 1.5},
    }
