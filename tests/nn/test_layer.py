"""Layers: the tree, the paths, the weights, the call."""

import numpy as np
import pytest

import likewise as lw
from likewise import nn

ROWS = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


class Tower(nn.Layer):
    def __init__(self, units):
        self.hidden = nn.Dense(units, activation="tanh")
        self.out = nn.Dense(2)

    def call(self, inputs):
        return self.out(self.hidden(inputs))


class Network(nn.Model):
    """Layers in attributes, a list and a dict; no super().__init__()."""

    def __init__(self):
        self.towers = [Tower(4), Tower(5)]
        self.by_name = {"last": nn.Dense(1, use_bias=False)}

    def call(self, inputs):
        return self.by_name["last"](self.towers[0](inputs) + self.towers[1](inputs))


PATHS = [
    "towers/0/hidden/kernel",
    "towers/0/hidden/bias",
    "towers/0/out/kernel",
    "towers/0/out/bias",
    "towers/1/hidden/kernel",
    "towers/1/hidden/bias",
    "towers/1/out/kernel",
    "towers/1/out/bias",
    "by_name/last/kernel",
]


def test_weights_are_found_in_attributes_lists_and_dicts_without_super_init():
    network = Network()
    network(ROWS)
    assert list(network.parameters()) == PATHS
    assert [tuple(weight.shape) for weight in network.weights[:2]] == [(3, 4), (4,)]


def test_super_init_makes_no_difference():
    class Polite(Network):
        def __init__(self):
            super(Network, self).__init__()
            Network.__init__(self)

    assert np.array_equal(Polite()(ROWS), Network()(ROWS))


def test_asking_for_parameters_too_early_says_what_to_do():
    with pytest.raises(ValueError, match=r"'network' has no weights yet: call it once"):
        Network().parameters()


def test_a_layer_appended_to_a_list_later_belongs_to_the_network():
    network = Network()
    network(ROWS)
    network.towers.append(Tower(6))
    network.call = lambda inputs: network.towers[2](inputs)
    network(ROWS)
    assert "towers/2/hidden/kernel" in network.parameters()
    assert network.towers[2].hidden.path == "towers/2/hidden"


def test_initial_values_depend_on_seed_and_path_not_on_build_order():
    class Two(nn.Model):
        def __init__(self, first, seed):
            self.a, self.b = nn.Dense(3), nn.Dense(3)
            self.first, self.seed = first, seed

        def call(self, inputs):
            return self.a(inputs) + self.b(inputs) if self.first == "a" else self.b(inputs) + self.a(inputs)

    forward, backward, other = Two("a", 1), Two("b", 1), Two("a", 2)
    for network in (forward, backward, other):
        network(ROWS)
    assert np.array_equal(forward.a.kernel, backward.a.kernel)
    assert np.array_equal(forward.b.kernel, backward.b.kernel)
    assert not np.array_equal(forward.a.kernel, forward.b.kernel)
    assert not np.array_equal(forward.a.kernel, other.a.kernel)


def test_the_global_seed_serves_networks_without_their_own():
    def kernel():
        network = nn.Sequential([nn.Dense(2)])
        network(ROWS)
        return network.get_weights()[0]

    before = lw.runtime.get_seed() if hasattr(lw, "runtime") else 0
    first = kernel()
    lw.set_seed(5)
    second = kernel()
    lw.set_seed(before)
    assert np.array_equal(kernel(), first)
    assert not np.array_equal(second, first)


def test_set_weights_takes_what_get_weights_gives():
    source, target = Network(), Network()
    source(ROWS)
    target.seed = 9
    target(ROWS)
    assert not np.array_equal(source(ROWS), target(ROWS))
    target.set_weights(source.get_weights())
    assert np.array_equal(source(ROWS), target(ROWS))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (lambda mine: mine[:-1], r"has 9 weights, got 8"),
        (lambda mine: [mine[0].T, *mine[1:]], r"'towers/0/hidden/kernel' has shape \(3, 4\), got \(4, 3\)"),
    ],
)
def test_set_weights_names_what_does_not_fit_and_changes_nothing(weights, message):
    network = Network()
    network(ROWS)
    before = network.get_weights()
    with pytest.raises(ValueError, match=message):
        network.set_weights(weights([each + 1 for each in before]))
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))


def test_frozen_layers_are_not_parameters_and_get_no_gradient():
    network = Network()
    network(ROWS)
    network.towers[0].trainable = False
    assert list(network.parameters()) == PATHS[4:]
    assert list(network.named_weights()) == PATHS
    lw.functional.mean(network(ROWS)).backward()
    assert all(weight.grad is None for weight in network.towers[0].weights)
    assert network.towers[1].out.kernel.grad is not None
    network.towers[0].trainable = True
    assert list(network.parameters()) == PATHS
    lw.functional.mean(network(ROWS)).backward()
    assert network.towers[0].out.kernel.grad is not None


def test_a_weight_made_by_hand_is_a_weight_of_the_layer():
    class Scale(nn.Layer):
        def __init__(self):
            self.factor = lw.Tensor(np.ones(3, dtype=np.float32), requires_grad=True)

        def call(self, inputs):
            return self.factor * inputs

    network = nn.Sequential([Scale()])
    network(ROWS)
    assert list(network.parameters()) == ["scale/factor"]


def test_a_layer_shared_by_two_places_has_its_weights_once():
    class Twice(nn.Model):
        def __init__(self):
            self.first = nn.Dense(3)
            self.again = self.first

        def call(self, inputs):
            return self.again(self.first(inputs))

    network = Twice()
    network(ROWS)
    assert list(network.parameters()) == ["first/kernel", "first/bias"]


def test_weights_of_ones_own():
    class Affine(nn.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")
            self.count = self.add_weight((), "zeros", trainable=False, name="count")

        def call(self, inputs):
            return self.scale * inputs

    layer = Affine()
    assert np.array_equal(layer(ROWS), ROWS)
    assert list(layer.named_weights()) == ["scale", "count"]
    assert list(layer.parameters()) == ["scale"]
    assert layer.count_params() == 4
    with pytest.raises(ValueError, match="layer 'affine' already has a weight 'scale'"):
        layer.add_weight((1,), name="scale")


class Probe(nn.Layer):
    """Says how it was called."""

    def call(self, inputs, training=False):
        self.training = training
        return inputs


def test_a_call_is_inference_unless_told_and_layers_inside_take_over():
    probe = Probe()
    network = nn.Sequential([nn.Sequential([probe])])
    for told, seen in ((None, False), (True, True), (False, False)):
        network(ROWS, training=told)
        assert probe.training is seen
    with network.in_training():
        network(ROWS)
        assert probe.training is True
        network(ROWS, training=False)
        assert probe.training is False
    network(ROWS)
    assert probe.training is False


def test_names_follow_keras():
    network = nn.Sequential([nn.Dense(2), nn.Dense(2, name="mine"), nn.Dense(2), nn.LayerNormalization()])
    network(ROWS)
    assert [layer.name for layer in network.layers] == ["dense", "mine", "dense_1", "layer_normalization"]
    assert list(network.parameters())[-2:] == ["layer_normalization/gamma", "layer_normalization/beta"]


def test_a_dead_network_frees_itself():
    import gc
    import weakref

    network = Network()
    network(ROWS)
    gc.disable()
    try:
        watch = weakref.ref(network.towers[0].hidden)
        del network
        assert watch() is None
    finally:
        gc.enable()
