"""Gradient descent on four rows, three times: in NumPy, in tensors, and as a network.

The task is one often shown to beginners: two inputs, a target that is their exclusive or, the sigmoid, cross-entropy,
gradient descent. A version in circulation updates

    theta = theta - alpha * (1 / m) * X.T.dot(y - X.dot(theta))

and is wrong twice. X^T (y - X theta) / m is *minus* the gradient of the squared error, so subtracting it climbs: the
error grows with every step (and the sigmoid is never used). And no linear model can learn the exclusive or at all: its
best answer is one half for every row. Both are shown here, then what works: a hidden layer.

    python examples/gradient_descent.py
"""

import numpy as np

import likewise as lw

F = lw.functional

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
EXCLUSIVE_OR = np.array([[0], [1], [1], [0]], dtype=np.float32)
WITH_ONES = np.c_[X, np.ones(4, dtype=np.float32)]  # the bias as a third input


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def cross_entropy(target, probability):
    return -np.mean(target * np.log(probability) + (1 - target) * np.log(1 - probability))


def squared_errors_of_the_wrong_sign(steps, rate=0.01):
    """The update as printed: the squared error before and after."""
    theta, y = np.zeros(3), EXCLUSIVE_OR.ravel()
    errors = []
    for _ in range(steps):
        errors.append(np.mean((y - WITH_ONES @ theta) ** 2))
        theta = theta - rate * WITH_ONES.T @ (y - WITH_ONES @ theta) / len(y)
    return errors


def linear_in_numpy(theta, steps, rate):
    """Logistic regression: p = sigmoid(X theta), and the gradient of cross-entropy is X^T (p - y) / m."""
    losses = []
    for _ in range(steps):
        probability = sigmoid(WITH_ONES @ theta)
        losses.append(cross_entropy(EXCLUSIVE_OR, probability))
        theta = theta - rate * WITH_ONES.T @ (probability - EXCLUSIVE_OR) / len(X)
    return theta, losses


def linear_in_tensors(theta, steps, rate):
    """The same, with the gradient from ``backward``."""
    theta = lw.Tensor(theta, requires_grad=True)
    optimizer = lw.optimizers.SGD(rate)
    losses = []
    for _ in range(steps):
        loss = F.binary_cross_entropy(F.matmul(WITH_ONES, theta), EXCLUSIVE_OR, from_logits=True)
        loss.backward()
        optimizer.step([theta])
        losses.append(float(loss))
    return np.asarray(theta), losses


def hidden_in_numpy(weights, steps, rate):
    """A hidden layer of tanh; the gradient goes back through it by the chain rule."""
    kernel, bias, out_kernel, out_bias = (weight.astype(np.float64) for weight in weights)
    losses = []
    for _ in range(steps):
        hidden = np.tanh(X @ kernel + bias)
        probability = sigmoid(hidden @ out_kernel + out_bias)
        losses.append(cross_entropy(EXCLUSIVE_OR, probability))
        dz = (probability - EXCLUSIVE_OR) / len(X)
        dhidden = dz @ out_kernel.T * (1 - hidden**2)
        out_kernel -= rate * hidden.T @ dz
        out_bias -= rate * dz.sum(axis=0)
        kernel -= rate * X.T @ dhidden
        bias -= rate * dhidden.sum(axis=0)
    return probability, losses


def hidden_in_tensors(weights, steps, rate):
    """The same in tensors."""
    parameters = [lw.Tensor(weight, requires_grad=True) for weight in weights]
    kernel, bias, out_kernel, out_bias = parameters
    optimizer = lw.optimizers.SGD(rate)
    losses = []
    for _ in range(steps):
        hidden = F.tanh(F.matmul(X, kernel) + bias)
        z = F.matmul(hidden, out_kernel) + out_bias
        loss = F.binary_cross_entropy(z, EXCLUSIVE_OR, from_logits=True)
        loss.backward()
        optimizer.step(parameters)
        losses.append(float(loss))
    return np.asarray(F.sigmoid(z)), losses


def hidden_as_network(weights, steps, rate):
    """The same as layers."""
    network = lw.nn.Sequential([lw.nn.Input(shape=(2,)), lw.nn.Dense(8, activation="tanh"), lw.nn.Dense(1)])
    network.set_weights(weights)
    network.compile(optimizer=lw.optimizers.SGD(rate), loss=lw.nn.losses.BinaryCrossentropy(from_logits=True))
    history = network.fit(X, EXCLUSIVE_OR, batch_size=4, epochs=steps, shuffle=False, verbose=0)
    return sigmoid(network.predict(X)), history.history["loss"]


def main():
    errors = squared_errors_of_the_wrong_sign(steps=1000)
    print(
        f"the update with the wrong sign: squared error {errors[0]:.3g} at the first step, {errors[-1]:.3g} at the last"
    )
    assert errors[-1] > errors[0]

    start = np.array([[1.0], [-1.0], [0.5]], dtype=np.float32)
    theta, by_hand = linear_in_numpy(start, steps=1000, rate=1.0)
    theta_of_tensors, by_tensors = linear_in_tensors(start, steps=1000, rate=1.0)
    np.testing.assert_allclose(by_tensors, by_hand, atol=1e-5)
    np.testing.assert_allclose(theta_of_tensors, theta, atol=1e-4)
    print(f"a linear model: cross-entropy {by_hand[0]:.3f} -> {by_hand[-1]:.3f} (log 2 = {np.log(2):.3f}),")
    print(f"  its answers {sigmoid(WITH_ONES @ theta).round(2).ravel()}: one half for every row, the best it can do")

    weights = lw.nn.Sequential([lw.nn.Input(shape=(2,)), lw.nn.Dense(8), lw.nn.Dense(1)]).get_weights()
    probability, by_hand = hidden_in_numpy(weights, steps=1000, rate=0.5)
    by_tensors = hidden_in_tensors(weights, steps=1000, rate=0.5)[1]
    by_network = hidden_as_network(weights, steps=1000, rate=0.5)[1]
    np.testing.assert_allclose(by_tensors, by_hand, atol=1e-4)
    np.testing.assert_allclose(by_network, by_hand, atol=1e-4)
    print(f"with a hidden layer: cross-entropy {by_hand[0]:.3f} -> {by_hand[-1]:.3f}, the same three ways,")
    print(f"  its answers {probability.round(2).ravel()}")
    assert ((probability > 0.5) == (EXCLUSIVE_OR > 0.5)).all()


if __name__ == "__main__":
    main()
