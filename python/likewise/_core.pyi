# Written by tools/stubs.py from the compiled module: change cpp/bindings instead.
"""
The compiled core of likewise. Public names live in likewise.functional and the packages above it.
"""

from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing

__all__: list[str] = [
    "Batches",
    "Factorization",
    "FactorizationSettings",
    "ItemDraws",
    "PackedItems",
    "RowSparse",
    "StepOptions",
    "Tensor",
    "abs",
    "activation",
    "adagrad_step",
    "adam_step",
    "add",
    "area_under_curve",
    "argmax",
    "attention",
    "average_pool",
    "batch_normalization",
    "binary_cross_entropy",
    "binary_cross_entropy_of_logits",
    "bpr",
    "bpr_max_loss",
    "broadcast_to",
    "candidate_scores",
    "categorical_cross_entropy",
    "clip",
    "coalesce_rows",
    "concatenate",
    "conv",
    "cuda_status",
    "distinct_lists",
    "divide",
    "dropout",
    "ease",
    "embedding",
    "embedding_bag",
    "equal",
    "exp",
    "fit_new_users",
    "gbce_loss",
    "grad_enabled",
    "gradient_square_sum",
    "gru",
    "hinge",
    "improve_rows",
    "in_batch_softmax_loss",
    "isa_level",
    "item_neighbours",
    "l2_normalize",
    "layer_normalization",
    "less",
    "less_equal",
    "linear",
    "log",
    "log1p",
    "log_softmax",
    "lstm",
    "matmul",
    "max",
    "max_pool",
    "maximum",
    "mean",
    "mean_absolute_error",
    "mean_squared_error",
    "memory_stats",
    "min",
    "minimum",
    "multiply",
    "negate",
    "not_equal",
    "num_threads",
    "positions_in_scores",
    "power",
    "ranking_metrics",
    "ranks_in_lists",
    "release_cached_memory",
    "reshape",
    "rmsprop_step",
    "row_sums",
    "sample_items",
    "sampled_softmax_loss",
    "scaled_gram",
    "scatter_add",
    "set_deferring",
    "set_grad_enabled",
    "set_num_threads",
    "sgd_step",
    "sign",
    "simple_rnn",
    "softmax",
    "softmax_loss",
    "solve_rows",
    "sparse_categorical_cross_entropy",
    "sparse_row_sums",
    "sqrt",
    "square",
    "subtract",
    "sum",
    "top_of_scores",
    "transpose",
    "usable_isa_levels",
    "variance",
    "version",
    "where",
]

