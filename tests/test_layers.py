"""The layers: imports point only up the list, and heavy libraries stay in their places."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cfexp

PACKAGE = Path(cfexp.__file__).parent

# A module may import from its own layer and from the layers above it.
LAYERS = [
    {
        *("addresses", "errors", "recipe", "seeds", "arrays", "memory", "parallel"),
        *("peak", "process", "provenance", "signals", "vectors"),
    },
    {"data"},
    {"splits"},
    {"ranking"},
    {"models"},
    {"metrics"},
    {"analysis"},
    {"search"},
    {"tracking"},
    {"report"},
    {"studies", "deletion"},
    {"launch"},
    {"bench"},
    {"cli"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# Likewise within `search`.
SEARCH = ["place", "warm", "spec", "store", "observer", "prepared", "run", "audit"]

# Where a library may be imported at all.
PLACES = {
    "mlflow": {"tracking"},
    "optuna": {"search", "report", "bench"},
    "plotly": {"report", "bench"},
    "typer": {"cli"},
    "rich": {"cli", "report", "bench"},
    "implicit": {"bench"},
    "irspack": {"bench"},
}


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def imported(tree: ast.AST) -> list[tuple[str, int]]:
    """Every absolute module that a file imports, wherever it does so, with the line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.append((str(node.module), node.lineno))
            if node.module == "cfexp":
                found += [(f"cfexp.{alias.name}", node.lineno) for alias in node.names]
    return found


def violations(source: str, layer: str) -> list[str]:
    wrong = []
    for name, line in imported(ast.parse(source)):
        top, _, rest = name.partition(".")
        if top == "cfexp" and rest:
            other = rest.split(".")[0]
            if RANK[other] > RANK[layer]:
                wrong.append(f"line {line}: {layer} imports {name}, a lower layer")
        if layer not in PLACES.get(top, {layer}):
            wrong.append(f"line {line}: {layer} imports {top}")
    return wrong


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_up_the_layers(path: Path) -> None:
    assert violations(path.read_text(), layer_of(path)) == []


@pytest.mark.parametrize("name", SEARCH)
def test_search_has_layers_of_its_own(name: str) -> None:
    folder, later = PACKAGE / "search", SEARCH[SEARCH.index(name) + 1 :]
    assert {path.stem for path in folder.iterdir() if path.stem[0] != "_"} == set(SEARCH)
    for path in [folder / f"{name}.py", *(folder / name).glob("*.py")]:
        tree = ast.parse(path.read_text()) if path.is_file() else ast.Module([], [])
        wrong = [one for one, _ in imported(tree) for other in later if f"search.{other}" in one]
        assert wrong == [], path


def test_every_module_has_a_layer() -> None:
    assert {layer_of(path) for path in modules()} <= set(RANK)


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("models", "from cfexp.search.run.study import run"),
        ("data", "def late():\n    import cfexp.models.als"),
        ("search", "import mlflow"),
        ("metrics", "from cfexp import cli"),
    ],
)
def test_a_planted_violation_is_caught(layer: str, source: str) -> None:
    assert violations(source, layer)


HEAVY = ["mlflow", "optuna", "sklearn", "numba", "pandas", "scipy", "numpy", "plotly"]


@pytest.mark.parametrize(
    "code",
    [
        "import cfexp",
        """import sys; sys.argv = ['cfexp', '--help']
from cfexp.cli.main import main
try: main()
except SystemExit: pass""",
    ],
    ids=["import cfexp", "cfexp --help"],
)
def test_starting_loads_nothing_heavy(code: str) -> None:
    check = f"{code}\nimport sys\nprint('LOADED', *[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED"


def test_public_names_exist() -> None:
    for name in cfexp.__all__:
        assert callable(getattr(cfexp, name)), name
