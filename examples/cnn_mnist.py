"""A small convolutional network on handwritten digits: plain, then with augmentation and dropout.

The network is the one many articles print: two convolutions with pooling, a hidden layer, ten classes. Plain, it knows
its 60,000 training images almost by heart after ten epochs, and what is left is the gap to the test images. Shifted,
turned and scaled views of the same images, drawn anew in every epoch, and dropout close much of it.

    python examples/cnn_mnist.py [--epochs 10] [--augmented-epochs 30] [--folder mnist] [--plot curve.png]

The folder holds MNIST's four files; without --folder it is "mnist" under LIKEWISE_DATA.
"""

import argparse
import os
import time
from pathlib import Path

import likewise as lw
from likewise import nn


class CNN(nn.Model):
    """The article's network; ``dropout`` is what the hidden layer loses in training, half of it the last pool."""

    def __init__(self, dropout=0.0, seed=0):
        super().__init__()
        self.seed = seed
        self.conv1 = nn.Conv2D(32, (3, 3), activation="relu")
        self.pool1 = nn.MaxPooling2D((2, 2))
        self.conv2 = nn.Conv2D(64, (3, 3), activation="relu")
        self.pool2 = nn.MaxPooling2D((2, 2))
        self.flatten = nn.Flatten()
        self.dropout1 = nn.Dropout(dropout / 2)
        self.dense1 = nn.Dense(128, activation="relu")
        self.dropout2 = nn.Dropout(dropout)
        self.dense2 = nn.Dense(10, activation="softmax")

    def call(self, inputs):
        x = self.pool1(self.conv1(inputs))
        x = self.pool2(self.conv2(x))
        x = self.dense1(self.dropout1(self.flatten(x)))
        return self.dense2(self.dropout2(x))


class Report(lw.callbacks.Callback):
    """A line for every epoch."""

    def on_train_begin(self, logs=None):
        self.began = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self.began
        print(
            f"  epoch {epoch + 1:>2}: training loss {logs['loss']:.4f}, accuracy {logs['accuracy']:.4f}; "
            f"test accuracy {logs['val_accuracy']:.4f} ({seconds:.0f} s)",
            flush=True,
        )


def train(data, epochs, batch_size=128, dropout=0.0, augment=None, seed=0):
    """The network and its history; the learning rate falls to 0 along half a cosine."""
    images, labels, test_images, test_labels = data
    steps = epochs * -(-len(images) // batch_size)
    network = CNN(dropout, seed)
    network.compile(
        optimizer=lw.optimizers.Adam(lw.optimizers.schedules.CosineDecay(2e-3, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = network.fit(
        images,
        labels,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=(test_images, test_labels),
        augment=augment,
        callbacks=[Report()],
        verbose=0,
    )
    return network, history


def main():
    parser = argparse.ArgumentParser(description="Train a small convolutional network on MNIST.")
    parser.add_argument("--epochs", type=int, default=10, help="of the plain run; 0 to leave it out")
    parser.add_argument("--augmented-epochs", type=int, default=30, help="of the other; 0 to leave it out")
    parser.add_argument(
        "--folder", type=Path, default=Path(os.environ.get("LIKEWISE_DATA", "../shared/data")) / "mnist"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", help="a picture of the curves of each run, its name before the suffix")
    options = parser.parse_args()
    data = lw.data.read_mnist(options.folder)
    augment = lw.data.augment.Images(shift=2, rotate=12, scale=0.12, seed=options.seed)
    runs = {
        "plain": (options.epochs, {}),
        "augmented": (options.augmented_epochs, {"dropout": 0.5, "augment": augment}),
    }
    for name, (epochs, settings) in runs.items():
        if not epochs:
            continue
        print(f"{name}: {len(data[0]):,} images, {epochs} epochs, seed {options.seed}")
        _, history = train(data, epochs, seed=options.seed, **settings)
        print(f"{name}: test accuracy {history.history['val_accuracy'][-1]:.4f} after the last epoch")
        if options.plot:
            path = Path(options.plot)
            history.plot(path.with_stem(f"{path.stem}-{name}"))


if __name__ == "__main__":
    main()
