"""The benchmark evaluates given figures correctly."""

from pathlib import Path
from uuid import UUID

import pytest

from tests.benchmarks import gate
from tests.benchmarks.figures import median, percentile, rate
from tests.benchmarks.measures.workers import out_of_order
from tests.benchmarks.registry import UnknownMeasureError, chosen
from tests.benchmarks.results import END, START, Results
from tests.benchmarks.row import Row


def row(value: float, bound: float | None = 100, *, lower: bool = True) -> Row:
    return Row("wait | all", value, "ms", "lower" if lower else "higher", bound, "bare")


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert [percentile(values, percent) for percent in (1, 50, 99, 100)] == [1, 50, 99, 100]
    assert percentile([7], 99) == 7


def test_a_median_of_two_lies_between_them() -> None:
    assert median([3, 1, 2]) == 2
    assert median([4, 1]) == 2.5


def test_a_rate_counts_neither_the_start_nor_the_last_stragglers() -> None:
    slow_ends = [(0.0, 0.0), (10.0, 0.0), (10.0, 100.0), (18.0, 900.0), (40.0, 1000.0)]
    assert rate(slow_ends, 1000) == pytest.approx(100)


@pytest.mark.parametrize(("worse", "holds"), [(0.24, True), (0.26, False), (-0.5, True)])
def test_a_gate_holds_at_24_percent_worse_and_fails_at_26(worse: float, *, holds: bool) -> None:
    for now in (row(200 * (1 + worse)), row(200 * (1 - worse), lower=False)):
        (verdict,) = gate.judge({now.measure: 2.0}, gate.ratios([[now], [now], [now]]))
        assert verdict.worse == pytest.approx(worse)
        assert verdict.holds is holds


def test_a_gate_takes_medians_and_leaves_out_the_slowest_few_and_what_has_no_bound() -> None:
    runs = [
        [row(value), Row("size", 1, "MB", "lower"), Row("wait, p99", 1, "s", "lower", 1)]
        for value in (300, 100, 900)
    ]
    assert gate.ratios(runs) == {"wait | all": (3.0, "lower")}


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    results = Results({"chain": {"machine": "two cores"}}, {"chain": [row(1), row(2, None)]}, {"wait": 1.5})
    results.write(tmp_path / "results.json")
    assert Results.read(tmp_path / "results.json") == results
    assert Results.read(tmp_path / "absent.json") == Results()


def test_a_new_table_leaves_the_words_around_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n\n{START}\nold\n{END}\n\nAfter.\n")
    Results({"chain": {"machine": "two cores"}}, {"chain": [row(1234)]}).write_page(page)
    text = page.read_text()
    assert text.startswith("Before.\n\n")
    assert text.endswith("After.\n")
    assert "old" not in text
    assert "1,234 ms" in text
    assert "wait \\| all" in text
    assert "two cores" in text


def test_places_of_one_key_that_fall_back_are_found() -> None:
    one, other = UUID(int=1), UUID(int=2)
    assert out_of_order([(one, 1), (other, 5), (one, 2), (other, 6)]) == set()
    assert out_of_order([(one, 2), (other, 5), (one, 1), (other, 5)]) == {one, other}


def test_a_measure_that_is_not_known_is_misuse() -> None:
    with pytest.raises(UnknownMeasureError, match="chain, crowd, drain"):
        chosen(["chian"])
    assert list(chosen(["drain", "chain"])) == ["chain", "drain"]
