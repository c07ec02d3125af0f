"""An epoch of the article's network over some images as large as MNIST's, with all that ``fit`` does beside."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from bench.peers.conv import CNN, network_flops, torch_cnn
from bench.timing import Work
from torch.nn import functional

from likewise import nn, optimizers

IMAGES, BATCH = 3_840, 128
SHAPE = (28, 1, 32, 64, 128)  # rows and columns, channels, filters, hidden units


class Network(CNN):
    """With the loss it is compiled with."""

    loss = nn.Model.loss


def works(threads: int) -> Iterator[Work]:
    """Shuffled batches, Adam; the peer with channels first and last."""
    torch.manual_seed(0)
    size, channels, *layers = SHAPE
    images, labels = torch.randn(IMAGES, size, size, channels), torch.randint(10, (IMAGES,))
    ours = Network(*layers)
    ours.compile(optimizers.Adam(0.001), nn.losses.SparseCategoricalCrossentropy(from_logits=True))

    def epoch() -> None:
        ours.fit(images.numpy(), labels.numpy(), batch_size=BATCH, epochs=1, verbose=0)

    _, flops = network_flops(BATCH, *SHAPE)
    for layout in ("channels first", "channels last"):
        form = torch.contiguous_format if layout == "channels first" else torch.channels_last
        peer = torch_cnn(*SHAPE).to(memory_format=form)
        theirs = torch.optim.Adam(peer.parameters(), lr=0.001, fused=True)

        def peer_epoch(
            peer: torch.nn.Module = peer,
            form: torch.memory_format = form,
            theirs: torch.optim.Optimizer = theirs,
        ) -> None:
            for chosen in torch.randperm(IMAGES).split(BATCH):
                given = images[chosen].permute(0, 3, 1, 2).contiguous(memory_format=form)
                theirs.zero_grad()
                functional.cross_entropy(peer(given), labels[chosen]).backward()
                theirs.step()

        yield Work(
            f"epoch of the article's network, {IMAGES:,} images of {size} x {size}; {layout}",
            epoch,
            peer_epoch,
            flops * IMAGES / BATCH,
        )
