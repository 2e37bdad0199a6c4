"""Who goes to the finals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfexp.search.run.finals import best_trials
from cfexp.search.store.record import RunRecord

if TYPE_CHECKING:
    from cfexp.search.store.record import StudyRecord


class Study:
    objectives = ("ndcg@10",)
    direction = "maximize"

    def __init__(self, *trials: tuple[str, int, float]) -> None:
        self.trials = [
            RunRecord(
                role="trial",
                key=f"trial/{place}",
                label=entry,
                entry=entry,
                model={"kind": entry, "factors": factors},
                mask="interacted",
                state="complete",
                metrics={"val/ndcg@10": value},
                number=place,
            )
            for place, (entry, factors, value) in enumerate(trials)
        ]

    def of_role(self, role: str) -> list[RunRecord]:
        return self.trials if role == "trial" else []


def chosen(study: Study, count: int) -> list[int | None]:
    known: StudyRecord = study  # type: ignore[assignment]
    return [run.number for run in best_trials(known, count)]


def test_the_best_of_every_model_is_among_them() -> None:
    study = Study(
        ("als", 8, 0.3), ("als", 16, 0.5), ("ease", 1, 0.1), ("ease", 2, 0.2), ("als", 32, 0.4)
    )
    assert chosen(study, 1) == [1, 3]
    assert chosen(study, 2) == [1, 4, 3]
    assert chosen(study, 4) == [1, 4, 0, 3]


def test_no_configuration_twice() -> None:
    study = Study(("als", 8, 0.3), ("als", 8, 0.5), ("als", 16, 0.4))
    assert chosen(study, 3) == [1, 2]
