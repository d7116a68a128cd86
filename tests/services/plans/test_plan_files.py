"""Response plans: the operator's files, read with every error named, and chosen by kind."""

from pathlib import Path

import pytest

from dispatch.services.plans.plan_files import PlanProblem, PlansError, load
from schemas.escalations import EscalationRaised
from tests.domain.builders import ask, at, incident, tick_until

DEFAULT = "name: default\ntitle: { fr: Rien, en: Nothing }\n"
FALL = """\
name: fall
title: { fr: Chute, en: Fall }
kinds: [medical.fall]
seats:
  - { role: helper, skills: [lifting], count: 1 }
steps:
  - { after_s: 60, level: 1, do: page }
"""


def _folder(tmp_path: Path, **files: str) -> Path:
    for name, text in ({"default": DEFAULT} | files).items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def _problems(folder: Path) -> list[PlanProblem]:
    with pytest.raises(PlansError) as refused:
        load(folder)
    return refused.value.problems


def _one(tmp_path: Path, text: str) -> PlanProblem:
    (problem,) = _problems(_folder(tmp_path, fall=text))
    assert problem.file == str(tmp_path / "fall.yaml")
    return problem


def _seen(problem: PlanProblem) -> tuple[int, str]:
    return problem.line, problem.field


def test_the_shipped_plans_are_four_and_have_no_error() -> None:
    assert {plan.name for plan in load(None).plans} == {
        "cardiac-arrest",
        "default",
        "fire-crew",
        "watch-notice",
    }


def test_a_kind_written_out_beats_the_longest_pattern_which_beats_the_default(tmp_path: Path) -> None:
    texts = {
        "exact": FALL.replace("name: fall", "name: exact").replace("medical.fall", "medical.fall.stairs"),
        "long": FALL.replace("name: fall", "name: long").replace("medical.fall", "medical.fall.*"),
        "short": FALL.replace("name: fall", "name: short").replace("medical.fall", "medical.*"),
    }
    book = load(_folder(tmp_path, **texts))
    kinds = (
        "medical.fall.stairs",
        "medical.fall.bed",
        "medical.burn",
        "medical",
        "medicalised.burn",
        "other",
    )
    chosen = [book.choose(kind).name for kind in kinds]
    assert chosen == ["exact", "long", "short", "default", "default", "default"]


def test_the_default_plan_asks_nobody_and_requires_the_professionals() -> None:
    plan = load(None).choose("never.heard.of")
    assert (plan.name, plan.seats, plan.professional) == ("default", (), "required")


def test_a_fire_service_calls_a_crew_of_six_of_its_own() -> None:
    plan = load(None).choose("fire.structure")
    assert {(s.role, s.count) for s in plan.seats} == {("driver", 1), ("crew_leader", 1), ("firefighter", 4)}
    assert plan.engagement == "crew"
    assert "fire" not in plan.forbidden_hazards


def test_a_watch_notice_informs_in_the_planned_lane() -> None:
    plan = load(None).choose("watch.odour")
    assert (plan.engagement, plan.lane, plan.search.min_age) == ("notice", "planned", 18)


def test_a_cardiac_arrest_that_nobody_answers_is_escalated_within_60_s() -> None:
    plan = load(None).choose("medical.cardiac_arrest")
    asked = ask(incident(plan), 7)
    events = tick_until(asked, at(60))
    assert [e.reason for e in events if isinstance(e, EscalationRaised)] == ["uncovered"]


@pytest.mark.parametrize("kind", ["medical.cardiac_arrest", "fire.structure", "watch.odour"])
def test_a_shipped_plan_pages_somebody_before_it_has_no_more_steps(kind: str) -> None:
    plan = load(None).choose(kind)
    # The test begins at nine in the evening: what is planned waits until eight.
    quiet_s = 11 * 3600 if plan.lane == "planned" else 0
    events = tick_until(ask(incident(plan), 7), at(quiet_s + plan.steps[-1].after_s + 1))
    assert any(isinstance(e, EscalationRaised) and e.page for e in events)


