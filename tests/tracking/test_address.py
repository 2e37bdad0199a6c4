from __future__ import annotations

from pathlib import Path

import pytest

from cfexp.addresses import redacted
from cfexp.errors import TrackingError
from cfexp.tracking.address import check_address, tracking_uri, without_login
from cfexp.tracking.client import open_client


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://TOKEN@host/mlflow", "https://***@host/mlflow"),
        ("https://ann:TOKEN@host", "https://***@host"),
        ("postgresql://ann:s3cr/TOKEN@host/db", "postgresql://***@host/db"),
        ("postgresql://ann:a@TOKEN@host/db", "postgresql://***@host/db"),
        ("postgresql://host/db?password=TOKEN", "postgresql://host/db?password=***"),
        (
            "postgresql://host/db?a=1&sslpassword=TOKEN&b=2",
            "postgresql://host/db?a=1&sslpassword=***&b=2",
        ),
        ("http://host/?access_token=TOKEN", "http://host/?access_token=***"),
        ("mssql+pyodbc:///?odbc_connect=PWD%3DTOKEN", "mssql+pyodbc:///?odbc_connect=***"),
        ("sqlite:////home/a@b/mlflow.db", "sqlite:////home/a@b/mlflow.db"),
    ],
)
def test_secrets_are_masked_in_messages(address: str, shown: str) -> None:
    assert redacted(f"cannot reach {address} 'twice {address}'") == (
        f"cannot reach {shown} 'twice {shown}'"
    )
    assert "TOKEN" not in without_login(address)


def test_a_link_has_neither_login_nor_settings() -> None:
    assert without_login("https://ann:a@b@host/mlflow?token=x#y") == "https://host/mlflow"
    assert without_login("https://ann:s%40x@host/a") == "https://host/a"
    assert without_login("sqlite:////home/a@b/x.db") == "sqlite:////home/a@b/x.db"
    assert without_login("databricks") == "databricks"


@pytest.mark.parametrize("login", ["ann:s3cr/et", "ann:a@b", "ann:a?b", "ann:a#b", "ann:a b"])
def test_an_ambiguous_login_is_refused(login: str) -> None:
    for address in (f"https://{login}@host", f"postgresql://{login}@host/db"):
        with pytest.raises(TrackingError, match="percent-encode it") as refused:
            check_address(address)
        assert "et" not in str(refused.value).split("stands")[1].split(";")[0]
    check_address("https://ann:s3cr%2Fet@host/mlflow")


@pytest.mark.parametrize("folder", ["50%", "a#b", "a b", "a@b", "it's", "%(x)s"])
def test_a_home_of_any_name_holds_its_database(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    check_address(tracking_uri(None, tmp_path / folder))


@pytest.mark.parametrize(("folder", "character"), [("what?", "?"), ("a%41", "%")])
def test_a_home_that_mlflow_would_not_find_is_refused(
    folder: str, character: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = tmp_path / folder
    with pytest.raises(TrackingError, match=r"choose another --home") as refused:
        open_client(tracking_uri(None, home), home)
    assert f"holds {character!r}" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_database_s_path_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert tracking_uri("sqlite:///x.db", tmp_path) == f"sqlite:///{tmp_path}/x.db"
    assert tracking_uri("sqlite:////y/x.db", tmp_path) == "sqlite:////y/x.db"
