"""Public data sets in their published layouts: small sound files, and sources that read them."""

from __future__ import annotations

from typing import Any

import numpy as np

PUBLIC: list[dict[str, Any]] = [
    *({"kind": "movielens", "edition": edition} for edition in ("ml-1m", "ml-100k")),
    *({"kind": "lastfm", "edition": f"lastfm-{size}"} for size in ("1k", "360k", "2k")),
    {"kind": "lastfm", "edition": "lastfm-1k", "item": "track_id"},
    {"kind": "kuairec"},
    {"kind": "taste_profile"},
    {"kind": "lightgcn", "edition": "gowalla"},
    {"kind": "lightgcn", "edition": "gowalla", "ids": "original"},
]


TIMELESS = {"lastfm-360k", "lastfm-2k", "taste-profile", "gowalla"}
PARTED = {"kuairec", "gowalla"}
"""Those that say which rows are test."""


def utc(time: int) -> np.datetime64:
    """Return a moment in seconds since 1970, which is written in ISO 8601."""
    return np.datetime64(time, "s")


def folder_of(source: dict[str, Any]) -> str:
    """Return the folder of a source's data set."""
    return str(source.get("edition", source["kind"])).replace("_", "-")


def files(rows: dict[str, list[Any]]) -> dict[str, bytes]:
    """Return the sound files of every data set but MovieLens, by path in a case's folder."""
    events = list(zip(rows["user"], rows["item"], rows["value"], rows["time"], strict=True))
    users, items = sorted(set(rows["user"])), sorted(set(rows["item"]))
    numbered = [(user, item[1:], value, time) for user, item, value, time in events]
    pairs = dict.fromkeys((user, item) for user, item, _, _ in numbered)
    train, test = (
        "".join(f"{user} {' '.join(i for u, i in part if u == user)}\n" for user in users)
        for part in (list(pairs)[:150], list(pairs)[150:])
    )
    head = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n"
    watched = [
        f"{user},{item},13838,10867,{utc(time)}.438,20010105,{time}.438,{value}.25\n"
        for user, item, value, time in numbered
    ]
    texts = {
        "lastfm-1k/userid-timestamp-artid-artname-traid-traname.tsv": "".join(
            f'user_{user:06}\t{utc(time)}Z\t{item}\tThe "{item}\tt-{item}\tA\tb\n'
            for user, item, value, time in numbered
        ),
        "lastfm-1k/userid-profile.tsv": "#id\tgender\tage\tcountry\tregistered\n"
        + "".join(f"user_{user:06}\tf\t24\tPeru\tFeb 24, 2006\n" for user in users),
        "lastfm-360k/usersha1-artmbid-artname-plays.tsv": "".join(
            f"{user:040x}\t{item}-mbid\tdie Ärzte {item}\t{value}\n"
            for user, item, value, _ in numbered
        ),
        "lastfm-360k/usersha1-profile.tsv": "".join(
            f"{user:040x}\tf\t24\tGermany\tFeb 1, 2007\n" for user in users
        ),
        "lastfm-2k/user_artists.dat": "userID\tartistID\tweight\r\n"
        + "".join(f"{user}\t{item}\t{value}\r\n" for user, item, value, _ in numbered),
        "lastfm-2k/artists.dat": "id\tname\turl\tpictureURL\n"
        + "".join(f'{item[1:]}\tDuran "{item}\thttp://x\t\n' for item in items),
        "kuairec/data/big_matrix.csv": head + "".join(watched[:200]),
        "kuairec/data/small_matrix.csv": head + "".join(watched[200:]),
        "kuairec/data/user_features.csv": "user_id,user_active_degree,fans_user_num_range\n"
        + "".join(f'{user},full_active,"[1,10)"\n' for user in users),
        "kuairec/data/item_categories.csv": "video_id,feat\n"
        + "".join(f'{item[1:]},"[27, {len(item)}]"\n' for item in items),
        "taste-profile/train_triplets.txt": "".join(
            f"b803{user}\tSO{item}\t{value}\n" for user, item, value, _ in numbered
        ),
        "taste-profile/unique_tracks.txt": "".join(
            f"TR<SEP>SO{item[1:]}<SEP>Björk<SEP>Jóga\n" for item in items
        ),
        "gowalla/train.txt": train,
        "gowalla/test.txt": test,
        "gowalla/user_list.txt": "org_id remap_id\n" + "".join(f"U{u} {u}\n" for u in users),
        "gowalla/item_list.txt": "org_id remap_id\n"
        + "".join(f"B{number:04} {number}\n" for number in range(1000)),
    }
    return {name: text.encode() for name, text in texts.items()}
