"""What writing a report imports, seconds of it: to be imported while there is time."""

import sklearn.ensemble  # noqa: F401 - Optuna's fANOVA
from optuna import importance, visualization  # noqa: F401
from plotly.graph_objects import Figure  # noqa: F401
from plotly.offline import get_plotlyjs  # noqa: F401

import cfexp.report.write  # noqa: F401
