"""Listings for Keras run after a change of their import alone."""

import textwrap

import numpy as np
import pytest

import likewise as lw

# A listing in circulation, but for its remarks: its `inputs`, `X_train` and `y_train` are defined nowhere.
LISTING = """
    import tensorflow as tf

    class CNN(tf.keras.Model):
        def __init__(self):
            super(CNN, self).__init__()
            self.conv1 = tf.keras.layers.Conv2D(32, (3, 3), activation='relu')
            self.pool1 = tf.keras.layers.MaxPooling2D((2, 2))
            self.conv2 = tf.keras.layers.Conv2D(64, (3, 3), activation='relu')
            self.pool2 = tf.keras.layers.MaxPooling2D((2, 2))
            self.flatten = tf.keras.layers.Flatten()
            self.dense1 = tf.keras.layers.Dense(128, activation='relu')
            self.dense2 = tf.keras.layers.Dense(10, activation='softmax')

        def call(self, inputs):
            x = self.conv1(inputs)
            x = self.pool1(x)
            x = self.conv2(x)
            x = self.pool2(x)
            x = self.flatten(x)
            x = self.dense1(x)
            return self.dense2(x)

    cnn = CNN()
    model = tf.keras.Model(inputs=inputs, outputs=cnn)
    model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
    model.fit(X_train, y_train, epochs=10)
"""


def run(listing, **names):
    source = textwrap.dedent(listing).replace("import tensorflow as tf", "import likewise as tf")
    exec(compile(source, "listing", "exec"), names)
    return names


def test_the_articles_listing_learns_digits(data_dir):
    (images, labels), (test_images, test_labels) = _mnist(data_dir, 600)
    names = run(LISTING, inputs=lw.keras.Input(shape=(28, 28, 1)), X_train=images, y_train=labels)
    loss, accuracy = names["model"].evaluate(test_images, test_labels)
    assert accuracy > 0.85
    assert loss < 0.6


def test_the_articles_listing_runs_on_any_images():
    random = np.random.default_rng(0)
    images, labels = random.random((64, 28, 28, 1), dtype=np.float32), random.integers(0, 10, 64)
    names = run(LISTING, inputs=lw.keras.Input(shape=(28, 28, 1)), X_train=images, y_train=labels)
    model, cnn = names["model"], names["cnn"]
    assert model.layers == [cnn]
    assert model.count_params() == cnn.count_params() == 225_034  # what Keras counts
    assert list(model.named_weights())[:2] == ["cnn/conv1/kernel", "cnn/conv1/bias"]
    np.testing.assert_array_equal(model.predict(images), cnn.predict(images))


def test_a_longer_listing_with_callbacks_and_utilities(tmp_path):
    names = run(
        f"""
        import tensorflow as tf
        from likewise.keras.layers import Dense, Dropout
        from likewise.keras.optimizers.schedules import ExponentialDecay

        tf.keras.utils.set_random_seed(1)
        y = tf.keras.utils.to_categorical(labels, 3)
        model = tf.keras.models.Sequential([
            tf.keras.Input(shape=(6,)),
            Dense(16, kernel_initializer=tf.keras.initializers.he_normal(),
                  kernel_regularizer=tf.keras.regularizers.l2(1e-4), activation=tf.keras.activations.relu),
            Dropout(0.1),
            Dense(3, activation='softmax'),
        ])
        model.compile(optimizer=tf.keras.optimizers.Adam(ExponentialDecay(0.02, 100, 0.9)),
                      loss=tf.keras.losses.CategoricalCrossentropy(),
                      metrics=[tf.keras.metrics.CategoricalAccuracy(name='accuracy')])
        stopping = tf.keras.callbacks.EarlyStopping(monitor='val_loss', patience=3)
        history = model.fit(x, y, validation_split=0.2, epochs=30, batch_size=20, verbose=0,
                            callbacks=[stopping, tf.keras.callbacks.CSVLogger(r'{tmp_path}/log.csv')])
        scores = model.evaluate(x, y, verbose=0)
        named = model.evaluate(x, y, verbose=0, return_dict=True)
        """,
        x=np.random.default_rng(3).normal(size=(200, 6)).astype(np.float32),
        labels=np.random.default_rng(3).normal(size=(200, 6))[:, :3].argmax(1),
    )
    assert names["scores"] == list(names["named"].values())
    assert names["named"]["accuracy"] > 0.8
    assert isinstance(names["history"], lw.keras.callbacks.History)
    assert not names["stopping"].restore_best_weights  # Keras' default; ours restores them
    assert lw.callbacks.EarlyStopping().restore_best_weights


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda k: k.layers.Dense(3)(k.Input((4,))), "Dense: an Input cannot be called on: functional graphs are not"),
        (lambda k: k.layers.Add()([k.Input((4,)), k.Input((4,))]), "Add: an Input cannot be called on"),
        (lambda k: k.Model(inputs=k.Input((4,)), outputs=np.zeros(3)), "Model: outputs must be a network or a layer"),
        (lambda k: k.Model(k.Input((4,)), None), "Model: outputs must be a network or a layer, got None: functional"),
        (lambda k: k.Model(np.zeros(3), k.layers.Dense(3)), "Model: inputs must be an Input, or a list of them, got"),
    ],
)
def test_functional_graphs_say_that_they_are_not_supported(make, message):
    with pytest.raises(TypeError, match=message):
        make(lw.keras)


