"""A study file's mistakes are all reported at once, each where it is."""

import itertools
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfexp import load_study
from cfexp.errors import InputError, Mistake, StudyFileError
from cfexp.search.spec.study_file import parse

STUDIES = Path(__file__).parents[3] / "studies"

GOOD = """
name = "small"
[data]
kind = "synthetic"
[split]
kind = "per_user_last"
[[models]]
model = { kind = "als", factors = 16 }
[models.space]
alpha = { kind = "float", low = 0.1, high = 40.0, log = true }
[[baselines]]
model = { kind = "popularity" }
"""


def mistakes(text: str) -> dict[str, str]:
    with pytest.raises(StudyFileError) as caught:
        parse(tomllib.loads(text))
    return {mistake.path: mistake.message for mistake in caught.value.mistakes}


def test_five_mistakes_are_five_messages() -> None:
    text = """
    name = "small"
    sead = 3
    objectives = ["ndgc@10"]
    [data]
    kind = "synthetic"
    [split]
    kind = "per_user_lst"
    [search]
    trials = "30"
    [[models]]
    model = { kind = "als" }
    [models.space]
    factors = { kind = "int", low = 0, high = 64 }
    """
    found = mistakes(text)
    assert set(found) == {
        "sead",
        "objectives[0]",
        "split.kind",
        "search.trials",
        "models[0].space.factors",
    }
    assert "did you mean 'seed'" in found["sead"]
    assert "did you mean 'ndcg'" in found["objectives[0]"]
    assert "did you mean 'per_user_last'" in found["split.kind"]
    assert '"30"' in found["search.trials"]
    assert found["models[0].space.factors"].startswith("0 is not valid for als's factors")


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("alpha =", "alhpa =", "models[0].space.alhpa", "did you mean 'alpha'"),
        ("factors = 16", "factros = 16", "models[0].model.factros", "did you mean 'factors'"),
        ('"als"', '"asl"', "models[0].model.kind", "did you mean 'als'"),
        ("low = 0.1", "low = 50.0", "models[0].space.alpha", "must not be above"),
        ("low = 0.1", "low = 0.0", "models[0].space.alpha", "low > 0"),
        ('"float"', '"flaot"', "models[0].space.alpha.kind", "did you mean 'float'"),
        ("low = 0.1, ", "", "models[0].space.alpha.low", "is required"),
        ("factors = 16", "factors = 16.5", "models[0].model.factors", "16.5"),
        ("factors = 16", "factors = -4", "models[0].model.factors", "-4"),
        ('"popularity" }', '"popularity" }\nmaks = "none"', "baselines[0].maks", "'mask'"),
        ('"popularity" }', '"popularity" }\nmask = "nothing"', "baselines[0].mask", "'none'"),
        ('"synthetic"', '"syntetic"', "data.kind", "did you mean 'synthetic'"),
        ('kind = "synthetic"', "users = 10", "data.kind", "is required"),
        ('name = "small"', 'name = "../up"', "name", "pattern"),
        ('name = "small"', "", "name", "is required"),
        ('"per_user_last"', '"per_user_last"\nvalidation = 0', "split.validation", "search on"),
        ('"per_user_last"', '"per_user_last"\n[search]\nsampler = { kind = "grid" }',
         "models[0].space.alpha", "a grid needs"),
        ('name = "small"', 'name = "small"\nobjectives = ["ndcg@10", "coverage@10"]',
         "search.pruner", "kind = 'none'"),
        ("factors = 16 }", "factors = 16 }\nstart = [{ alpha = 99.0 }]",
         "models[0].start[0].alpha", "outside"),
        ("factors = 16 }", "factors = 16 }\nstart = [{ factors = 8 }]",
         "models[0].start[0].factors", "not searched"),
    ],
)  # fmt: skip
def test_each_mistake_says_where_and_what(old: str, new: str, path: str, words: str) -> None:
    assert old in GOOD
    found = mistakes(GOOD.replace(old, new, 1))
    assert set(found) == {path}
    assert words in found[path]


def test_two_entries_of_one_name_are_refused() -> None:
    found = mistakes(GOOD + '[[baselines]]\nmodel = { kind = "popularity" }\n')
    assert found == {"baselines[1].name": "'popularity' is taken; give each entry its own name"}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name = ", b"[" * 5000, b"x" * 10000])
def test_what_is_no_toml_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.toml"):
        load_study(file)


def test_a_file_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no study file"):
        load_study(tmp_path / "absent.toml")
    with pytest.raises(InputError, match="cannot be read"):
        load_study(tmp_path)


@pytest.mark.parametrize("file", sorted(STUDIES.glob("*.toml")), ids=lambda file: file.stem)
def test_the_studies_that_we_ship_are_valid_and_named_as_their_files(file: Path) -> None:
    assert load_study(file).name == file.stem


def test_science_is_all_but_budget_words_and_readings() -> None:
    spec = parse(tomllib.loads(GOOD))
    same = GOOD + "[search]\ntrials = 99\n[finals]\nseeds = 9\n"
    same = same.replace('name = "small"', 'name = "small"\ndescription = "words"')
    assert parse(tomllib.loads(same)).science_hash == spec.science_hash
    for old, new in (("high = 40.0", "high = 41.0"), ("factors = 16", "factors = 17")):
        other = parse(tomllib.loads(GOOD.replace(old, new)))
        assert other.science_hash != spec.science_hash


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.data())
def test_no_document_makes_more_than_an_input_error(data: st.DataObject) -> None:
    """Replace or add anything anywhere: the file is read, or its mistakes are listed."""
    document = tomllib.loads(GOOD)
    places = [
        document,
        document["data"],
        document["split"],
        document["models"][0],
        document["models"][0]["model"],
        document["models"][0]["space"],
        document["models"][0]["space"]["alpha"],
        document["baselines"][0],
    ]
    place = data.draw(st.sampled_from(places))
    extra = ["search", "finals", "buckets", "start", "mask", "share", "objectives", "metrics"]
    key = data.draw(st.sampled_from(list(itertools.chain(place, extra))))
    place[key] = data.draw(_TREES)
    found: tuple[Mistake, ...] = (Mistake("", "none"),)
    try:
        parse(document)
    except StudyFileError as error:
        found = error.mistakes
    assert found
    assert all(mistake.message for mistake in found)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('name = "small"', 'name = "small"\nobjectives = ["ndcg@10", "ndcg@010"]', "objectives"),
        ('"popularity" }', '"popularity" }\nname = "als default"', "baselines[0].name"),
        (
            "alpha = {",
            'epochs = { kind = "int", low = 1, high = 1000000000000000000000 }\nalpha = {',
            "models[0].space.epochs.high",
        ),
    ],
)
def test_what_would_fail_at_the_end_is_refused_at_the_start(old: str, new: str, path: str) -> None:
    assert old in GOOD
    assert path in mistakes(GOOD.replace(old, new, 1))


def test_a_grid_has_no_start() -> None:
    text = GOOD.replace("low = 0.1, high = 40.0, log = true", "low = 0.5, high = 2.0, step = 0.5")
    text = text.replace("factors = 16 }", "factors = 16 }\nstart = [{ alpha = 1.0 }]")
    text += '[search]\nsampler = { kind = "grid" }\n'
    assert set(mistakes(text)) == {"models[0].start"}
