"""Generated families: the same from a seed everywhere, and to their recipes."""

from __future__ import annotations

import numpy as np
import pytest

from optimiser.errors import UsageError
from optimiser.model.instance import BLANK, IN_HOUSE_CODE, NOWHERE
from optimiser.solvers.session import solve
from optimiser.studies.generate import FAMILIES, families, generate

OURS = ("regional", "oversight", "staircase", "schools", "everything")
SMALL = {"organisations": 30, "services": 4, "centres": 6, "co_operatives": 9}
LARGE = {"organisations": 300, "services": 8, "centres": 40, "co_operatives": 200}


def sizes(family):
    small = {"cornuejols": {"organisations": 20, "centres": 10},
             "koerkel-ghosh": {"organisations": 20},
             "yang": {"organisations": 20, "centres": 10}}  # fmt: skip
    return small.get(family, SMALL)


def number(instance, table, column):
    """Column as floats in its own unit, blanks NaN."""
    return instance.frame(table)[column].to_numpy()


@pytest.fixture(scope="module")
def large():
    return generate("regional", seed=3, **LARGE)


@pytest.fixture(scope="module")
def full():
    return generate("everything", seed=1, **LARGE)


@pytest.mark.parametrize("family", FAMILIES)
class TestEveryFamily:
    def test_a_seed_gives_the_same_instance_again(self, family):
        one, two = (generate(family, seed=5, **sizes(family)) for _ in range(2))
        assert one.hash == two.hash

    def test_another_seed_gives_another_instance(self, family):
        one, two = (generate(family, seed=seed, **sizes(family)) for seed in (5, 6))
        assert one.hash != two.hash

    def test_sizes_are_kept(self, family):
        given = sizes(family)
        instance = generate(family, **given)
        assert len(instance["organisations"]) == given["organisations"]
        assert len(instance["services"]) == given.get("services", 1)
        expected = given.get("centres", given["organisations"]) + given.get("co_operatives", 0)
        assert len(instance["providers"]) == expected

    def test_defaults_are_as_listed(self, family):
        _, defaults = families()[family]
        assert generate(family).hash == generate(family, **defaults).hash

    def test_the_title_names_family_and_seed(self, family):
        title = generate(family, seed=7, **sizes(family)).settings.title
        assert title.startswith(family)
        assert title.endswith("seed 7")


class TestArguments:
    def test_an_unknown_family_is_refused_with_those_there_are(self):
        with pytest.raises(UsageError, match="regional"):
            generate("regoinal")

    def test_an_unknown_size_is_refused_with_those_there_are(self):
        with pytest.raises(UsageError, match="co_operatives"):
            generate("regional", towns=3)

    @pytest.mark.parametrize(
        ("family", "size"),
        [
            ("regional", {"organisations": 0}),
            ("regional", {"organisations": -4}),
            ("regional", {"centres": -1}),
            ("regional", {"organisations": 2.5}),
            ("regional", {"services": "four"}),
            ("cornuejols", {"ratio": 0.0}),
            ("cornuejols", {"centres": 0}),
            ("koerkel-ghosh", {"cost_class": "d"}),
            ("koerkel-ghosh", {"symmetric": 1}),
        ],
    )
    def test_a_size_that_makes_no_sense_is_refused(self, family, size):
        with pytest.raises(UsageError):
            generate(family, **size)

    def test_a_negative_seed_is_refused(self):
        with pytest.raises(UsageError, match="seed"):
            generate("regional", seed=-1)

    @pytest.mark.parametrize("family", OURS)
    @pytest.mark.parametrize(
        "size",
        [{"services": 1}, {"centres": 0}, {"co_operatives": 0},
         {"organisations": 1, "services": 2}, {"centres": 0, "co_operatives": 0}],
    )  # fmt: skip
    def test_extreme_sizes_still_make_an_instance(self, family, size):
        for seed in range(3):
            assert generate(family, seed=seed, **{**SMALL, **size}) is not None