class Tensor:
    """
    An array with a place in the graph of operations.

    Args:
        array: Anything NumPy makes an array of; it is copied. float64 becomes float32; int32, int64, uint8 and bool stay.
        requires_grad: Should ``backward`` leave a gradient in ``.grad``? float32 only.

    ``a == b`` is true of one and the same tensor; functional.equal compares elements.
    """

    __array_priority__: typing.ClassVar[int] = 1000
    def __abs__(self) -> Tensor: ...
    def __add__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __array__(self, dtype: typing.Any = None, copy: typing.Any = None) -> numpy.ndarray: ...
    def __bool__(self) -> bool: ...
    def __float__(self) -> float: ...
    def __ge__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __getitem__(self, key: typing.Any) -> Tensor: ...
    def __gt__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __init__(self, array: typing.Any, requires_grad: bool = False) -> None: ...
    def __int__(self) -> int: ...
    def __le__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __len__(self) -> int: ...
    def __lt__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __matmul__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __mul__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __neg__(self) -> Tensor: ...
    def __pow__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __radd__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __repr__(self) -> str: ...
    def __rmatmul__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __rmul__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __rpow__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __rsub__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __rtruediv__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __sub__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def __truediv__(self, arg0: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
    def assign(self, values: typing.Any) -> None:
        """
        Overwrite the values in place.
        """
    def backward(self, gradient: typing.Any = None) -> None:
        """
        Add the gradients of this tensor to `.grad` of every leaf it depends on. The graph can be used once.
        """
    def detach(self) -> Tensor:
        """
        The same values, outside the graph.
        """
    def item(self) -> typing.Any:
        """
        The only element, as a Python number.
        """
    def numpy(self) -> numpy.ndarray:
        """
        A read-only view of the values.
        """
    @property
    def dtype(self) -> typing.Any: ...
    @property
    def grad(self) -> typing.Any:
        """
        None, a Tensor, or RowSparse for a table of which few rows were used.
        """
    @grad.setter
    def grad(self, arg1: typing.Any) -> None: ...
    @property
    def is_leaf(self) -> bool:
        """
        Was it made by hand, not by a recorded operation?
        """
    @property
    def ndim(self) -> int: ...
    @property
    def requires_grad(self) -> bool:
        """
        Does `backward` leave a gradient here? It can be set on leaves.
        """
    @requires_grad.setter
    def requires_grad(self, arg1: bool) -> None: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def size(self) -> int: ...

class RowSparse:
    """
    The gradient of a table of which few rows were used: table[ids[r]] gets rows[r]; ids may repeat.
    """
    def __array__(self, dtype: typing.Any = None, copy: typing.Any = None) -> numpy.ndarray: ...
    def __init__(self, ids: typing.Any, rows: typing.Any, shape: collections.abc.Sequence[int]) -> None: ...
    def __repr__(self) -> str: ...
    def to_dense(self) -> Tensor: ...
    @property
    def ids(self) -> numpy.ndarray: ...
    @property
    def rows(self) -> numpy.ndarray: ...
    @property
    def shape(self) -> tuple[int, ...]: ...

class Batches:
    def __init__(
        self,
        indptr: Tensor | numpy.typing.ArrayLike | None,
        items: Tensor | numpy.typing.ArrayLike | None,
        ratings: Tensor | numpy.typing.ArrayLike | None,
        *,
        n_items: typing.SupportsInt | typing.SupportsIndex,
        batch_size: typing.SupportsInt | typing.SupportsIndex,
        negatives: typing.SupportsInt | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
        draw_seen: bool = False,
    ) -> None: ...
    def draw(
        self, epoch: typing.SupportsInt | typing.SupportsIndex, step: typing.SupportsInt | typing.SupportsIndex
    ) -> tuple[
        numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int32], numpy.typing.NDArray[numpy.int32]
    ]: ...
    @property
    def steps(self) -> int: ...

