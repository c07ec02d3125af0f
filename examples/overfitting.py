"""How to avoid overfitting? By comparing: one network, a small training set, and each remedy by itself.

A few hundred handwritten digits (a part of MNIST, found through LIKEWISE_DATA), or drawn signs where they are not at
hand. A hidden layer of 256 learns them by heart: the loss on them goes to nothing while that on other images, the
validation, turns and grows. Each remedy is judged by the gap between the two, both measured without dropout, without
augmentation and without the penalties, so that the numbers of all remedies mean the same.

    python examples/overfitting.py [--rows 500] [--epochs 60] [--plot overfitting.png]
"""

import argparse
import os
from pathlib import Path

import numpy as np

import likewise as lw
from likewise import nn

CROSSENTROPY = "sparse_categorical_crossentropy"
VALIDATION_ROWS = 2000

# What of the training each remedy changes.
REMEDIES = {
    "none": {},
    "augmentation": {"augment": lw.data.augment.Images(shift=2, rotate=10, scale=0.1, seed=1)},
    "L1": {"penalty": nn.regularizers.L1(1e-3)},
    "L2": {"penalty": nn.regularizers.L2(1e-2)},
    "dropout": {"dropout": 0.6},
    "early stopping": {"patience": 5},
    "all of them": {
        "augment": lw.data.augment.Images(shift=2, rotate=10, scale=0.1, seed=1),
        "penalty": nn.regularizers.L1L2(l1=1e-6, l2=1e-5),
        "dropout": 0.2,
        "patience": 20,
    },
}


def digits(folder, rows):
    """The first digits of MNIST to train on, and others of the same file to validate with."""
    images, labels, _, _ = lw.data.read_mnist(folder)
    rest = slice(-VALIDATION_ROWS, None)
    return images[:rows], labels[:rows], images[rest], labels[rest]


def signs(rows):
    """Ten random signs of 12 x 12 points, somewhere near the middle of 28 x 28, under noise."""
    generator = np.random.Generator(np.random.Philox(key=2))
    shapes = generator.random((10, 12, 12), dtype=np.float32) < 0.3
    labels = generator.integers(0, 10, rows + VALIDATION_ROWS)
    images = np.zeros((len(labels), 28, 28, 1), dtype=np.float32)
    for image, label, (top, left) in zip(images, labels, generator.integers(6, 11, (len(labels), 2)), strict=True):
        image[top : top + 12, left : left + 12, 0] = shapes[label]
    images = np.clip(images + 0.3 * generator.standard_normal(images.shape, dtype=np.float32), 0, 1)
    return images[:rows], labels[:rows], images[rows:], labels[rows:]


class Curves(lw.callbacks.Callback):
    """Measures the network on the training images after every epoch, as on those of the validation."""

    def __init__(self, images, labels):
        self.images, self.labels, self.training = images, labels, []

    def on_epoch_end(self, epoch, logs=None):
        self.training.append(self.model.evaluate(self.images, self.labels, return_dict=True))


def train(task, epochs, augment=None, penalty=None, dropout=0.0, patience=None):
    """One training: its curves (training, validation), and what was reached on both."""
    images, labels, other_images, other_labels = task
    network = nn.Sequential(
        [
            nn.Flatten(),
            nn.Dropout(dropout / 2),
            nn.Dense(256, activation="relu", kernel_regularizer=penalty),
            nn.Dropout(dropout),
            nn.Dense(10, activation="softmax", kernel_regularizer=penalty),
        ]
    )
    network.compile(lw.optimizers.Adam(1e-3), CROSSENTROPY, metrics=["accuracy", CROSSENTROPY])
    curves = Curves(images, labels)
    stopping = [lw.callbacks.EarlyStopping(f"val_{CROSSENTROPY}", patience=patience)] if patience else []
    history = network.fit(
        images,
        labels,
        batch_size=32,
        epochs=epochs,
        validation_data=(other_images, other_labels),
        augment=augment,
        callbacks=[curves, *stopping],
        verbose=0,
    )
    return {
        "epochs": len(history),
        "curves": ([each[CROSSENTROPY] for each in curves.training], history.history[f"val_{CROSSENTROPY}"]),
        "training": network.evaluate(images, labels, return_dict=True),
        "validation": network.evaluate(other_images, other_labels, return_dict=True),
    }


def compare(task, epochs, remedies=REMEDIES):
    """Each remedy's training by its name."""
    return {name: train(task, epochs, **settings) for name, settings in remedies.items()}


def table(results):
    """The lines to print: loss (cross-entropy) and accuracy on both sides, and the gap between the losses."""
    yield f"{'':<16}{'':>8}{'cross-entropy':>34}{'accuracy':>24}"
    yield f"{'remedy':<16}{'epochs':>8}" + "".join(
        f"{head:>12}" for head in ("training", "validation", "gap", "training", "validation")
    )
    for name, result in results.items():
        training, validation = result["training"], result["validation"]
        gap = validation[CROSSENTROPY] - training[CROSSENTROPY]
        figures = training[CROSSENTROPY], validation[CROSSENTROPY], gap, training["accuracy"], validation["accuracy"]
        yield f"{name:<16}{result['epochs']:>8}" + "".join(f"{figure:>12.3f}" for figure in figures)


def draw(results, path):
    """The curves of all remedies, a panel each."""
    from matplotlib.figure import Figure  # of the extra `plot`

    figure = Figure(figsize=(2.4 * len(results), 3), layout="constrained")
    panels = figure.subplots(1, len(results), sharey=True)
    for axes, (name, result) in zip(panels, results.items(), strict=True):
        for curve, label in zip(result["curves"], ("training", "validation"), strict=True):
            axes.plot(curve, label=label)
        axes.set_title(name)
        axes.set_xlabel("epoch")
    panels[0].set_ylabel("cross-entropy")
    panels[0].legend()
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description="Compare remedies against overfitting.")
    parser.add_argument("--rows", type=int, default=500, help="images to train on")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--plot", help="a picture of all curves")
    options = parser.parse_args()
    folder = Path(os.environ.get("LIKEWISE_DATA", "../shared/data")) / "mnist"
    if folder.is_dir():
        name, task = "handwritten digits", digits(folder, options.rows)
    else:
        name, task = "drawn signs (set LIKEWISE_DATA for handwritten digits)", signs(options.rows)
    print(f"{name}: {options.rows:,} to train on, {VALIDATION_ROWS:,} to validate with, {options.epochs} epochs")
    results = compare(task, options.epochs)
    for line in table(results):
        print(line)
    if options.plot:
        draw(results, options.plot)


if __name__ == "__main__":
    main()