def test_every_error_of_every_file_is_named_at_once(tmp_path: Path) -> None:
    fall = FALL.replace("count: 1", "count: none").replace("after_s", "after")
    fire = FALL.replace("name: fall", "name: fire").replace("medical.fall", "Fire!")
    problems = _problems(_folder(tmp_path, fall=fall, fire=fire))
    found = {(Path(problem.file).name, *_seen(problem)) for problem in problems}
    assert found == {
        ("fall.yaml", 5, "seats[0].count"),
        ("fall.yaml", 7, "steps[0].after"),
        ("fall.yaml", 7, "steps[0].after_s"),
        ("fire.yaml", 3, "kinds[0]"),
    }


def test_a_misspelt_field_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    problem = _one(tmp_path, FALL + "offers:\n  windows_s: 60\n")
    assert _seen(problem) == (9, "offers.windows_s")
    assert problem.message == "unknown field; is `window_s` meant?"
    assert str(problem).startswith(f"{tmp_path}/fall.yaml:9: offers.windows_s: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FALL + "crew: true\n", "crew: this is written `engagement: crew` now"),
        (FALL + "informs: true\n", "informs: this is written `engagement: notice` now"),
        (
            FALL.replace("skills: [lifting]", "skill: lifting"),
            "seats[0].skill: this is written `skills: [first_aid]` now",
        ),
        (FALL.replace("do: page", "page: true"), "steps[0].page: this is written `do: page` now"),
    ],
)
def test_a_field_of_an_older_version_is_answered_with_what_to_write(
    tmp_path: Path, text: str, message: str
) -> None:
    assert str(_one(tmp_path, text)).partition(": ")[2] == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            FALL.replace("role: helper", "role: Chef"),
            (
                "seats[0].role: must be up to 64 lower-case letters, digits, `_`, `.` or `-`, such as medical.fall or "
                "crew_leader; there is 'Chef'"
            ),
        ),
        (
            FALL.replace("{ fr: Chute, en: Fall }", "{ fr: Chute }"),
            "title: must have 2 entries at least; for example { fr: Chute, en: Fall }",
        ),
        (
            FALL.replace("count: 1", "count: two"),
            "seats[0].count: must be a whole number; there is 'two'; for example 2",
        ),
        (
            FALL.replace("level: 1", "level: 9"),
            "steps[0].level: must be 5 or less; there is 9; for example 2",
        ),
        (
            FALL + "lane: quick\n",
            "lane: must be urgent, planned or drill; there is 'quick'; for example planned",
        ),
        (
            FALL.replace("en: Fall", "en: Fall, de: Sturz"),
            "title.de: must be fr or en; there is 'de'; for example { fr: Chute, en: Fall }",
        ),
    ],
    ids=["pattern", "entries", "type", "limit", "choice", "key"],
)
def test_an_error_says_what_is_allowed_what_is_there_and_gives_an_example(
    tmp_path: Path, text: str, message: str
) -> None:
    assert str(_one(tmp_path, text)).partition(": ")[2] == message


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (FALL.replace("do: page", "do: notify"), (6, "steps")),
        (FALL + "  - { after_s: 30, level: 1 }\n", (6, "steps")),
        (FALL + "search:\n  radii_m: [2000, 1000]\n", (9, "search.radii_m")),
        (FALL.replace("medical.fall", "watch.fall") + "engagement: dispatch\n", (8, "engagement")),
    ],
    ids=["nobody is paged", "steps go back", "radii shrink", "a watch that sends"],
)
def test_a_rule_over_several_fields_points_to_the_one_to_change(
    tmp_path: Path, text: str, seen: tuple[int, str]
) -> None:
    assert _seen(_one(tmp_path, text)) == seen


def test_a_field_given_twice_is_an_error(tmp_path: Path) -> None:
    problem = _one(tmp_path, FALL + "kinds: [medical.burn]\n")
    assert _seen(problem) == (8, "kinds")
    assert "first on line 3" in problem.message


