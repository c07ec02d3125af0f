"""The contract every model keeps: settings, fit, recommend, predict, similar_items, evaluate, save and load."""

from __future__ import annotations

import copy
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from likewise import checks, files
from likewise.data import Features, Interactions
from likewise.data.histories import Histories
from likewise.models import persistence, vocabulary
from likewise.models.people import People
from likewise.models.recommendations import Recommendations
from likewise.models.retrieval import FactorScorer, Scorer, Scores
from likewise.models.vocabulary import as_log
from likewise.training.loop import as_callbacks

if TYPE_CHECKING:
    from likewise.evaluation import Report

FORMAT_VERSION = 1
ROWS_AT_ONCE = 8192  # users ranked in one go: what `recommend` holds does not grow with their number

_classes: dict[str, type[Recommender]] = {}


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """What `fit` was given beyond the log; see `Recommender.fit`."""

    user_features: Any = None
    item_features: Any = None
    social: Any = None
    validation: Interactions | None = None
    callbacks: Sequence[Any] = ()
    resume: str | PathLike[str] | None = None
    time_limit: float | None = None
    verbose: int = 1


@dataclass(kw_only=True, eq=False, repr=False)
class Recommender(ABC):
    """Base of all models. Settings are the keyword-only fields of a dataclass; what `fit` learns ends in ``_``.

    A model defines `_check` (are the settings in their ranges), `_train` (learn from ``log_``), `_make_scorer` and
    `_queries` (how users are scored), and `_state` and `_restore` (what its file keeps); `_item_vectors` if its items
    have vectors.

    Attributes:
        settings_: The settings of the last `fit`, kept in a model of the same class that is not fitted: what a fitted
            model scores and is saved with, whatever `set_params` has changed since.
        log_: The fitted log, which ``history=`` defaults to; None after loading a file saved with ``log=False``.
        item_counts_: Rows of each item in the fitted log [n_items], int64.
        user_counts_: Rows of each user in the fitted log [n_users], int64.
        training_: The History of training, one row an epoch; None for models without epochs.
    """

    from_histories: ClassVar[bool] = False  # whether users are computed from their histories alone
    side_data: ClassVar[frozenset[str]] = frozenset()  # which of user_features, item_features, social it learns from

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _classes[cls.__name__] = cls

    # --- settings

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name, as scikit-learn's estimators give them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def set_params(self, **params: Any) -> Self:
        """Changes settings; they count from the next `fit`.

        Raises:
            ValueError: If the model has no setting of that name.
        """
        known = [field.name for field in fields(self)]
        for name in params:
            if name not in known:
                raise ValueError(f"{type(self).__name__} has no setting {name!r}; it has {', '.join(known) or 'none'}")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        changed = []
        for field in fields(self):
            default = field.default_factory() if field.default_factory is not MISSING else field.default
            value = getattr(self, field.name)
            if repr(value) != repr(default):  # a setting may be an array
                changed.append(f"{field.name}={value!r}")
        return f"{type(self).__name__}({', '.join(changed)})"

    # --- what a model defines

    @abstractmethod
    def _check(self) -> None:
        """Raises a ValueError if a setting is out of its range; called before anything is learned."""

    @abstractmethod
    def _train(self, log: Interactions, fitting: Fitting) -> None:
        """Learns from the log and keeps it in attributes that end in ``_``. The settings are those of ``settings_``."""

    @abstractmethod
    def _make_scorer(self) -> Scorer:
        """What ranks, from what was learned; made when first needed and kept until the next `_forget_scorer`."""

    @abstractmethod
    def _queries(self, people: People) -> Any:
        """What the scorer takes for these users [n].

        Nobody here has both index -1 and an empty history, nor, in a model `from_histories`, an empty history.
        """

    @abstractmethod
    def _state(self) -> dict[str, NDArray[Any]]:
        """What was learned, as arrays by name, for the file."""

    @abstractmethod
    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Takes back what `_state` gave; ``n_users``, ``n_items`` and counts are there already."""

    def _item_vectors(self) -> Scores | None:
        """Vectors of items [n_items, dim] for `similar_items`; None where a model has none."""
        return None

    # --- fit

    def fit(
        self,
        log: Any,
        *,
        user_features: Any = None,
        item_features: Any = None,
        social: Any = None,
        validation: Any = None,
        callbacks: Sequence[Any] = (),
        resume: str | PathLike[str] | None = None,
        time_limit: float | None = None,
        verbose: int = 1,
    ) -> Self:
        """Learns from a log. Where it raises, or is interrupted, the model is left as it was before.

        Models without epochs (Popularity, ItemKNN, EASE) learn in one go: `validation`, `callbacks`, `resume` and
        `time_limit` are checked, and have no effect.

        Args:
            log: The log, or whatever `Interactions` takes: a path, a frame, a mapping of arrays, a sparse matrix, or a
                tuple (users, items), to which ratings and then timestamps may be added.
            user_features: What is known about users, for models that use it.
            item_features: What is known about items; a ``title`` column is shown with results by every model.
            social: Who follows whom, for models that use it.
            validation: A log on which callbacks such as `EarlyStopping("ndcg@10")` evaluate, with `log` as history.
            callbacks: What to call between epochs.
            resume: A file that keeps the state of training after every epoch, and from which training goes on, bit for
                bit, if it is there. It is refused if it was written with another log or other settings, the number of
                epochs aside (but with MF, whose rate depends on it), or holds more epochs than are asked for.
            time_limit: Seconds after which training stops at the end of a step.
            verbose: 1 shows progress, 0 nothing.

        Returns:
            The model itself.

        Raises:
            ValueError: If a setting is out of its range, the log is empty, no user of the validation log is in the
                log, or side data are given that the model does not use.
            TypeError: If an argument is of another kind.
        """
        self._check()
        if time_limit is not None:
            checks.number("fit", "time_limit", time_limit, above=0)
        if resume is not None and not isinstance(resume, str | PathLike):
            raise TypeError(f"fit: resume takes a path, got {type(resume).__name__}")
        log = as_log(log)
        if len(log) == 0:
            raise ValueError("fit: the log has no rows")
        for name, value in {"user_features": user_features, "social": social}.items():
            if value is not None and name not in self.side_data:
                raise ValueError(f"fit: {type(self).__name__} does not use {name}")
        if item_features is not None and not isinstance(item_features, Features):
            raise TypeError(f"fit: item_features takes a Features, got {type(item_features).__name__}")
        fitting = Fitting(
            user_features=user_features,
            item_features=item_features,
            social=social,
            validation=None if validation is None else _validation(validation, log),
            callbacks=as_callbacks(callbacks),
            resume=resume,
            time_limit=time_limit,
            verbose=verbose,
        )
        before = self.__dict__.copy()
        try:
            self._keep_settings()
            self._learn_vocabulary(log, item_features)
            self._train(log, fitting)
        except BaseException:
            self.__dict__ = before
            raise
        self._forget_scorer()
        return self

    def _keep_settings(self) -> None:
        self.settings_ = cast(Self, replace(self, **copy.deepcopy(self.get_params())))

    def _learn_vocabulary(self, log: Interactions, item_features: Any = None) -> None:
        self.log_: Interactions | None = log
        self.training_: Any = None
        self._vocabulary = log.take(np.zeros(0, dtype=np.int64))
        self.item_counts_: NDArray[np.int64] = np.bincount(log.item_index, minlength=log.n_items)
        self.user_counts_: NDArray[np.int64] = np.diff(log.indptr)
        self.titles_: NDArray[Any] | None = vocabulary.titles_of(item_features, log)
        self._forget_scorer()

    def _forget_scorer(self) -> None:
        """To be called when what was learned has changed."""
        self._scorer: Scorer | None = None

    def _validate(self, fitting: Fitting, metrics: Sequence[str]) -> Report:
        """Metrics on the validation log with what is learned so far, for callbacks."""
        self._forget_scorer()
        return self.evaluate(fitting.validation, metrics=metrics)

    # --- use

    @property
    def vocabulary(self) -> Interactions:
        """The users and items the model knows: a log without rows.

        Raises:
            RuntimeError: If the model is not fitted.
        """
        self._check_fitted()
        return self._vocabulary

    @property
    def n_users(self) -> int:
        """Users in the vocabulary."""
        return self.vocabulary.n_users

    @property
    def n_items(self) -> int:
        """Items in the vocabulary."""
        return self.vocabulary.n_items

    @property
    def user_ids(self) -> NDArray[Any]:
        """Raw user ids [n_users], ascending."""
        return self.vocabulary.user_ids

    @property
    def item_ids(self) -> NDArray[Any]:
        """Raw item ids [n_items], ascending."""
        return self.vocabulary.item_ids

    def _check_fitted(self) -> None:
        if not hasattr(self, "_vocabulary"):
            raise RuntimeError(f"{type(self).__name__} is not fitted: call fit(log) first")

    def scorer(self) -> Scorer:
        """What ranks: `evaluation` and `recommend` both go through it."""
        self._check_fitted()
        if self._scorer is None:
            self._scorer = self._make_scorer()
        return self._scorer

    def queries(self, people: People) -> Any:
        """What `scorer` takes for these users; see `_queries` for whom."""
        return self._queries(people)

    def people(self, users: Any, log: Interactions | None = None, histories: Histories | None = None) -> People:
        """Users by raw id, with their rows in the fitted log, or in `log` for the users it names, or `histories`.

        Users outside the vocabulary, and those without a row at training, have index -1.
        """
        return vocabulary.people(self, users, log, histories)

    def recommend(
        self,
        users: Any = None,
        k: int = 10,
        *,
        filter_viewed: bool = True,
        items: Any = None,
        exclude: Any = None,
        history: Any = None,
        unknown: Literal["error", "popular"] = "error",
    ) -> Recommendations:
        """The k best items for each user.

        Args:
            users: One raw id or many (a str is one); None: all users, or one row for each history.
            k: Items wanted; no list is longer than the catalogue.
            filter_viewed: Leave out what is in a user's history.
            items: Raw ids to choose from; None: all. Items without a training row are never recommended.
            exclude: Raw ids never to recommend.
            history: What users did, instead of their rows in the fitted log: a log or whatever `Interactions` takes
                (but tuples are lists here), one list of raw item ids (one row), or a list of lists. Needs no refit.
            unknown: What to do about users outside the vocabulary and without a history, and about histories of
                nothing but unknown items: "error", or "popular", which serves them the most popular items and marks
                them in ``fallback``. Users of the vocabulary without a row, and empty histories, are served so in any
                case. Unknown items beside known ones are left out; "error" warns of them.

        Returns:
            Lists of the best k items, or of as many as there are in the vocabulary if that is fewer.

        Raises:
            KeyError: If an id is outside the vocabulary.
            ValueError: If k is not a positive integer, histories and users differ in number, or the model was saved
                with ``log=False`` and a user's history is needed and not given.
        """
        self._check_fitted()
        checks.integer("recommend", "k", k, least=1)
        checks.truth("recommend", "filter_viewed", filter_viewed)
        k = min(int(k), self.n_items)
        question = vocabulary.question(self, users, history, unknown, filter_viewed)
        allowed = vocabulary.allowed_items(self, items, exclude)
        n = len(question.people)
        indices = np.full((n, k), -1, dtype=np.int32)
        scores = np.full((n, k), -np.inf, dtype=np.float32)
        for begin in range(0, n, ROWS_AT_ONCE):
            rows = np.arange(begin, min(begin + ROWS_AT_ONCE, n))
            for popular in (False, True):
                mine = rows[question.fallback[rows] == popular]
                if len(mine) == 0:
                    continue
                people = question.people.take(mine)
                seen = people.histories.distinct() if filter_viewed else Histories.empty(len(mine))
                scorer = self._popularity() if popular else self.scorer()
                queries = np.ones((len(mine), 1), dtype=np.float32) if popular else self._queries(people)
                indices[mine], scores[mine] = scorer.top(queries, k, allowed=allowed, seen=seen)
        return Recommendations(
            question.names, indices, scores, self.item_ids, fallback=question.fallback, titles=self.titles_
        )

    def predict(self, users: Any, items: Any) -> Scores:
        """Scores of pairs of a user and an item.

        Args:
            users: Raw ids [n], or one.
            items: Raw ids [n], or one.

        Returns:
            float32 [n]; the same bits `recommend` gives.

        Raises:
            KeyError: If an id is outside the vocabulary, or nothing is known of a user.
            ValueError: If there are several of both and their numbers differ, or the model computes users from their
                histories and was saved with ``log=False``.
        """
        self._check_fitted()
        rows, people, item_index = vocabulary.pairs(self, users, items)
        return self.scorer().pairs(self._queries(people), rows, item_index)

    def similar_items(self, items: Any, k: int = 10) -> Recommendations:
        """The items most alike, by the cosine of their vectors; never the item itself.

        Args:
            items: One raw id or many; they stand in ``users`` of the result.
            k: Items wanted; no list is longer than the catalogue.

        Raises:
            NotImplementedError: If the model has no item vectors.
            KeyError: If an id is outside the vocabulary.
            ValueError: If k is not a positive integer.
        """
        self._check_fitted()
        checks.integer("similar_items", "k", k, least=1)
        k = min(int(k), self.n_items)
        vectors = self._item_vectors()
        if vectors is None:
            raise NotImplementedError(f"{type(self).__name__} has no item vectors")
        index = self.vocabulary.index_of_items(vocabulary.listed(items))
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = (vectors / np.where(length > 0, length, 1)).astype(np.float32)
        itself = Histories(np.arange(len(index) + 1, dtype=np.int64), index)
        found, scores = FactorScorer(unit).top(unit[index], k, allowed=self.item_counts_ > 0, seen=itself)
        return Recommendations(self.item_ids[index], found, scores, self.item_ids, titles=self.titles_)

    def evaluate(
        self,
        test: Any,
        *,
        history: Any = None,
        filter_viewed: bool | None = None,
        metrics: Sequence[str] = ("ndcg@10", "recall@10", "hit@10", "mrr@10"),
        candidates: Any = "all",
        every_position: bool = False,
        per_user: bool = False,
        seed: int = 0,
    ) -> Report:
        """Metrics on held-out rows; `likewise.evaluation.evaluate` documents protocol, arguments and metrics."""
        from likewise.evaluation import evaluate

        self._check_fitted()
        return evaluate(
            self,
            as_log(test),
            history=None if history is None else as_log(history),
            filter_viewed=filter_viewed,
            metrics=metrics,
            candidates=candidates,
            every_position=every_position,
            per_user=per_user,
            seed=seed,
        )

    # --- files

    def save(self, path: str | PathLike[str], log: bool = True) -> None:
        """Writes the model to one file: the settings it was fitted with, vocabulary, what was learned, and the log.

        Args:
            path: The file; an old one is replaced only once the new one is whole.
            log: Whether to keep the fitted log, which histories default to.
        """
        self._check_fitted()
        has_log = log and self.log_ is not None
        header = {"format": "likewise", "version": FORMAT_VERSION, "model": type(self).__name__}
        tensors = {f"state.{name}": array for name, array in self._state().items()}
        tensors |= persistence.log_tensors(self.log_ if log and self.log_ is not None else self.vocabulary)
        tensors |= {"item_counts": self.item_counts_, "user_counts": self.user_counts_}
        if self.titles_ is not None:
            tensors |= persistence.titles_tensors(self.titles_)
        header |= {"settings": self.settings_.get_params(), "log": has_log}
        files.write_tensors(path, tensors, {"likewise": json.dumps(header, sort_keys=True, default=_plain)})

    def _popularity(self) -> Scorer:
        return FactorScorer(self.item_counts_.astype(np.float32)[:, None])


def _validation(validation: Any, log: Interactions) -> Interactions:
    """The validation log, with a user at least whose rows in `log` are a history to rank after."""
    held_out = as_log(validation)
    users = log.find_users(held_out.user_ids[np.diff(held_out.indptr) > 0])
    if not np.diff(log.indptr)[users[users >= 0]].any():
        raise ValueError(f"fit: validation: none of its {len(users):,} users has a row in the log")
    return held_out


def _plain(value: Any) -> Any:
    """A setting as JSON has it."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"save: a setting is {value!r}; a file keeps numbers, text, lists and dicts of them")


