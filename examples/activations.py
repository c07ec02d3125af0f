"""How to choose an activation? By comparing: the same network, deep and shallow, with each.

Handwritten digits (a part of MNIST, found through LIKEWISE_DATA), or a synthetic task where they are not at hand. For
each activation it prints the accuracy on held-out rows and how much of the gradient arrives at the first layer, as
a share of what the last hidden layer gets: where that share is tiny, the first layers do not learn.

    python examples/activations.py [--rows 4000] [--epochs 3]
"""

import argparse
import gzip
import os
from pathlib import Path

import numpy as np

import likewise as lw

ACTIVATIONS = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu"]
# What each was derived for; He's for those that are zero on one side.
INITIALIZERS = {
    "linear": "glorot_uniform",
    "sigmoid": "glorot_uniform",
    "tanh": "glorot_uniform",
    "selu": "lecun_normal",
}
DEPTHS = {"shallow": 1, "deep": 8}


def digits(folder, rows):
    """MNIST as [rows, 784] in 0..1 and labels, for training and for testing."""

    def read(name, offset, shape):
        data = gzip.decompress((folder / name).read_bytes())
        return np.frombuffer(data, dtype=np.uint8, offset=offset).reshape(shape)[:rows]

    files = {
        each: next(folder.glob(f"{each}*.gz")).name
        for each in ("train-images", "train-labels", "t10k-images", "t10k-labels")
    }
    x, x_test = (read(files[f"{part}-images"], 16, (-1, 784)).astype(np.float32) / 255 for part in ("train", "t10k"))
    y, y_test = (read(files[f"{part}-labels"], 8, (-1,)).astype(np.int64) for part in ("train", "t10k"))
    return x, y, x_test, y_test


def rings(rows):
    """Ten classes by distance from the centre, in 16 dimensions: no linear model can tell them apart."""
    generator = np.random.Generator(np.random.Philox(key=1))
    x = generator.standard_normal((2 * rows, 16), dtype=np.float32)
    distance = np.linalg.norm(x, axis=1)
    y = np.searchsorted(np.quantile(distance, np.linspace(0, 1, 11)[1:-1]), distance)
    return x[:rows], y[:rows], x[rows:], y[rows:]


def build(activation, depth):
    initializer = INITIALIZERS.get(activation, "he_uniform")
    hidden = [lw.nn.Dense(64, activation=activation, kernel_initializer=initializer) for _ in range(depth)]
    network = lw.nn.Sequential([*hidden, lw.nn.Dense(10)])
    loss = lw.nn.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer=lw.optimizers.Adam(0.001), loss=loss, metrics=["accuracy"])
    return network


def gradient_norms(network, x, y):
    """The norm of the loss's gradient at the kernel of every layer, before training."""
    loss = lw.functional.sparse_categorical_cross_entropy(network(x), y, from_logits=True)
    loss.backward()
    norms = [float(np.linalg.norm(layer.kernel.grad)) for layer in network.layers]
    for layer in network.layers:
        layer.kernel.grad = layer.bias.grad = None
    return norms


def compare(task, epochs, activations=ACTIVATIONS):
    """One row for each activation and depth: name, depth, accuracy, and the share of the gradient."""
    x, y, x_test, y_test = task
    rows = []
    for activation in activations:
        for depth_name, depth in DEPTHS.items():
            network = build(activation, depth)
            norms = gradient_norms(network, x[:256], y[:256])
            network.fit(x, y, epochs=epochs, batch_size=64, verbose=0)
            accuracy = network.evaluate(x_test, y_test, return_dict=True)["accuracy"]
            rows.append((activation, depth_name, accuracy, norms[0] / norms[-2] if depth > 1 else 1.0))
    return rows


def main():
    parser = argparse.ArgumentParser(description="Compare activations.")
    parser.add_argument("--rows", type=int, default=4000, help="rows to train on")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    folder = Path(os.environ.get("LIKEWISE_DATA", "../shared/data")) / "mnist"
    if folder.is_dir():
        name, task = "handwritten digits", digits(folder, options.rows)
    else:
        name, task = "synthetic rings (set LIKEWISE_DATA for handwritten digits)", rings(options.rows)
    print(f"{name}: {len(task[0]):,} rows, {options.epochs} epochs, hidden layers of 64")
    print(f"{'activation':<12}{'network':<10}{'accuracy':>10}{'gradient at the first layer / at the last hidden':>52}")
    rows = compare(task, options.epochs)
    for activation, depth, accuracy, share in rows:
        print(f"{activation:<12}{depth:<10}{accuracy:>10.3f}{share:>52.3g}")
    for depth in DEPTHS:
        best = max((row for row in rows if row[1] == depth), key=lambda row: row[2])
        print(f"best {depth} network: {best[0]} ({best[2]:.3f})")
    print("Begin with relu; try gelu, silu or selu where the network is deep; sigmoid belongs in the output.")


if __name__ == "__main__":
    main()
