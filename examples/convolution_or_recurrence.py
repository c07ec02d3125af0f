"""A convolution or a recurrent layer? The same sequences, two questions.

Sequences of symbols drawn at random, of which two kinds come once each. "pattern": does one symbol directly follow
another anywhere? That is local, wherever it occurs. "order": which of the two came first? They may be far apart.

    python examples/convolution_or_recurrence.py [--rows 8000] [--epochs 12]
"""

import argparse
import time

import numpy as np

import likewise as lw
from likewise import nn

SYMBOLS, LENGTH = 8, 40


def sequences(rows, seed):
    """Symbols [rows, LENGTH], and the answers to both questions."""
    generator = np.random.default_rng(seed)
    symbols = generator.integers(2, SYMBOLS, (rows, LENGTH))
    places = np.argsort(generator.random((rows, LENGTH)), axis=1)[:, :2]  # of symbols 0 and 1
    np.put_along_axis(symbols, places, [0, 1], axis=1)
    pattern = ((symbols[:, :-1] == 3) & (symbols[:, 1:] == 5)).any(axis=1)
    return symbols, {"pattern": pattern.astype(np.int64), "order": (places[:, 0] < places[:, 1]).astype(np.int64)}


def network(kind, classes):
    """An embedding, the layer, and an answer."""
    layers = {
        "convolution": [nn.Conv1D(32, 3, activation="relu"), nn.GlobalMaxPooling1D()],
        "recurrent": [nn.GRU(32)],
    }[kind]
    return nn.Sequential([nn.Embedding(SYMBOLS, 16), *layers, nn.Dense(classes)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--epochs", type=int, default=12)
    arguments = parser.parse_args()
    x, answers = sequences(arguments.rows, seed=1)
    test_x, test_answers = sequences(2000, seed=2)
    print(f"{'question':10} {'layer':12} {'accuracy':>8} {'seconds':>8}")
    for question in answers:
        for kind in ("convolution", "recurrent"):
            lw.set_seed(0)
            model = network(kind, int(answers[question].max()) + 1)
            loss = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(optimizer=lw.optimizers.Adam(0.005), loss=loss, metrics=["accuracy"])
            start = time.monotonic()
            model.fit(x, answers[question], epochs=arguments.epochs, batch_size=64, verbose=0)
            seconds = time.monotonic() - start
            accuracy = model.evaluate(test_x, test_answers[question], return_dict=True, verbose=0)["accuracy"]
            print(f"{question:10} {kind:12} {accuracy:8.3f} {seconds:8.1f}")


if __name__ == "__main__":
    main()