def load(path: str | PathLike[str]) -> Any:
    """Reads a model saved by `Recommender.save`; its checksum is verified before any value is used.

    Raises:
        ValueError: If the file is damaged, of a later version, or of a model this version does not have.
        FileNotFoundError: If there is none.
    """
    import likewise.models  # noqa: F401 (all classes are known once their modules are imported)

    tensors, metadata = files.read_tensors(path)
    try:
        header = json.loads(metadata["likewise"])
        name, settings = header["model"], header["settings"]
        # JSON has lists where settings have tuples.
        settings = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
        if header["version"] > FORMAT_VERSION:
            raise ValueError(f"{path} has format {header['version']}, this version reads up to {FORMAT_VERSION}")
        if name not in _classes:
            raise ValueError(f"{path} holds a model {name!r}, which this version does not have")
        model = _classes[name](**settings)
        model._keep_settings()
        model._learn_vocabulary(persistence.log_of(tensors))
        model.item_counts_, model.user_counts_ = tensors["item_counts"], tensors["user_counts"]
        if not header["log"]:
            model.log_ = None
        model.titles_ = persistence.titles_of(tensors)
        model._restore({name[6:]: array for name, array in tensors.items() if name.startswith("state.")})
    except (KeyError, TypeError, IndexError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is no model file of likewise: {error!r}") from error
    return model
