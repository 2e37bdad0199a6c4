"""When a new model becomes champion, and why not."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from cfexp.report.champion import decide
from cfexp.report.compare import contender
from cfexp.tracking.registry import Registered

if TYPE_CHECKING:
    from collections.abc import Callable

    from cfexp.search.store.record import StudyRecord


@pytest.fixture
def champion(make_study: Callable[..., StudyRecord]) -> Registered:
    """A version as good as the study's winner, user by user."""
    study = make_study()
    best = contender(study, None)
    return Registered(
        number="1",
        label="films:als default",
        name="films",
        fingerprint=study.fingerprint,
        spec={},
        data={},
        evaluation=best.evaluation,
    )


def scaled(champion: Registered, factor: float) -> Registered:
    """The same, its values per user multiplied."""
    assert champion.evaluation is not None
    values = {name: factor * one for name, one in champion.evaluation.numerators.items()}
    evaluation = dataclasses.replace(champion.evaluation, numerators=values)
    return dataclasses.replace(champion, evaluation=evaluation)


def test_the_first_one_is_champion(make_study: Callable[..., StudyRecord]) -> None:
    decision = decide(contender(make_study(), None), None)
    assert decision.moves
    assert "is the first champion" in decision.words


@pytest.mark.parametrize(
    ("factor", "moves", "words"),
    [
        (0.8, True, "is the champion now: better than version 1, films:als default: ndcg@10 on"),
        (1.0, False, "The champion stays version 1, films:als default: no clear difference to"),
        (1.25, False, "is worse: ndcg@10 on test"),
    ],
)
def test_the_better_one_is_champion(
    factor: float,
    moves: bool,  # noqa: FBT001
    words: str,
    champion: Registered,
    make_study: Callable[..., StudyRecord],
) -> None:
    decision = decide(contender(make_study(), None), scaled(champion, factor))
    assert decision.moves is moves
    assert words in decision.words
    assert "p " in decision.words
    if factor == 0.8:
        assert "(+25.0%), 95% interval +" in decision.words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fingerprint": ""}, "it was not registered by cfexp"),
        (
            {"fingerprint": "1", "spec": {"split": {"test": 2}}, "data": {"rows": 5}},
            "split.test: None in films, 2 in films",
        ),
        ({"spec": {"feedback": {"positive_from": 4}}}, "feedback.positive_from: None in films, 4"),
        ({"evaluation": None}, "its values per user are gone from MLflow"),
    ],
)
def test_what_cannot_be_compared_leaves_the_champion(
    changes: dict[str, Any],
    words: str,
    champion: Registered,
    make_study: Callable[..., StudyRecord],
) -> None:
    decision = decide(
        contender(make_study(), None), dataclasses.replace(scaled(champion, 0.5), **changes)
    )
    assert not decision.moves
    assert "The champion stays version 1, films:als default" in decision.words
    assert words in decision.words


def test_metrics_without_values_per_user(
    champion: Registered, make_study: Callable[..., StudyRecord]
) -> None:
    study = make_study(objectives=("coverage@10",))
    decision = decide(contender(study, None), champion)
    assert not decision.moves
    assert "coverage@10 is of all lists together" in decision.words
    assert champion.evaluation is not None
    other = dataclasses.replace(champion.evaluation, numerators={}, denominators={})
    decision = decide(
        contender(make_study(), None), dataclasses.replace(champion, evaluation=other)
    )
    assert "ndcg@10 was not measured for it" in decision.words
