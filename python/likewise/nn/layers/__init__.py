"""Layers, a file per family."""

from likewise.nn.layers.activation import Activation, ReLU, Softmax
from likewise.nn.layers.attention import MultiHeadAttention
from likewise.nn.layers.convolution import Conv1D, Conv2D
from likewise.nn.layers.dense import Dense
from likewise.nn.layers.dropout import Dropout, GaussianNoise, SpatialDropout1D, SpatialDropout2D
from likewise.nn.layers.embedding import Embedding
from likewise.nn.layers.merging import Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract
from likewise.nn.layers.normalization import BatchNormalization, LayerNormalization
from likewise.nn.layers.padding import UpSampling1D, UpSampling2D, ZeroPadding1D, ZeroPadding2D
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
from likewise.nn.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from likewise.nn.layers.separable import DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D
from likewise.nn.layers.sequences import Bidirectional, Masking, TimeDistributed

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "Add",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "LayerNormalization",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "Permute",
    "ReLU",
    "RepeatVector",
    "Reshape",
    "SeparableConv1D",
    "SeparableConv2D",
    "SimpleRNN",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "Subtract",
    "TimeDistributed",
    "UpSampling1D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
]
