"""KuaiRec's matrices and features, in the layout of its version 2.0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import attribute, lay, load, pairs

from cfexp.errors import DataError

HEAD = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n"
WATCHED = "{},{},13838,10867,2020-07-05 00:08:23.438,20200705,1593878903.438,{}\n"


def kuairec(root: Path) -> None:
    big = [WATCHED.format(*row) for row in [(0, 3649, 1.273397), (0, 9598, 1.2), (1, 3649, 2.5)]]
    small = [WATCHED.format(14, 148, 0.7221).replace(",20200705,", ",20200705.0,")]
    small.append("14,183,11635,7075,,,,1.6444\n")
    lay(
        root,
        {
            "data/big_matrix.csv": HEAD + "".join([*big, big[0], big[0]]),
            "data/small_matrix.csv": HEAD + "".join(small),
            "data/user_features.csv": (
                "user_id,user_active_degree,follow_user_num,follow_user_num_range,onehot_feat4\n"
                '0,high_active,5,"(0,10]",1\n1,full_active,386,"(250,500]",\n'
                '14,full_active,4,"(0,10]",3\n'
            ),
            "data/item_categories.csv": (
                'video_id,feat\n0,[8]\n148,[9]\n3649,"[27, 9]"\n3649,"[27, 9]"\n9598,[27]\n'
            ),
            "data/item_daily_features.csv": "video_id,date,video_tag_name\n0,20200705,建筑\n0,,\n",
            "data/social_network.csv": 'user_id,friend_list\n3371,[2975]\n24,"[2665, 3]"\n',
        },
    )


@pytest.mark.parametrize("folder", ["KuaiRec", "KuaiRec 2.0"])
def test_kuairec(tmp_path: Path, folder: str) -> None:
    kuairec(tmp_path / folder)
    rows = load(tmp_path, "kuairec")
    assert [(user, item) for user, item, _ in pairs(rows)] == [
        (0, 3649),
        (0, 9598),
        (1, 3649),
        (14, 148),
    ]
    assert rows.part is not None
    assert rows.part.tolist() == [0, 0, 0, 2]
    assert rows.value[0] == np.float32(1.273397)
    assert rows.dropped == {
        "rows that repeat another, 40.0% of big_matrix.csv": 2,
        "rows with an empty column, 50.0% of small_matrix.csv": 1,
    }
    assert attribute(rows, "user_active_degree") == ["high_active", "", "full_active"]
    assert attribute(rows, "follow_user_num_range") == ["(0,10]", "", "(0,10]"]
    assert attribute(rows, "follow_user_num")[::2] == [5, 4]
    assert rows.item_features is not None
    assert rows.item_features.names == ("feat=27", "feat=9")
    assert rows.items.ids.tolist() == [148, 3649, 9598]
    assert rows.item_features.values.tolist() == [[0, 1], [1, 1], [1, 0]]
    advice = "`cfexp data check kuairec` compares its files"
    assert rows.notes == (
        "rows with an empty column, 33.3% of user_features.csv: 1 dropped",
        "rows that repeat another, 20.0% of item_categories.csv: 1 dropped",
        f"7 rows of KuaiRec 2.0 are here, and 17,207,376 were published; {advice}",
    )


def test_kuairec_without_features(tmp_path: Path) -> None:
    kuairec(tmp_path / "KuaiRec")
    for name in ("user_features", "item_categories"):
        (tmp_path / "KuaiRec" / "data" / f"{name}.csv").unlink()
    rows = load(tmp_path, "kuairec")
    assert (len(rows), rows.attributes, rows.item_features) == (4, None, None)


def test_kuairec_features_that_contradict(tmp_path: Path) -> None:
    kuairec(tmp_path / "KuaiRec")
    with (tmp_path / "KuaiRec/data/item_categories.csv").open("a") as file:
        file.write("148,[3]\n")
    with pytest.raises(DataError, match=r"every item must have one row.*\n  line 7: 148,\[3\]"):
        load(tmp_path, "kuairec")


def test_kuairec_damaged(tmp_path: Path) -> None:
    kuairec(tmp_path / "kuairec")
    with (tmp_path / "kuairec/data/small_matrix.csv").open("a") as file:
        file.write(WATCHED.format(1, 2, "often"))
    with pytest.raises(
        DataError, match=r"values must be.*\n  small_matrix\.csv: line 4: 1,2,13838"
    ):
        load(tmp_path, "kuairec")