class ItemDraws:
    def __init__(
        self,
        indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
        n_items: typing.SupportsInt | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def draw(
        self,
        epoch: typing.SupportsInt | typing.SupportsIndex,
        rows: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        count: typing.SupportsInt | typing.SupportsIndex,
        users: typing.Annotated[numpy.typing.ArrayLike, numpy.int32] | None = None,
    ) -> numpy.typing.NDArray[numpy.int32]: ...

class FactorizationSettings:
    def __init__(
        self,
        *,
        loss: str,
        optimizer: str,
        beta1: typing.SupportsFloat | typing.SupportsIndex = 0.8999999761581421,
        beta2: typing.SupportsFloat | typing.SupportsIndex = 0.9990000128746033,
        epsilon: typing.SupportsFloat | typing.SupportsIndex = 9.99999993922529e-09,
        l2: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        exact: bool = False,
        offset: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> None: ...

class Factorization:
    def __init__(
        self,
        users: typing.Any,
        items: typing.Any,
        user_biases: typing.Any,
        item_biases: typing.Any,
        settings: FactorizationSettings,
    ) -> None: ...
    def run(
        self,
        batches: Batches,
        epoch: typing.SupportsInt | typing.SupportsIndex,
        first: typing.SupportsInt | typing.SupportsIndex,
        last: typing.SupportsInt | typing.SupportsIndex,
        *,
        steps_before: typing.SupportsInt | typing.SupportsIndex,
        learning_rate: typing.SupportsFloat | typing.SupportsIndex,
    ) -> float: ...

class PackedItems:
    def __init__(
        self,
        vectors: typing.Annotated[numpy.typing.ArrayLike, numpy.float32],
        biases: typing.Annotated[numpy.typing.ArrayLike, numpy.float32] | None = None,
    ) -> None: ...
    def pairs(
        self,
        queries: typing.Annotated[numpy.typing.ArrayLike, numpy.float32],
        rows: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
    ) -> numpy.typing.NDArray[numpy.float32]: ...
    def positions(
        self,
        queries: typing.Annotated[numpy.typing.ArrayLike, numpy.float32],
        wanted_indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        wanted_items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
        allowed: typing.Annotated[numpy.typing.ArrayLike, numpy.bool],
        seen_indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        seen_items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
    ) -> tuple[
        numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]
    ]: ...
    def top(
        self,
        queries: typing.Annotated[numpy.typing.ArrayLike, numpy.float32],
        k: typing.SupportsInt | typing.SupportsIndex,
        allowed: typing.Annotated[numpy.typing.ArrayLike, numpy.bool],
        seen_indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
        seen_items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
    ) -> tuple[numpy.typing.NDArray[numpy.int32], numpy.typing.NDArray[numpy.float32]]: ...

class StepOptions:
    """
    What every optimizer does with a gradient before its own formula.
    """
    def __init__(
        self,
        scale: typing.SupportsFloat | typing.SupportsIndex,
        limit: typing.SupportsFloat | typing.SupportsIndex,
        l1: typing.SupportsFloat | typing.SupportsIndex,
        l2: typing.SupportsFloat | typing.SupportsIndex,
        decay: typing.SupportsFloat | typing.SupportsIndex,
        exact: bool,
    ) -> None: ...

def abs(x: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def activation(
    x: Tensor | numpy.typing.ArrayLike | None,
    activation: str | None,
    alpha: typing.SupportsFloat | typing.SupportsIndex,
) -> Tensor: ...
def adagrad_step(
    parameter: Tensor | numpy.typing.ArrayLike | None,
    options: StepOptions,
    accumulator: Tensor | numpy.typing.ArrayLike | None,
    learning_rate: typing.SupportsFloat | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex,
) -> None: ...
def adam_step(
    parameter: Tensor | numpy.typing.ArrayLike | None,
    options: StepOptions,
    momentums: Tensor | numpy.typing.ArrayLike | None,
    velocities: Tensor | numpy.typing.ArrayLike | None,
    learning_rate: typing.SupportsFloat | typing.SupportsIndex,
    beta_1: typing.SupportsFloat | typing.SupportsIndex,
    beta_2: typing.SupportsFloat | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex,
    step: typing.SupportsInt | typing.SupportsIndex,
    highest: Tensor | numpy.typing.ArrayLike | None = None,
) -> None: ...
def add(a: Tensor | numpy.typing.ArrayLike | None, b: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def area_under_curve(
    indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    higher: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    equal: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    candidates: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
) -> numpy.typing.NDArray[numpy.float64]: ...
def argmax(
    x: Tensor | numpy.typing.ArrayLike | None, axis: typing.SupportsInt | typing.SupportsIndex | None, keepdims: bool
) -> Tensor: ...
def attention(
    query: Tensor | numpy.typing.ArrayLike | None,
    key: Tensor | numpy.typing.ArrayLike | None,
    value: Tensor | numpy.typing.ArrayLike | None,
    num_heads: typing.SupportsInt | typing.SupportsIndex,
    offsets: Tensor | numpy.typing.ArrayLike | None = None,
    key_offsets: Tensor | numpy.typing.ArrayLike | None = None,
    lengths: Tensor | numpy.typing.ArrayLike | None = None,
    key_lengths: Tensor | numpy.typing.ArrayLike | None = None,
    key_mask: Tensor | numpy.typing.ArrayLike | None = None,
    causal: bool = False,
    scale: typing.SupportsFloat | typing.SupportsIndex | None = None,
    relative_bias: Tensor | numpy.typing.ArrayLike | None = None,
    dropout: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    dropout_key: typing.SupportsInt | typing.SupportsIndex = 0,
) -> Tensor: ...
def average_pool(
    x: Tensor | numpy.typing.ArrayLike | None,
    pool: collections.abc.Sequence[int],
    strides: collections.abc.Sequence[int],
    padding: str,
) -> Tensor: ...
def batch_normalization(
    x: Tensor | numpy.typing.ArrayLike | None,
    gamma: Tensor | numpy.typing.ArrayLike | None = None,
    beta: Tensor | numpy.typing.ArrayLike | None = None,
    epsilon: typing.SupportsFloat | typing.SupportsIndex = 0.0010000000474974513,
) -> tuple[Tensor, Tensor, Tensor]: ...
def binary_cross_entropy(
    prediction: Tensor | numpy.typing.ArrayLike | None,
    target: Tensor | numpy.typing.ArrayLike | None,
    weight: Tensor | numpy.typing.ArrayLike | None = None,
    reduction: str = "mean",
) -> Tensor: ...
def binary_cross_entropy_of_logits(
    prediction: Tensor | numpy.typing.ArrayLike | None,
    target: Tensor | numpy.typing.ArrayLike | None,
    weight: Tensor | numpy.typing.ArrayLike | None = None,
    reduction: str = "mean",
) -> Tensor: ...
def bpr(
    positive: Tensor | numpy.typing.ArrayLike | None,
    negative: Tensor | numpy.typing.ArrayLike | None,
    weight: Tensor | numpy.typing.ArrayLike | None = None,
    reduction: str = "mean",
) -> Tensor: ...
def bpr_max_loss(
    states: Tensor | numpy.typing.ArrayLike | None,
    table: Tensor | numpy.typing.ArrayLike | None,
    targets: Tensor | numpy.typing.ArrayLike | None,
    negatives: Tensor | numpy.typing.ArrayLike | None,
    bias: Tensor | numpy.typing.ArrayLike | None = None,
    regularization: typing.SupportsFloat | typing.SupportsIndex = 1.0,
    elu_alpha: typing.SupportsFloat | typing.SupportsIndex | None = None,
    weights: Tensor | numpy.typing.ArrayLike | None = None,
    ignored: typing.SupportsInt | typing.SupportsIndex | None = None,
) -> Tensor: ...
def broadcast_to(x: Tensor | numpy.typing.ArrayLike | None, shape: collections.abc.Sequence[int]) -> Tensor: ...
def candidate_scores(
    states: Tensor | numpy.typing.ArrayLike | None,
    table: Tensor | numpy.typing.ArrayLike | None,
    ids: Tensor | numpy.typing.ArrayLike | None,
    bias: Tensor | numpy.typing.ArrayLike | None = None,
) -> Tensor: ...
def categorical_cross_entropy(
    prediction: Tensor | numpy.typing.ArrayLike | None,
    target: Tensor | numpy.typing.ArrayLike | None,
    weight: Tensor | numpy.typing.ArrayLike | None = None,
    from_logits: bool = False,
    reduction: str = "mean",
) -> Tensor: ...
def clip(
    x: Tensor | numpy.typing.ArrayLike | None,
    low: typing.SupportsFloat | typing.SupportsIndex,
    high: typing.SupportsFloat | typing.SupportsIndex,
) -> Tensor: ...
def coalesce_rows(sparse: RowSparse) -> RowSparse: ...
def concatenate(
    tensors: collections.abc.Iterable[Tensor | numpy.typing.ArrayLike], axis: typing.SupportsInt | typing.SupportsIndex
) -> Tensor: ...
def conv(
    x: Tensor | numpy.typing.ArrayLike | None,
    kernel: Tensor | numpy.typing.ArrayLike | None,
    bias: Tensor | numpy.typing.ArrayLike | None = None,
    strides: collections.abc.Sequence[int] = (1,),
    dilation: collections.abc.Sequence[int] = (1,),
    padding: str = "valid",
    groups: typing.SupportsInt | typing.SupportsIndex = 1,
    activation: str | None = None,
) -> Tensor: ...
def cuda_status() -> tuple[bool, int, str]: ...
def distinct_lists(
    indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int32]]: ...
def divide(a: Tensor | numpy.typing.ArrayLike | None, b: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def dropout(
    x: Tensor | numpy.typing.ArrayLike | None,
    rate: typing.SupportsFloat | typing.SupportsIndex,
    key: typing.SupportsInt | typing.SupportsIndex,
    offset: typing.SupportsInt | typing.SupportsIndex,
) -> Tensor: ...
def ease(
    indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
    n_items: typing.SupportsInt | typing.SupportsIndex,
    l2: typing.SupportsFloat | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.float32]: ...
def embedding(table: Tensor | numpy.typing.ArrayLike | None, ids: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def embedding_bag(
    table: Tensor | numpy.typing.ArrayLike | None,
    ids: Tensor | numpy.typing.ArrayLike | None,
    offsets: Tensor | numpy.typing.ArrayLike | None,
    mode: str,
    weights: Tensor | numpy.typing.ArrayLike | None = None,
) -> Tensor: ...
def equal(a: Tensor | numpy.typing.ArrayLike | None, b: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def exp(x: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def fit_new_users(
    indptr: Tensor | numpy.typing.ArrayLike | None,
    items: Tensor | numpy.typing.ArrayLike | None,
    ratings: Tensor | numpy.typing.ArrayLike | None,
    item_vectors: Tensor | numpy.typing.ArrayLike | None,
    item_biases: Tensor | numpy.typing.ArrayLike | None,
    settings: FactorizationSettings,
    *,
    negatives: typing.SupportsInt | typing.SupportsIndex,
    steps: typing.SupportsInt | typing.SupportsIndex,
    learning_rate: typing.SupportsFloat | typing.SupportsIndex,
    seed: typing.SupportsInt | typing.SupportsIndex,
) -> Tensor: ...
def gbce_loss(
    states: Tensor | numpy.typing.ArrayLike | None,
    table: Tensor | numpy.typing.ArrayLike | None,
    targets: Tensor | numpy.typing.ArrayLike | None,
    negatives: Tensor | numpy.typing.ArrayLike | None,
    bias: Tensor | numpy.typing.ArrayLike | None = None,
    beta: typing.SupportsFloat | typing.SupportsIndex = 1.0,
    weights: Tensor | numpy.typing.ArrayLike | None = None,
    ignored: typing.SupportsInt | typing.SupportsIndex | None = None,
) -> Tensor: ...
def grad_enabled() -> bool: ...
def gradient_square_sum(parameter: Tensor | numpy.typing.ArrayLike | None) -> float: ...
def gru(
    x: Tensor | numpy.typing.ArrayLike | None,
    kernel: Tensor | numpy.typing.ArrayLike | None,
    recurrent_kernel: Tensor | numpy.typing.ArrayLike | None,
    bias: Tensor | numpy.typing.ArrayLike | None = None,
    state: Tensor | numpy.typing.ArrayLike | None = None,
    state_scale: Tensor | numpy.typing.ArrayLike | None = None,
    lengths: Tensor | numpy.typing.ArrayLike | None = None,
    mask: Tensor | numpy.typing.ArrayLike | None = None,
    offsets: Tensor | numpy.typing.ArrayLike | None = None,
    activation: str | None = "tanh",
    recurrent_activation: str | None = "sigmoid",
    reset_after: bool = True,
    return_sequences: bool = False,
    return_state: bool = False,
) -> Tensor: ...
def hinge(
    prediction: Tensor | numpy.typing.ArrayLike | None,
    target: Tensor | numpy.typing.ArrayLike | None,
    weight: Tensor | numpy.typing.ArrayLike | None = None,
    reduction: str = "mean",
) -> Tensor: ...
def improve_rows(
    rows: Tensor | numpy.typing.ArrayLike | None,
    others: Tensor | numpy.typing.ArrayLike | None,
    gram: Tensor | numpy.typing.ArrayLike | None,
    begin: Tensor | numpy.typing.ArrayLike | None,
    history: Tensor | numpy.typing.ArrayLike | None,
    weights: Tensor | numpy.typing.ArrayLike | None,
    ridge: Tensor | numpy.typing.ArrayLike | None,
    *,
    steps: typing.SupportsInt | typing.SupportsIndex,
) -> tuple[Tensor, float]: ...
def in_batch_softmax_loss(
    queries: Tensor | numpy.typing.ArrayLike | None,
    items: Tensor | numpy.typing.ArrayLike | None,
    ids: Tensor | numpy.typing.ArrayLike | None = None,
    log_q: Tensor | numpy.typing.ArrayLike | None = None,
) -> Tensor: ...
def isa_level() -> str: ...
def item_neighbours(
    indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
    n_items: typing.SupportsInt | typing.SupportsIndex,
    similarity: str,
    shrinkage: typing.SupportsFloat | typing.SupportsIndex,
    k: typing.SupportsInt | typing.SupportsIndex,
) -> tuple[numpy.typing.NDArray[numpy.int32], numpy.typing.NDArray[numpy.float32]]: ...
def l2_normalize(
    x: Tensor | numpy.typing.ArrayLike | None, epsilon: typing.SupportsFloat | typing.SupportsIndex
) -> Tensor: ...
def layer_normalization(
    x: Tensor | numpy.typing.ArrayLike | None,
    gamma: Tensor | numpy.typing.ArrayLike | None = None,
    beta: Tensor | numpy.typing.ArrayLike | None = None,
    epsilon: typing.SupportsFloat | typing.SupportsIndex = 0.0010000000474974513,
) -> Tensor: ...
def less(a: Tensor | numpy.typing.ArrayLike | None, b: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def less_equal(a: Tensor | numpy.typing.ArrayLike | None, b: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def linear(
    x: Tensor | numpy.typing.ArrayLike | None,
    kernel: Tensor | numpy.typing.ArrayLike | None,
    bias: Tensor | numpy.typing.ArrayLike | None = None,
    activation: str | None = None,
) -> Tensor: ...
def log(x: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def log1p(x: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def log_softmax(
    x: Tensor | numpy.typing.ArrayLike | None, axis: typing.SupportsInt | typing.SupportsIndex
) -> Tensor: ...
def lstm(
    x: Tensor | numpy.typing.ArrayLike | None,
    kernel: Tensor | numpy.typing.ArrayLike | None,
    recurrent_kernel: Tensor | numpy.typing.ArrayLike | None,
    bias: Tensor | numpy.typing.ArrayLike | None = None,
    state: Tensor | numpy.typing.ArrayLike | None = None,
    cell_state: Tensor | numpy.typing.ArrayLike | None = None,
    state_scale: Tensor | numpy.typing.ArrayLike | None = None,
    lengths: Tensor | numpy.typing.ArrayLike | None = None,
    mask: Tensor | numpy.typing.ArrayLike | None = None,
    offsets: Tensor | numpy.typing.ArrayLike | None = None,
    activation: str | None = "tanh",
    recurrent_activation: str | None = "sigmoid",
    return_sequences: bool = False,
    return_state: bool = False,
) -> Tensor: ...
def matmul(a: Tensor | numpy.typing.ArrayLike | None, b: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def max(
    x: Tensor | numpy.typing.ArrayLike | None,
    axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] | None,
    keepdims: bool,
) -> Tensor: ...
def max_pool(
    x: Tensor | numpy.typing.ArrayLike | None,
    pool: collections.abc.Sequence[int],
    strides: collections.abc.Sequence[int],
    padding: str,
) -> Tensor: ...
def maximum(a: Tensor | numpy.typing.ArrayLike | None, b: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def mean(
    x: Tensor | numpy.typing.ArrayLike | None,
    axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] | None,
    keepdims: bool,
) -> Tensor: ...
def mean_absolute_error(
    prediction: Tensor | numpy.typing.ArrayLike | None,
    target: Tensor | numpy.typing.ArrayLike | None,
    weight: Tensor | numpy.typing.ArrayLike | None = None,
    reduction: str = "mean",
) -> Tensor: ...
def mean_squared_error(
    prediction: Tensor | numpy.typing.ArrayLike | None,
    target: Tensor | numpy.typing.ArrayLike | None,
    weight: Tensor | numpy.typing.ArrayLike | None = None,
    reduction: str = "mean",
) -> Tensor: ...
def memory_stats() -> dict[str, int]: ...
def min(
    x: Tensor | numpy.typing.ArrayLike | None,
    axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] | None,
    keepdims: bool,
) -> Tensor: ...
def minimum(a: Tensor | numpy.typing.ArrayLike | None, b: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def multiply(a: Tensor | numpy.typing.ArrayLike | None, b: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def negate(x: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def not_equal(a: Tensor | numpy.typing.ArrayLike | None, b: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def num_threads() -> int: ...
def positions_in_scores(
    scores: typing.Annotated[numpy.typing.ArrayLike, numpy.float32],
    wanted_indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    wanted_items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
    allowed: typing.Annotated[numpy.typing.ArrayLike, numpy.bool],
    seen_indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    seen_items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]: ...
def power(base: Tensor | numpy.typing.ArrayLike | None, exponent: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def ranking_metrics(
    indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    ranks: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    metrics: collections.abc.Sequence[tuple[str, typing.SupportsInt | typing.SupportsIndex]],
) -> numpy.typing.NDArray[numpy.float64]: ...
def ranks_in_lists(
    lists: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
    wanted_indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    wanted: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
) -> numpy.typing.NDArray[numpy.int64]: ...
def release_cached_memory() -> None: ...
def reshape(
    x: Tensor | numpy.typing.ArrayLike | None,
    shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
) -> Tensor: ...
def rmsprop_step(
    parameter: Tensor | numpy.typing.ArrayLike | None,
    options: StepOptions,
    velocity: Tensor | numpy.typing.ArrayLike | None,
    learning_rate: typing.SupportsFloat | typing.SupportsIndex,
    rho: typing.SupportsFloat | typing.SupportsIndex,
    momentum: typing.SupportsFloat | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex,
    average: Tensor | numpy.typing.ArrayLike | None = None,
    momentums: Tensor | numpy.typing.ArrayLike | None = None,
) -> None: ...
def row_sums(
    table: typing.Annotated[numpy.typing.ArrayLike, numpy.float32],
    indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
) -> numpy.typing.NDArray[numpy.float32]: ...
def sample_items(
    items: typing.SupportsInt | typing.SupportsIndex,
    count: typing.SupportsInt | typing.SupportsIndex,
    seed: typing.SupportsInt | typing.SupportsIndex,
    keys: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    taken: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int32]]: ...
def sampled_softmax_loss(
    states: Tensor | numpy.typing.ArrayLike | None,
    table: Tensor | numpy.typing.ArrayLike | None,
    targets: Tensor | numpy.typing.ArrayLike | None,
    negatives: Tensor | numpy.typing.ArrayLike | None,
    bias: Tensor | numpy.typing.ArrayLike | None = None,
    log_q: Tensor | numpy.typing.ArrayLike | None = None,
    weights: Tensor | numpy.typing.ArrayLike | None = None,
    ignored: typing.SupportsInt | typing.SupportsIndex | None = None,
) -> Tensor: ...
def scaled_gram(
    factors: Tensor | numpy.typing.ArrayLike | None, scale: typing.SupportsFloat | typing.SupportsIndex
) -> Tensor: ...
def scatter_add(
    table: Tensor | numpy.typing.ArrayLike | None,
    ids: Tensor | numpy.typing.ArrayLike | None,
    rows: Tensor | numpy.typing.ArrayLike | None,
) -> Tensor: ...
def set_deferring(deferring: bool) -> bool:
    """
    May operations on this thread put off work until somebody looks at the result? Returns what was set before.
    """

def set_grad_enabled(enabled: bool) -> bool:
    """
    Record operations on this thread or not; returns what was set before.
    """

def set_num_threads(count: typing.SupportsInt | typing.SupportsIndex) -> None: ...
def sgd_step(
    parameter: Tensor | numpy.typing.ArrayLike | None,
    options: StepOptions,
    learning_rate: typing.SupportsFloat | typing.SupportsIndex,
    momentum: typing.SupportsFloat | typing.SupportsIndex,
    nesterov: bool,
    momentums: Tensor | numpy.typing.ArrayLike | None = None,
) -> None: ...
def sign(x: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def simple_rnn(
    x: Tensor | numpy.typing.ArrayLike | None,
    kernel: Tensor | numpy.typing.ArrayLike | None,
    recurrent_kernel: Tensor | numpy.typing.ArrayLike | None,
    bias: Tensor | numpy.typing.ArrayLike | None = None,
    state: Tensor | numpy.typing.ArrayLike | None = None,
    state_scale: Tensor | numpy.typing.ArrayLike | None = None,
    lengths: Tensor | numpy.typing.ArrayLike | None = None,
    mask: Tensor | numpy.typing.ArrayLike | None = None,
    offsets: Tensor | numpy.typing.ArrayLike | None = None,
    activation: str | None = "tanh",
    return_sequences: bool = False,
    return_state: bool = False,
) -> Tensor: ...
def softmax(x: Tensor | numpy.typing.ArrayLike | None, axis: typing.SupportsInt | typing.SupportsIndex) -> Tensor: ...
def softmax_loss(
    states: Tensor | numpy.typing.ArrayLike | None,
    table: Tensor | numpy.typing.ArrayLike | None,
    targets: Tensor | numpy.typing.ArrayLike | None,
    bias: Tensor | numpy.typing.ArrayLike | None = None,
    weights: Tensor | numpy.typing.ArrayLike | None = None,
    ignored: typing.SupportsInt | typing.SupportsIndex | None = None,
) -> Tensor: ...
def solve_rows(
    others: Tensor | numpy.typing.ArrayLike | None,
    gram: Tensor | numpy.typing.ArrayLike | None,
    begin: Tensor | numpy.typing.ArrayLike | None,
    history: Tensor | numpy.typing.ArrayLike | None,
    weights: Tensor | numpy.typing.ArrayLike | None,
    ridge: Tensor | numpy.typing.ArrayLike | None,
) -> tuple[Tensor, float]: ...
def sparse_categorical_cross_entropy(
    prediction: Tensor | numpy.typing.ArrayLike | None,
    target: Tensor | numpy.typing.ArrayLike | None,
    weight: Tensor | numpy.typing.ArrayLike | None = None,
    from_logits: bool = False,
    reduction: str = "mean",
) -> Tensor: ...
def sparse_row_sums(
    matrix_indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    columns: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
    weights: typing.Annotated[numpy.typing.ArrayLike, numpy.float32],
    indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
) -> numpy.typing.NDArray[numpy.float32]: ...
def sqrt(x: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def square(x: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def subtract(a: Tensor | numpy.typing.ArrayLike | None, b: Tensor | numpy.typing.ArrayLike | None) -> Tensor: ...
def sum(
    x: Tensor | numpy.typing.ArrayLike | None,
    axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] | None,
    keepdims: bool,
) -> Tensor: ...
def top_of_scores(
    scores: typing.Annotated[numpy.typing.ArrayLike, numpy.float32],
    k: typing.SupportsInt | typing.SupportsIndex,
    allowed: typing.Annotated[numpy.typing.ArrayLike, numpy.bool],
    seen_indptr: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    seen_items: typing.Annotated[numpy.typing.ArrayLike, numpy.int32],
) -> tuple[numpy.typing.NDArray[numpy.int32], numpy.typing.NDArray[numpy.float32]]: ...
def transpose(
    x: Tensor | numpy.typing.ArrayLike | None,
    axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] | None = None,
) -> Tensor: ...
def usable_isa_levels() -> list[str]: ...
def variance(
    x: Tensor | numpy.typing.ArrayLike | None,
    axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] | None,
    keepdims: bool,
) -> Tensor: ...
def where(
    condition: Tensor | numpy.typing.ArrayLike | None,
    a: Tensor | numpy.typing.ArrayLike | None,
    b: Tensor | numpy.typing.ArrayLike | None,
) -> Tensor: ...

version: str = "0.1.0"
