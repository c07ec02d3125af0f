"""The same network, weights and batches in PyTorch give the same losses, step by step."""

import numpy as np
import pytest

import likewise as lw
from likewise import nn

torch = pytest.importorskip("torch")

generator = np.random.Generator(np.random.Philox(key=21))
X = generator.standard_normal((64, 6)).astype(np.float32)
CLASSES = np.argmax(X[:, :3], axis=1)

OPTIMIZERS = {
    "SGD": (lambda: lw.optimizers.SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "Adam": (lambda: lw.optimizers.Adam(0.01, epsilon=1e-8), lambda p: torch.optim.Adam(p, 0.01)),
    "AdamW": (
        lambda: lw.optimizers.AdamW(0.01, weight_decay=0.1, epsilon=1e-8),
        lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1),
    ),
}
ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "gelu": torch.nn.GELU, "selu": torch.nn.SELU}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_training_step_by_step(activation, optimizer):
    ours_optimizer, theirs_optimizer = OPTIMIZERS[optimizer]
    ours = nn.Sequential(
        [nn.Input((6,)), nn.Dense(16, activation=activation), nn.LayerNormalization(epsilon=1e-5), nn.Dense(3)]
    )
    theirs = torch.nn.Sequential(
        torch.nn.Linear(6, 16), ACTIVATIONS[activation](), torch.nn.LayerNorm(16), torch.nn.Linear(16, 3)
    )
    weights = ours.get_weights()
    with torch.no_grad():
        for parameter, weight in zip(theirs.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(weight.T if weight.ndim == 2 else weight))
    step = theirs_optimizer(theirs.parameters())
    expected = []
    for _ in range(3):
        total = 0.0
        for begin in range(0, 64, 16):
            step.zero_grad()
            rows = slice(begin, begin + 16)
            loss = torch.nn.functional.cross_entropy(theirs(torch.from_numpy(X[rows])), torch.from_numpy(CLASSES[rows]))
            loss.backward()
            step.step()
            total += float(loss.detach())
        expected.append(total / 4)
    ours.compile(ours_optimizer(), nn.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = ours.fit(X, CLASSES, epochs=3, batch_size=16, shuffle=False, verbose=0)
    np.testing.assert_allclose(history.history["loss"], expected, rtol=2e-4)
    np.testing.assert_allclose(ours.predict(X), theirs(torch.from_numpy(X)).detach().numpy(), atol=2e-3)
