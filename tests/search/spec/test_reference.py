"""The page about study files is the code's own."""

from pathlib import Path

from cfexp.search.spec.reference import reference
from cfexp.search.spec.spec import StudySpec

PAGE = Path(__file__).parents[3] / "studies" / "README.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == reference(), (
        "python -m cfexp.search.spec.reference > studies/README.md"
    )


def test_every_key_has_a_meaning() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("| `")]
    assert len(rows) > len(StudySpec.model_fields)
    assert all(row.split("|")[-2].strip() for row in rows)