class TestRegional:
    def test_nine_pairs_of_ten_need_the_service(self, large):
        assert len(large["demand"]) / (300 * 8) == pytest.approx(0.9, abs=0.02)

    def test_volumes_are_around_the_median_population(self, large):
        assert np.median(number(large, "demand", "volume")) == pytest.approx(140, rel=0.1)

    def test_each_sees_its_nearest_twelve_centres_and_four_co_operatives(self, large):
        contracts, providers = large["contracts"], large["providers"]
        centre = (providers["mode"] == "shared-centre")[contracts["provider"]]
        seen = np.bincount(contracts["organisation"], weights=centre)
        assert (seen == 12).all()
        assert (np.bincount(contracts["organisation"]) == 16).all()
        place = large.frame("organisations")[["x_km", "y_km"]].to_numpy()
        site = large.frame("providers")[["x_km", "y_km"]].to_numpy()
        for organisation in range(0, 300, 37):
            km = np.hypot(*(site - place[organisation]).T)
            mine = contracts["provider"][contracts["organisation"] == organisation]
            for chosen, mode in ((12, "shared-centre"), (4, "co-operative")):
                rows = np.flatnonzero(providers["mode"] == mode)
                nearest = rows[np.argsort(km[rows])[:chosen]]
                assert set(nearest) <= set(mine)

    def test_options_are_offers_of_providers_seen(self, large):
        options, demand = large["options"], large["demand"]
        assert (large["offers"].find(options["provider"], options["service"]) >= 0).all()
        assert (demand.find(options["organisation"], options["service"]) >= 0).all()
        assert (large["contracts"].find(options["organisation"], options["provider"]) >= 0).all()
        assert len(options) / len(demand) == pytest.approx(12 * 0.85 + 4 * 0.4, rel=0.05)

    def test_costs_keep_their_ranges(self, large):
        centre = large["providers"]["mode"] == "shared-centre"
        running = number(large, "providers", "running_cost")
        assert running[centre].min() >= 600_000
        assert running[centre].max() <= 2_000_000
        assert running[~centre].min() >= 20_000
        assert running[~centre].max() <= 80_000
        cost = number(large, "contracts", "contract_cost")
        at_centre = centre[large["contracts"]["provider"]]
        assert 10_000 <= cost[at_centre].min() <= cost[at_centre].max() <= 25_000
        assert 15_000 <= cost[~at_centre].min() <= cost[~at_centre].max() <= 40_000

    def test_capacities_are_shares_of_all_demand(self, large):
        offers, demand = large["offers"], large["demand"]
        total = np.bincount(demand["service"], weights=number(large, "demand", "volume"))
        centre = (large["providers"]["mode"] == "shared-centre")[offers["provider"]]
        share = number(large, "offers", "capacity") / total[offers["service"]]
        share *= np.where(centre, 40, 300)
        assert share.min() >= 2 - 1e-6
        assert share[centre].max() <= 4 + 1e-6
        assert share[~centre].max() <= 5 + 1e-6

    def test_each_offer_has_three_lines_cheaper_by_the_unit_and_dearer_to_start(self, large):
        unit = number(large, "tariffs", "unit_cost").reshape(-1, 3)
        fixed = number(large, "tariffs", "fixed_cost").reshape(-1, 3)
        tariffs = large["tariffs"]
        centre = (large["providers"]["mode"] == "shared-centre")[tariffs["provider"][::3]]
        factor = np.where(centre, 0.86, 0.94)
        np.testing.assert_allclose(unit[:, 1:] / unit[:, :-1], np.stack([factor] * 2, 1), rtol=1e-5)
        np.testing.assert_allclose(fixed[:, 1:] / fixed[:, :-1], 2.6, rtol=1e-5)
        np.testing.assert_allclose(
            fixed[:, 0] / unit[:, 0], np.where(centre, 120 / 0.82, 8 / 0.80), rtol=1e-5
        )

    def test_access_is_paid_by_the_km_and_includes_monitoring(self, large):
        options, demand = large["options"], large["demand"]
        tariffs = large["tariffs"]
        centre = large["providers"]["mode"] == "shared-centre"
        # The base price of a service: the mean over its offers, each within ±10 % of it.
        first = number(large, "tariffs", "unit_cost")[::3]
        base = first / np.where(centre[tariffs["provider"][::3]], 0.82, 0.80)
        of = tariffs["service"][::3]
        price = np.bincount(of, weights=base) / np.bincount(of)
        pair = demand.find(options["organisation"], options["service"])
        value = price[options["service"]] * number(large, "demand", "volume")[pair]
        place = large.frame("organisations")[["x_km", "y_km"]].to_numpy()
        site = large.frame("providers")[["x_km", "y_km"]].to_numpy()
        km = np.hypot(*(place[options["organisation"]] - site[options["provider"]]).T)
        share = 0.0006 * km + np.where(centre[options["provider"]], 0.025, 0.06)
        paid = number(large, "options", "access_cost")
        np.testing.assert_allclose(paid / (value * share), 1, atol=0.05)

    def test_in_house_has_a_fixed_part_and_a_part_by_volume(self, large):
        tariffs, demand = large["tariffs"], large["demand"]
        centre = large["providers"]["mode"] == "shared-centre"
        base = number(large, "tariffs", "unit_cost")[::3] / np.where(
            centre[tariffs["provider"][::3]], 0.82, 0.80
        )
        of = tariffs["service"][::3]
        price = (np.bincount(of, weights=base) / np.bincount(of))[demand["service"]]
        volume, cost = number(large, "demand", "volume"), number(large, "demand", "in_house_cost")
        assert (cost / price > (0.25 * 140 * 0.7 + 0.85 * volume) * 0.97).all()
        assert (cost / price < (0.25 * 140 * 1.3 + 1.2 * volume) * 1.03).all()