def test_a_built_layer_says_so_too():
    layer = lw.keras.layers.Dense(3)
    layer(np.zeros((2, 4)))
    with pytest.raises(TypeError, match="an Input cannot be called on"):
        layer(lw.keras.Input((4,)))


def test_a_model_of_a_layer_and_of_several_inputs():
    k = lw.keras
    one = k.Model(k.Input((4,)), k.layers.Dense(3))
    assert one.predict(np.zeros((2, 4))).shape == (2, 3)
    two = k.Model(inputs=[k.Input((4,)), k.Input((2,))], outputs=k.layers.Concatenate())
    assert two.predict([np.zeros((5, 4)), np.zeros((5, 2))]).shape == (5, 6)
    open_ended = k.Model(k.Input((None, 4)), k.layers.Dense(3))  # its weights are made by the first call
    assert open_ended.predict(np.zeros((2, 7, 4))).shape == (2, 7, 3)


def test_a_wrapped_network_drops_in_training_alone_and_is_kept(tmp_path):
    k = lw.keras
    inside = k.Sequential([k.layers.Dense(8), k.layers.Dropout(0.5)])
    model = k.Model(k.Input((4,)), inside)
    x = np.ones((3, 4), dtype=np.float32)
    assert (np.asarray(model(x)) != 0).all()
    assert (np.asarray(model(x, training=True)) == 0).any()
    model.save_weights(tmp_path / "weights.safetensors")
    twin = k.Model(k.Input((4,)), k.Sequential([k.layers.Dense(8, kernel_initializer="ones"), k.layers.Dropout(0.5)]))
    twin.load_weights(tmp_path / "weights.safetensors")
    np.testing.assert_array_equal(twin.predict(x), model.predict(x))


def test_every_name_is_the_object_of_likewise():
    k = lw.keras
    assert k.Model is lw.nn.Model
    for name in lw.nn.layers.__all__:
        assert getattr(k.layers, name) is getattr(lw.nn, name)
    for module in (k, k.layers, k.models, k.optimizers, k.losses, k.metrics, k.callbacks, k.initializers):
        for name in module.__all__:
            assert hasattr(module, name), (module.__name__, name)
    assert k.activations.gelu is lw.functional.gelu
    assert k.initializers.he_normal is lw.nn.initializers.HeNormal
    with pytest.raises(AttributeError, match="has no attribute 'rleu'"):
        _ = k.activations.rleu


@pytest.mark.parametrize(
    ("x", "classes", "expected"),
    [
        ([0, 2], None, [[1, 0, 0], [0, 0, 1]]),
        ([[1], [0]], 2, [[0, 1], [1, 0]]),
        ([[0, 1]], None, [[[1, 0], [0, 1]]]),
        (np.array([1.0]), 3, [[0, 1, 0]]),
    ],
)
def test_one_hot_rows_are_those_of_keras(x, classes, expected):
    np.testing.assert_array_equal(lw.keras.utils.to_categorical(x, classes), expected)


@pytest.mark.parametrize(
    ("x", "classes", "message"),
    [
        ([0.5], None, r"x must hold integers, got \[0.5\]"),
        (["a"], None, r"x must hold integers"),
        ([0, 3], 3, r"x must lie in 0..2 for num_classes 3, got 3"),
        ([-1], None, "got -1"),
    ],
)
def test_mistakes_in_classes_are_named(x, classes, message):
    with pytest.raises(ValueError, match=message):
        lw.keras.utils.to_categorical(x, classes)


def test_mnist_is_loaded_as_by_keras(data_dir, monkeypatch):
    monkeypatch.setenv("LIKEWISE_DATA", str(data_dir))
    (images, labels), (test_images, test_labels) = lw.keras.datasets.mnist.load_data()
    assert (images.shape, images.dtype, test_images.shape) == ((60000, 28, 28), np.uint8, (10000, 28, 28))
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert test_labels.shape == (10000,)


def test_where_mnist_is_not_there_the_folder_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(FileNotFoundError, match=r"mnist: no file train-images-idx3-ubyte in .*; set LIKEWISE_DATA"):
        lw.keras.datasets.mnist.load_data()


def test_the_seed_of_keras_seeds_all():
    def draws():
        lw.keras.utils.set_random_seed(5)
        layer = lw.keras.layers.Dense(3)
        layer(np.zeros((1, 2)))
        return np.random.random(), np.asarray(layer.kernel).tolist()

    assert draws() == draws()


def _mnist(folder, rows):
    images, labels, test_images, test_labels = lw.data.read_mnist(folder / "mnist")
    return (images[:rows], labels[:rows]), (test_images[:1000], test_labels[:1000])
