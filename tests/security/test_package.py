"""What the package must not do at all: run or unpickle what somebody else could have written."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import cfexp

PACKAGE = Path(cfexp.__file__).parent
NEVER_IMPORTED = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
NEVER_CALLED = {"eval", "exec", "compile", "__import__"}
NEVER_ASKED = {"allow_pickle", "shell"}
LOADERS = {"yaml.load", "joblib.load", "torch.load", "pd.read_pickle", "os.system"}


def dangers(source: str) -> list[str]:
    """Return what a module does that it must not, by line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [str(node.module)]
        else:
            names = []
        found += [
            f"line {getattr(node, 'lineno', 0)}: imports {name}"
            for name in names
            if name.split(".")[0] in NEVER_IMPORTED
        ]
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in NEVER_CALLED | LOADERS:
                found.append(f"line {node.lineno}: calls {called}")
            found += [
                f"line {node.lineno}: {one.arg} = {ast.unparse(one.value)}"
                for one in node.keywords
                if one.arg in NEVER_ASKED and ast.unparse(one.value) != "False"
            ]
    return found


def test_nothing_in_the_package_unpickles_or_evaluates() -> None:
    found = {path: dangers(path.read_text()) for path in PACKAGE.rglob("*.py")}
    assert len(found) > 100
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "np.load(p, allow_pickle=True)",
        "np.load(p, allow_pickle=flag)",
        "yaml.load(text)",
        "subprocess.run(c, shell=True)",
    ],
)
def test_a_planted_danger_is_found(source: str) -> None:
    assert dangers(source)