class TestStaircase:
    def test_bands_are_blocks_with_overtime_from_the_normal_capacity(self):
        regional, stairs = (generate(family, **SMALL) for family in ("regional", "staircase"))
        normal = number(regional, "offers", "capacity")
        np.testing.assert_allclose(number(stairs, "offers", "capacity"), 1.2 * normal, rtol=1e-4)
        upper = number(stairs, "tariffs", "to_volume").reshape(-1, 4)
        lower = number(stairs, "tariffs", "from_volume").reshape(-1, 4)
        blocks = np.outer(normal, [1 / 3, 2 / 3, 1, 1.2])
        np.testing.assert_allclose(upper, blocks, rtol=1e-4)
        assert (lower[:, :3] == 0).all()
        np.testing.assert_array_equal(lower[:, 3], normal)

    def test_prices_follow_the_regional_middle_band(self):
        regional, stairs = (generate(family, **SMALL) for family in ("regional", "staircase"))
        price = number(regional, "tariffs", "unit_cost").reshape(-1, 3)[:, 1]
        half = number(regional, "tariffs", "fixed_cost").reshape(-1, 3)[:, 1] / 2
        full = number(regional, "offers", "capacity")
        unit = number(stairs, "tariffs", "unit_cost").reshape(-1, 4)
        fixed = number(stairs, "tariffs", "fixed_cost").reshape(-1, 4)
        np.testing.assert_allclose(unit, np.outer(price, [1, 0.94, 0.90, 1.05]), rtol=1e-5)
        np.testing.assert_allclose(fixed[:, :3], np.outer(half, [1, 1.9, 2.7]), rtol=1e-5)
        np.testing.assert_allclose(fixed[:, 3], 2.7 * half - 0.1 * price * full, atol=0.1)

    def test_a_volume_in_overtime_costs_more_than_nothing(self):
        stairs = generate("staircase", **SMALL)
        tariffs = stairs.frame("tariffs")
        least = tariffs.fixed_cost + tariffs.unit_cost * tariffs.from_volume
        assert (least > 0).all()


class TestOversight:
    def test_it_is_regional_without_monitoring(self):
        one, two = (generate(family, seed=2, **SMALL) for family in ("regional", "oversight"))
        for table in ("demand", "tariffs", "contracts", "providers"):
            for column in ("volume", "in_house_cost", "unit_cost", "contract_cost", "running_cost"):
                if column in one[table].columns:
                    np.testing.assert_array_equal(one[table][column], two[table][column])
        more = one["options"]["access_cost"] - two["options"]["access_cost"]
        assert (more > 0).all()

    def test_an_authority_answers_for_each_town(self):
        instance = generate("oversight", **LARGE)
        assert len(instance["authorities"]) == 12
        assert (instance["organisations"]["authority"] >= 0).all()

    def test_hours_keep_their_ranges(self):
        instance = generate("oversight", **LARGE)
        centre = instance["providers"]["mode"] == "shared-centre"
        contract = number(instance, "providers", "contract_hours")
        service = number(instance, "offers", "service_hours")
        at_centre = centre[instance["offers"]["provider"]]
        in_house = number(instance, "demand", "in_house_hours")
        for values, low, high in (
            (contract[centre], 60, 120),
            (contract[~centre], 120, 260),
            (service[at_centre], 20, 60),
            (service[~at_centre], 60, 160),
            (in_house, 20, 80),
        ):
            assert low <= values.min() <= values.max() <= high

    def test_officers_suffice_for_nearest_centres_with_three_tenths_to_spare(self):
        instance = generate("oversight", **SMALL)
        frame = instance.frame("options").merge(
            instance.frame("providers")[["provider", "mode", "x_km", "y_km", "contract_hours"]]
        )
        frame = frame[frame["mode"] == "shared-centre"].merge(
            instance.frame("organisations")[["organisation", "authority", "x_km", "y_km"]],
            on="organisation",
        )
        frame = frame.merge(instance.frame("offers")[["provider", "service", "service_hours"]])
        frame["km"] = np.hypot(frame.x_km_x - frame.x_km_y, frame.y_km_x - frame.y_km_y)
        frame = frame.sort_values("km").drop_duplicates(["organisation", "service"])
        hours = frame.groupby("authority").service_hours.sum()
        contracts = frame.drop_duplicates(["organisation", "provider"])
        hours = hours + contracts.groupby("authority").contract_hours.sum()
        served = len(frame) == len(instance["demand"])
        most = instance.frame("authorities").set_index("authority").max_officers
        needed = np.ceil(1.3 * hours / 1600)
        assert served
        assert (most[needed.index] == needed).all()


