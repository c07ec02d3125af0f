"""Layers: the tree, the paths, the weights, the call."""

import copy
import threading

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

    lw.set_seed(4)
    first = kernel()
    lw.set_seed(5)
    second = kernel()
    lw.set_seed(4)
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


def test_attributes_may_have_any_name_that_is_no_method():
    class Attention(nn.Model):
        def __init__(self):
            self._query, self._key, self._name = nn.Dense(4), nn.Dense(4), nn.Dense(1)
            self._weights = [nn.Dense(4)]
            self._seed, self._parent, self._trainable, self._objective = 3, "none", nn.Dense(4), nn.Dense(4)

        def call(self, inputs):
            layers = [self._query, self._key, self._trainable, self._objective, self._weights[0]]
            return self._name(sum((layer(inputs) for layer in layers[1:]), layers[0](inputs)))

    network = Attention()
    network.compile("sgd", "mse")
    network.fit(ROWS, ROWS[:, 0], verbose=0)
    kernels = [path for path in network.parameters() if path.endswith("kernel")]
    assert sorted(kernels) == [
        f"{name}/kernel" for name in ["_key", "_name", "_objective", "_query", "_trainable", "_weights/0"]
    ]


@pytest.mark.parametrize("name", ["loss", "weights", "summary", "_children", "_steps", "_own"])
def test_a_name_that_every_network_has_is_refused(name):
    with pytest.raises(AttributeError, match=f"Network: every layer has a '{name}': give the attribute another name"):
        setattr(Network(), name, [nn.Dense(1)])


def test_a_tensor_in_the_place_of_a_weight_replaces_it():
    class Scale(nn.Model):
        def __init__(self):
            self.factor = lw.Tensor(np.ones(3), requires_grad=True)
            self.offsets = [lw.Tensor(np.zeros(3), requires_grad=True), lw.Tensor(np.zeros(3))]

        def call(self, inputs):
            return self.factor * inputs + self.offsets[0] + self.offsets[1]

    network = Scale()
    network(ROWS)
    assert list(network.parameters()) == ["factor", "offsets/0"]
    network.factor = lw.Tensor(np.full(3, 2.0))
    network.offsets[0] = lw.Tensor(np.full(3, 3.0), requires_grad=True)
    assert network.parameters()["factor"] is network.factor
    assert network.parameters()["offsets/0"] is network.offsets[0]
    lw.functional.mean(network(ROWS)).backward()
    assert network.factor.grad is not None
    network.trainable = False
    assert network.parameters() == {}
    assert list(network.named_weights()) == ["factor", "offsets/0"]
    network.trainable = True
    network.factor = None
    assert list(network.parameters()) == ["offsets/0"]


def test_a_built_layer_keeps_the_name_and_the_state_of_a_replaced_weight():
    layer = nn.Dense(2, trainable=False)
    layer(ROWS)
    layer.kernel = lw.Tensor(np.ones((3, 2)), requires_grad=True)
    assert list(layer.named_weights()) == ["kernel", "bias"]
    assert layer.weights[0] is layer.kernel
    assert not layer.kernel.requires_grad


def test_a_layer_taken_from_a_list_takes_its_weights_along():
    network = Network()
    network(ROWS)
    assert list(network.parameters()) == PATHS
    last = network.towers.pop()
    assert list(network.parameters()) == PATHS[:4] + PATHS[8:]
    network.by_name["last"] = last
    assert list(network.parameters()) == PATHS[:4] + [path.replace("towers/1", "by_name/last") for path in PATHS[4:8]]


def test_a_layer_that_is_an_attribute_of_a_sequential_belongs_to_it():
    class Both(nn.Sequential):
        def __init__(self):
            super().__init__([nn.Dense(3)])
            self.extra = nn.Dense(3)

        def call(self, inputs):
            return self.extra(super().call(inputs))

    network = Both()
    network(ROWS)
    assert list(network.parameters()) == ["dense/kernel", "dense/bias", "extra/kernel", "extra/bias"]


def test_two_weights_of_one_path_are_refused():
    network = nn.Sequential([nn.Dense(3)])
    network.dense = nn.Dense(3)
    network.dense(ROWS)
    network(ROWS)
    with pytest.raises(ValueError, match="two weights are called 'dense/kernel'"):
        network.parameters()


def test_the_first_call_may_come_from_several_threads():
    for _ in range(20):
        network, outputs, barrier = Network(), [], threading.Barrier(8)

        def call(network=network, outputs=outputs, barrier=barrier):
            barrier.wait()
            outputs.append(np.array(network(ROWS)))

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outputs) == 8
        assert all(np.array_equal(output, outputs[0]) for output in outputs)
        assert list(network.parameters()) == PATHS


def test_a_build_that_failed_can_be_made_up_for():
    layer = nn.Dense(2, bias_initializer="nought")
    with pytest.raises(ValueError, match="got 'nought'"):
        layer(ROWS)
    layer.bias_initializer = "zeros"
    layer(ROWS)
    assert list(layer.named_weights()) == ["kernel", "bias"]


def test_layers_outside_networks_differ():
    first, second = nn.Dense(4), nn.Dense(4)
    first(ROWS)
    second(ROWS)
    assert not np.array_equal(first.kernel, second.kernel)

    def kernels():
        lw.set_seed(0)
        layers = nn.Dense(4), nn.Dense(4)
        return [np.array(layer(ROWS)) for layer in layers]

    assert np.array_equal(kernels(), kernels())


def test_a_deep_copy_is_trained_apart():
    network = Network()
    network.constant = lw.Tensor(np.ones(2))
    network.compile("adam", "mse", metrics=["mae"])
    network.fit(ROWS, ROWS[:, :1], verbose=0)
    twin = copy.deepcopy(network)
    assert list(twin.parameters()) == PATHS
    assert twin.towers[0].hidden.root is twin
    before = network.get_weights()
    assert np.array_equal(twin(ROWS), network(ROWS))
    twin.fit(ROWS, ROWS[:, :1], verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))
    network.fit(ROWS, ROWS[:, :1], verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(twin.get_weights(), network.get_weights(), strict=True))
