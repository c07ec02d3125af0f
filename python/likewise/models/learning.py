"""From a recommender's `fit` to the training loop: what is measured after an epoch, and when to stop."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from likewise.evaluation.metrics import metrics_of
from likewise.files import content_digest
from likewise.models.persistence import log_tensors
from likewise.training.loop import train

if TYPE_CHECKING:
    from likewise.models.recommender import Fitting, Recommender
    from likewise.training.history import History


def learn(
    model: Recommender,
    network: Any,
    optimizer: Any,
    batches: Callable[[int], Any],
    fitting: Fitting,
    epochs: int,
    free: Collection[str] = ("epochs",),
) -> History:
    """Trains a recommender's network by the one loop.

    After each epoch the metrics that callbacks follow are measured on the validation log, "ndcg@10" if they follow
    none; without a validation log nothing is.

    Args:
        model: The recommender; its ``network_`` is the network, so that it can rank in the middle of training.
        network: What is trained.
        optimizer: Its optimizer.
        batches: The batches of an epoch, given its number.
        fitting: What `fit` was given.
        epochs: How many.
        free: Settings that may differ from those the file of `resume` was written with.

    Raises:
        ValueError: If a callback follows a metric that there is not, or there is no validation log for it, or the file
            of `resume` was written with another log or other settings.
    """
    followed = {each.monitor for each in fitting.callbacks if hasattr(each, "monitor")} - {"loss"}
    if followed and fitting.validation is None:
        raise ValueError(f"fit: a callback follows {', '.join(sorted(followed))}, which needs validation=")
    metrics = sorted(followed) or ["ndcg@10"]
    metrics_of(metrics)

    def measure() -> dict[str, float]:
        return dict(model._validate(fitting, metrics))

    return train(
        network,
        optimizer,
        batches,
        epochs=epochs,
        measure=None if fitting.validation is None else measure,
        callbacks=fitting.callbacks,
        time_limit=fitting.time_limit,
        resume=fitting.resume,
        origin=None if fitting.resume is None else _origin(model, free),
        verbose=fitting.verbose,
    )


def _origin(model: Recommender, free: Collection[str]) -> dict[str, Any]:
    """What a training is known by: the model, its settings without those that are `free`, and the log."""
    settings = {name: value for name, value in model.settings_.get_params().items() if name not in free}
    log = model.log_
    assert log is not None  # there is one at `fit`
    digest = content_digest(log_tensors(log), {})
    return {"model": type(model).__name__, **settings, "log": f"{log!r}, sha256 {digest[:16]}"}