class TestSchools:
    def test_bodies_are_small_and_need_eight_services_of_ten(self):
        instance = generate("schools", organisations=2000, co_operatives=200)
        assert len(instance["demand"]) / (2000 * 6) == pytest.approx(0.8, abs=0.02)
        assert np.median(number(instance, "organisations", "staff")) == pytest.approx(60, abs=5)

    def test_co_operatives_have_members_and_reach_and_centres_have_not(self):
        instance = generate("schools")
        providers = instance["providers"]
        centre = providers["mode"] == "shared-centre"
        assert (providers["min_members"][~centre] == 5).all()
        assert (providers["max_members"][~centre] == 40).all()
        assert (providers["max_members"][centre] == BLANK).all()
        options = instance.frame("options").merge(instance.frame("providers"), on="provider")
        options = options.merge(instance.frame("organisations"), on="organisation")
        km = np.hypot(options.x_km_x - options.x_km_y, options.y_km_x - options.y_km_y)
        local = (options["mode"] == "co-operative").to_numpy()
        assert km[local].max() <= 15
        seen = options[local].groupby("organisation").provider.nunique()
        assert seen.max() <= 8
        assert options[~local].groupby("organisation").provider.nunique().max() <= 6

    def test_twenty_thousand_schools_come_well_within_a_minute(self):
        import time

        start = time.process_time()
        instance = generate(
            "schools", organisations=20_000, services=6, centres=100, co_operatives=2_000
        )
        assert time.process_time() - start < 40
        assert len(instance["options"]) > 700_000


class TestEverything:
    @pytest.fixture
    def instance(self, full):
        return full

    def test_every_third_provider_exists(self, instance):
        status = instance["providers"]["status"]
        assert (status[::3] == "existing").all()
        assert (np.delete(status, np.s_[::3]) == "candidate").all()

    def test_six_pairs_of_ten_have_an_incumbent(self, instance):
        incumbent = instance["demand"]["incumbent"]
        assert (incumbent != NOWHERE).mean() == pytest.approx(0.6, abs=0.04)
        held = incumbent[incumbent >= 0]
        assert len(held) > 300
        assert (held % 3 == 0).all()
        assert (incumbent == IN_HOUSE_CODE).any()

    def test_an_incumbent_is_an_option_of_its_pair(self, instance):
        key = ["organisation", "service"]
        demand = instance.frame("demand").rename(columns={"incumbent": "provider"})
        held = demand[~demand.provider.isin(["", "in-house"])]
        assert len(held.merge(instance.frame("options"), on=[*key, "provider"])) == len(held)

    def test_moving_costs_shares_of_the_value(self, instance):
        entry = number(instance, "options", "entry_cost")
        exit_cost = number(instance, "demand", "exit_cost")
        pair = instance["demand"].find(
            instance["options"]["organisation"], instance["options"]["service"]
        )
        held = instance["demand"]["incumbent"][pair] != NOWHERE
        np.testing.assert_allclose(exit_cost[pair][held], 2 * entry[held], atol=0.02)
        assert (exit_cost[pair][~held] == 0).all()

    def test_one_offs_are_taken_from_running_costs(self, instance):
        providers = instance.frame("providers")
        stands = providers.status == "existing"
        assert (providers.closing_cost[stands] == providers.running_cost[stands]).all()
        assert (providers.opening_cost[~stands] == providers.running_cost[~stands]).all()
        running = number(instance, "providers", "running_cost")[instance["offers"]["provider"]]
        share = number(instance, "offers", "set_up_cost") / running
        assert share.min() >= 0.1 - 1e-6
        assert share.max() <= 0.5 + 1e-6

    def test_capacities_are_pooled_and_volumes_have_a_least(self, instance):
        capacity = number(instance, "offers", "capacity")
        pooled = np.bincount(instance["offers"]["provider"], weights=capacity, minlength=240)
        np.testing.assert_allclose(
            number(instance, "providers", "capacity"), 0.7 * pooled, atol=1e-3
        )
        np.testing.assert_allclose(
            number(instance, "offers", "min_volume"), 0.1 * capacity, atol=1e-3
        )

    def test_links_and_policies_are_those_of_the_recipe(self, instance):
        assert instance["links"]["rule"].tolist() == ["together", "split-cost"]
        policies = instance.frame("policies").set_index("measure")
        assert policies.maximum["volume"] == 0.5
        assert policies.scope["volume"] == "each-provider"
        assert policies.minimum["pairs"] == 0.1
        assert policies["mode"]["pairs"] == "co-operative"
        held = int((instance["demand"]["incumbent"] != NOWHERE).sum())
        assert policies.maximum["moved_pairs"] == int(0.6 * held)

    @pytest.mark.parametrize("seed", range(3))
    def test_a_plan_keeps_all_its_rules_at_the_default_sizes(self, seed):
        instance = generate("everything", seed=seed)
        result = solve(instance, solver="highs", gap=0.2, time_limit=120)
        assert result.status in ("optimal", "feasible")
        assert not result.account.violations


