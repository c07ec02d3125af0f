"""Layers, a file per family."""

from likewise.nn.layers.activation import Activation, ReLU, Softmax
from likewise.nn.layers.convolution import Conv1D, Conv2D
from likewise.nn.layers.dense import Dense
from likewise.nn.layers.dropout import Dropout
from likewise.nn.layers.embedding import Embedding
from likewise.nn.layers.normalization import BatchNormalization, LayerNormalization
from likewise.nn.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)
from likewise.nn.layers.recurrent import GRU, LSTM, SimpleRNN
from likewise.nn.layers.reshaping import Flatten, Reshape
from likewise.nn.layers.sequences import Bidirectional, Masking, TimeDistributed

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchNormalization",
    "Bidirectional",
    "Conv1D",
    "Conv2D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "LayerNormalization",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "ReLU",
    "Reshape",
    "SimpleRNN",
    "Softmax",
    "TimeDistributed",
]