def test_a_role_given_twice_is_an_error(tmp_path: Path) -> None:
    text = FALL.replace("steps:", "  - { role: helper, skills: [driving], count: 1 }\nsteps:")
    assert _seen(_one(tmp_path, text)) == (6, "seats[1].role")


def test_a_tab_is_named_as_a_tab(tmp_path: Path) -> None:
    problem = _one(tmp_path, FALL.replace("  - { role", "\t- { role"))
    assert problem.line == 5
    assert "a tab" in problem.message


@pytest.mark.parametrize(
    "written", ["count: '1'", "count: true", "count: 1.5", "count: 0", "count: 2026-13-45"]
)
def test_a_value_of_another_type_is_refused_and_never_guessed(tmp_path: Path, written: str) -> None:
    assert _seen(_one(tmp_path, FALL.replace("count: 1", written))) == (5, "seats[0].count")


def test_two_plans_cannot_claim_one_kind(tmp_path: Path) -> None:
    problem = _problems(_folder(tmp_path, fall=FALL, tumble=FALL.replace("name: fall", "name: tumble")))[0]
    assert _seen(problem) == (3, "kinds[0]")
    assert str(tmp_path / "fall.yaml") in problem.message


def test_two_plans_cannot_have_one_name(tmp_path: Path) -> None:
    burn = FALL.replace("medical.fall", "medical.burn")
    assert [_seen(problem) for problem in _problems(_folder(tmp_path, fall=FALL, other=burn))] == [
        (1, "name")
    ]


def test_a_plan_without_kinds_is_an_error_since_nothing_chooses_it(tmp_path: Path) -> None:
    assert _one(tmp_path, FALL.replace("kinds: [medical.fall]\n", "")).field == "kinds"


def test_a_folder_without_a_default_plan_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "fall.yaml").write_text(FALL)
    (problem,) = _problems(tmp_path)
    assert (problem.file, problem.field) == (str(tmp_path), "name")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path / "nowhere")
    assert problem.file == str(tmp_path / "nowhere")


def test_files_of_editors_and_kubernetes_beside_the_plans_are_not_read(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    for name in (".default.yaml.swp", ".#default.yaml", "notes.txt", "default.yaml~"):
        (folder / name).write_text("{")
    (folder / "..2026_11_22").mkdir()
    assert len(load(folder).plans) == 1


def test_both_endings_of_yaml_files_are_read(tmp_path: Path) -> None:
    (_folder(tmp_path) / "fall.yml").write_text(FALL)
    assert load(tmp_path).choose("medical.fall").name == "fall"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", 1),
        (b"- one\n- two\n", 1),
        (b"name: fall\n---\nname: other\n", 2),
        (b"name: fall\ntitle: {fr: [\n", 3),
        (b"name: fall\ntitle: \xff\n", 2),
        (b"name: fall\ntitle: \x07\n", 2),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 1),
        (b"name: fall\ntitle: !!python/object/apply:os.system [true]\n", 2),
        (b"a: " + b"[" * 50_000, 1),
        (b"# " + b"x" * 70_000, 1),
        (b"name: fall\n? [a, b]\n: c\n", 2),
    ],
    ids=[
        "empty", "a list", "two documents", "unclosed", "not UTF-8", "a control character", "a bomb",
        "a tag that would run a program", "deep", "large", "a key that is no text",
    ],
)  # fmt: skip
def test_a_file_that_is_no_plain_yaml_is_refused_with_its_line(
    tmp_path: Path, content: bytes, line: int
) -> None:
    folder = _folder(tmp_path)
    (folder / "fall.yaml").write_bytes(content)
    assert (str(folder / "fall.yaml"), line) in {
        (problem.file, problem.line) for problem in _problems(folder)
    }


def test_a_yaml_folder_in_the_folder_is_named(tmp_path: Path) -> None:
    (_folder(tmp_path) / "old.yaml").mkdir()
    assert [problem.file for problem in _problems(tmp_path)] == [str(tmp_path / "old.yaml")]