class TestPublished:
    def test_cornuejols_has_the_ratio_asked_for(self):
        instance = generate("cornuejols", organisations=100, centres=50, ratio=3.0)
        capacity, demand = (
            number(instance, "offers", "capacity"),
            number(instance, "demand", "volume"),
        )
        assert capacity.sum() / demand.sum() == pytest.approx(3, rel=0.02)
        assert demand.min() >= 5
        assert demand.max() <= 35
        assert instance.settings.split

    def test_yang_looks_like_the_published_files(self):
        instance = generate("yang", organisations=200, centres=30, ratio=1.8)
        capacity = number(instance, "offers", "capacity")
        fixed = number(instance, "providers", "running_cost")
        demand = number(instance, "demand", "volume")
        cost = number(instance, "options", "access_cost").reshape(200, 30) / demand[:, None]
        assert capacity.sum() / demand.sum() == pytest.approx(1.8, rel=0.01)
        assert (fixed / np.sqrt(capacity)).min() >= 99
        assert (fixed - 110 * np.sqrt(capacity)).max() <= 90
        assert cost.max() <= 14.2
        assert cost.mean() == pytest.approx(5.2, abs=0.6)
        assert not instance.settings.split

    @pytest.mark.parametrize(("kind", "low", "high"), [("a", 100, 200), ("b", 1000, 2000),
                                                       ("c", 10_000, 20_000)])  # fmt: skip
    def test_koerkel_ghosh_classes_differ_in_fixed_costs_alone(self, kind, low, high):
        instance = generate("koerkel-ghosh", organisations=60, cost_class=kind)
        fixed = number(instance, "providers", "running_cost")
        cost = number(instance, "options", "access_cost")
        assert low <= fixed.min() <= fixed.max() <= high
        assert 1000 <= cost.min() <= cost.max() <= 2000
        assert (instance["offers"]["capacity"] == BLANK).all()

    def test_koerkel_ghosh_is_symmetric_where_asked(self):
        for symmetric in (True, False):
            instance = generate("koerkel-ghosh", organisations=40, symmetric=symmetric)
            cost = number(instance, "options", "access_cost").reshape(40, 40)
            assert (cost == cost.T).all() == symmetric

    @pytest.mark.parametrize("family", ["cornuejols", "koerkel-ghosh", "yang"])
    def test_nothing_can_be_done_in_house(self, family):
        instance = generate(family, **sizes(family))
        assert (instance["demand"]["in_house_cost"] == BLANK).all()


@pytest.mark.parametrize(
    ("family", "size"),
    [("regional", {"organisations": 10**20}), ("yang", {"ratio": 1e308})],
)
def test_sizes_beyond_reason_are_refused(family, size):
    """A size that no machine holds is named, instead of ending in a fault."""
    with pytest.raises(UsageError, match=f"{next(iter(size))} must be at most"):
        generate(family, **size)
