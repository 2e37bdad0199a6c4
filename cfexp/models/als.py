"""ALS: matrix factorisation of implicit feedback by alternating least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

import numpy as np
from pydantic import Field

from cfexp.data.training import TrainingData
from cfexp.models.als_scorer import AlsScorer
from cfexp.models.als_start import item_factors, refuse_divergence, warn_of_excess
from cfexp.models.confidence import AddedRecency, Cap, Clip, Confidence, EpsilonName, Form
from cfexp.models.confidence import Orientation as Of
from cfexp.models.model import Epoch, Model
from cfexp.models.momentum import Items
from cfexp.models.recency import RecencyBy, RecencyScale
from cfexp.models.sweep import Rows, Side, Solver, Whitened, gram_size, loss, padded
from cfexp.parallel import one_blas_thread, warn_of_threads
from cfexp.seeds import generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfexp.arrays import AnyArray, Codes
    from cfexp.data.positives import Positives

# Measured on MovieLens-1M, alpha 4 to 20, 32 to 256 factors: up to weights of 10, two
# steps are within 0.2% of the loss of three after ten epochs, for 10 to 20% less time.
_LIGHT, _FEW_STEPS, _STEPS = 10.0, 2, 3
_FIRST = Solver("cg", 1)  # of random items: there is no precision to keep
_WARM = Solver("cg", 100, 1e-4)


class ALS(Model):
    """Weighted matrix factorisation (Hu, Koren & Volinsky 2008; Rendle et al. 2022).

    Minimises, over user factors x_u and item factors y_i,

        sum over all u, i of c_ui (p_ui - x_u'y_i)^2
            + reg (sum over u of (n_u + c0 |I|)^nu |x_u|^2
                   + sum over i of (n_i + c0 |U|)^nu |y_i|^2)

    where p is 1 for positives and 0 for all other pairs; the confidence c is c0 =
    `unseen_weight` plus, for a positive, what `cfexp.models.confidence` says of its
    value and its place in the user's history; n counts a row's positives and |I|, |U|
    all items and users. nu = 0 and c0 = 1 are Hu, Koren & Volinsky 2008 (equation 3):
    alpha adds to 1, so that on data of ones alpha = 0 weighs all pairs alike. nu = 1 is
    Rendle, Krichene, Zhang & Koren 2022 (Revisiting the Performance of iALS, equation
    6): theirs, with weights lambda and alpha0, is ours with alpha = 1, unseen_weight =
    alpha0 and regularization = lambda (1 + alpha0), all factors times sqrt(1 + alpha0);
    and as only the ratios of the three weights matter, alpha = 1 / alpha0 against an
    unseen weight of 1.

    An epoch solves all users, then all items. A scorer solves each user again, exactly,
    from the history it is given and with the `scoring_` weights where there are any.
    """

    kind: Literal["als"] = "als"
    stochastic: ClassVar[bool] = True
    smaller: ClassVar = "lower factors, or drop rare users or items"

    factors: Annotated[int, Field(ge=1, le=2048)] = 64
    """Length of the vector that stands for a user or an item."""
    alpha: Annotated[float, Field(ge=0)] = 1.0
    """How much confidence the value of a positive adds to that of an unseen pair."""
    regularization: Annotated[float, Field(ge=1e-6)] = 0.01
    """Weight of the squared factors in the objective."""
    nu: Annotated[float, Field(ge=0, le=2)] = 0.0
    """How much more the factors of frequent users and items are held back: the exponent of
    (a row's positives + unseen_weight x the other side's size)."""
    unseen_weight: Annotated[float, Field(gt=0)] = 1.0
    """Confidence of a pair without interaction. With nu = 0 only its ratio to alpha,
    recency and regularization matters."""
    epochs: Annotated[int, Field(ge=1)] = 15
    """Number of sweeps over users and items."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.8
    """How far items run ahead between sweeps, as a share of their last move: the same optimum
    in about half the epochs. 0 is plain alternation."""
    confidence: Form = "linear"
    epsilon: Annotated[float, Field(gt=0)] | EpsilonName = 1.0
    """For "log": the value at which the logarithm begins to bend, or "user_mean", the mean
    of the user's values (at least 1). "side_mean", the mean of the row being solved, has
    no loss."""
    cap: Cap = 100.0
    clip: Clip = 100.0
    recency: AddedRecency = 0.0
    recency_scale: RecencyScale = 10.0
    recency_by: RecencyBy = "rank"
    scoring_alpha: Annotated[float, Field(ge=0)] | None = None
    """alpha when users are solved again to be scored; left out: alpha."""
    scoring_recency: Annotated[float, Field(ge=0)] | None = None
    """recency when users are solved again to be scored; left out: recency."""
    scoring_recency_scale: Annotated[float, Field(gt=0)] | None = None
    """recency_scale when users are solved again to be scored; left out: recency_scale."""
    solver: Literal["auto", "cg", "cholesky"] = "auto"
    """Conjugate gradient, preconditioned and started from the last sweep; "auto" chooses its
    steps: 1 in a first epoch from random factors, then 2 where no positive weighs more than
    10 unseen pairs, else 3 (a run's record says which, as solver_used). "cholesky" is exact:
    the same loss to 0.1% after some epochs, 8 to 20 times slower."""
    cg_steps: Annotated[int, Field(ge=1)] = 3
    """Steps per row and sweep of "cg". Without effect on the others."""

    def train(
        self,
        data: TrainingData,
        rng: np.random.Generator,
        *,
        threads: int | None = None,
        start: AlsScorer | None = None,
        known: Codes | None = None,
    ) -> Iterator[Epoch]:
        """Yield an epoch after every sweep; it answers until the next one begins.

        `start` trains on from a scorer, of this configuration or another: users are
        solved against its item factors before the first sweep. Where the items of
        `data` are not its items, `known` says for each which it was there (-1: new).
        """
        warn_of_excess(self.factors, data.positives.shape)
        f = self.factors
        users = Side.of(np.zeros((data.n_users, f), np.float32), threads)
        begun = item_factors(data.positives.shape, f, rng, start, known)
        items = Items(Side.of(begun, threads), self.momentum, moved=start is not None)
        of_users, of_items = self.least(data.n_items), self.least(data.n_users)
        by_user, by_item = self.rows(data.positives), self.rows(data.by_item, "items")
        first, solver = self.solvers(float(by_user.weights.max()))
        once = first != solver and start is None
        used = f"{solver} ({first.steps} in epoch 1)" if once else str(solver)
        done = 0

        def against(fixed: Side, least: float) -> Whitened:
            return Whitened(fixed, least, ridged=self.nu > 0)

        def current(number: int) -> None:
            if number != done:
                raise RuntimeError(
                    f"epoch {number} was asked after epoch {done} had begun; take its "
                    "scorer and its loss before the next epoch"
                )

        def epoch(number: int) -> Epoch:
            def scorer() -> AlsScorer:
                current(number)
                factors = items.side.factors(f)
                refuse_divergence(factors, "item factors", number)
                made = AlsScorer(self, data.positives, factors, threads=threads)
                made.facts = {"solver_used": used}
                return made

            def value() -> float | None:
                current(number)
                if not self.weighting().has_loss:
                    return None
                found = self.unseen_weight * loss(
                    users, items.side, by_user, by_item, of_users, of_items
                )
                refuse_divergence(found, "loss", number)
                return found

            return Epoch(number, scorer, value)

        if start is not None:
            against(items.side, of_users).solve(by_user, users, _WARM)
        for number in range(1, self.epochs + 1):
            done, step = number, solver if items.moved else first
            with one_blas_thread:
                against(items.ahead, of_users).solve(by_user, users, step)
                items.solve(against(users, of_items), by_item, step)
            yield epoch(number)

    def fit(
        self,
        matrix: Any,  # noqa: ANN401 - whatever SciPy makes a CSR matrix of
        rng: int | np.random.Generator | None = None,
        *,
        threads: int | None = None,
        start: AlsScorer | None = None,
        known: Codes | None = None,
    ) -> AlsScorer:
        """Train to the last epoch on a users x items matrix of values (or TrainingData).

        `start` and `known` are those of `train`.
        """
        warn_of_threads(threads)
        data = TrainingData.of(matrix)
        self.refuse_unfit(data, threads=threads)
        *_, last = self.train(data, generator(rng), threads=threads, start=start, known=known)
        return cast("AlsScorer", last.scorer())

    def memory(self, data: TrainingData, threads: int) -> int:
        """Return the size of factors, sums of products and weights."""
        del threads
        (users, items), nnz = data.positives.shape, data.positives.nnz
        f = padded(self.factors)
        most = max(users, items)
        # users, items as they are, were and run ahead; then the fixed side's sums or a copy of it
        return 4 * f * (users + 3 * items) + max(gram_size(most, f), 4 * f * most) + 24 * nnz

    @property
    def scores_by_age(self) -> bool:
        return self.weighting(scoring=True).by_age

    def weighting(self, *, scoring: bool = False) -> Confidence:
        """Return the confidence of positives, at training or when users are scored."""
        given = {
            name: getattr(self, f"scoring_{name}") if scoring else None
            for name in ("alpha", "recency", "recency_scale")
        }
        return Confidence(
            kind=self.confidence,
            epsilon=self.epsilon,
            cap=self.cap,
            clip=self.clip,
            unseen=self.unseen_weight,
            recency_by=self.recency_by,
            **{name: getattr(self, name) if own is None else own for name, own in given.items()},
        )

    def rows(
        self,
        positives: Positives,
        of: Of = "users",
        *,
        scoring: bool = False,
        histories: Positives | None = None,
    ) -> Rows:
        """Return what the solvers work on: all weights in units of the unseen pair's.

        `histories`: where a user's mean is that of more than `positives` (`Confidence`).
        """
        added = self.weighting(scoring=scoring).added(positives, of, histories=histories)
        others, counts = positives.shape[1], np.diff(positives.indptr)
        ridge = self.penalty(counts, others) - self.least(others)
        return Rows.of(positives, added / np.float32(self.unseen_weight), ridge)

    def solvers(self, largest: float) -> tuple[Solver, Solver]:
        """Return how a first epoch from random factors is solved, and how all others are.

        `largest` is the largest weight of a positive.
        """
        if self.solver == "auto":
            return _FIRST, Solver("cg", _FEW_STEPS if largest <= _LIGHT else _STEPS)
        given = Solver(self.solver, self.cg_steps)
        return given, given

    def penalty(self, counts: AnyArray | int, others: int) -> Any:  # noqa: ANN401
        """Return the regularization of rows with so many positives, over the unseen weight."""
        scale = (counts + self.unseen_weight * others) ** self.nu
        return self.regularization / self.unseen_weight * scale

    def least(self, others: int) -> float:
        """Return the regularization of a row without positives, over the unseen weight."""
        return float(self.penalty(0, others))
