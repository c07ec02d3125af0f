#include <cstring>
#include <limits>
#include <vector>

#include "cpp/backend/dispatch.h"
#include "cpp/core/random.h"
#include "cpp/kernels/table.h"
#include "tests/native/check.h"

using namespace lw;

namespace {

// Buffers of exactly the size a kernel may touch, so that the sanitizers see a step beyond.
using Floats = std::vector<float>;

Floats drawn(i64 count, u64 seed) {
  Floats values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(philox(seed, 0, i).word[0]) * 0x1p-31f - 1.f;
  return values;
}
Floats unset(i64 count) { return Floats(static_cast<std::size_t>(count), std::numeric_limits<float>::quiet_NaN()); }

struct Sizes {
  i64 x, y, w;
};
Sizes sizes_of(const ConvShape& s) {
  return {s.batch * s.height * s.width * s.channels, s.batch * s.out_height * s.out_width * s.filters,
          s.kernel_height * s.kernel_width * (s.channels / s.groups) * s.filters};
}

// Calls use(place in x, place in w, place in y) for every product of the convolution.
template <typename Use>
void for_products(const ConvShape& s, const Use& use) {
  const i64 channels = s.channels / s.groups, filters = s.filters / s.groups;
  for (i64 n = 0; n < s.batch; ++n)
    for (i64 i = 0; i < s.out_height; ++i)
      for (i64 j = 0; j < s.out_width; ++j)
        for (i64 a = 0; a < s.kernel_height; ++a)
          for (i64 b = 0; b < s.kernel_width; ++b) {
            const i64 row = i * s.stride_height + a * s.dilation_height - s.pad_top;
            const i64 column = j * s.stride_width + b * s.dilation_width - s.pad_left;
            if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
            for (i64 f = 0; f < s.filters; ++f)
              for (i64 c = 0; c < channels; ++c)
                use(((n * s.height + row) * s.width + column) * s.channels + f / filters * channels + c,
                    ((a * s.kernel_width + b) * channels + c) * s.filters + f,
                    ((n * s.out_height + i) * s.out_width + j) * s.filters + f);
          }
}

double worst_difference(const Floats& got, const std::vector<double>& want) {
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(got[i] - want[i]) / std::max(1.0, std::abs(want[i]));
    worst = difference <= worst ? worst : difference;  // NaN stays
  }
  return worst;
}

void check_convolution(const ConvShape& s) {
  const Sizes size = sizes_of(s);
  const Floats x = drawn(size.x, 1), w = drawn(size.w, 2), dy = drawn(size.y, 3);
  std::vector<double> y_want(static_cast<std::size_t>(size.y)), dx_want(static_cast<std::size_t>(size.x)),
      dw_want(static_cast<std::size_t>(size.w)), dbias_want(static_cast<std::size_t>(s.filters));
  for (std::size_t i = 0; i < dy.size(); ++i) dbias_want[i % static_cast<std::size_t>(s.filters)] += dy[i];
  for_products(s, [&](i64 in, i64 weight, i64 out) {
    y_want[out] += double{x[in]} * w[weight];
    dx_want[in] += double{dy[out]} * w[weight];
    dw_want[weight] += double{dy[out]} * x[in];
  });
  Floats y = unset(size.y), dx = unset(size.x), dw = unset(size.w), dbias = unset(s.filters);
  const KernelTable& table = kernels(Device::cpu);
  table.conv_forward({s, x.data(), w.data(), nullptr, y.data(), Activation::linear});
  const ConvBackward all{s,         x.data(), w.data(),  Activation::linear, y.data(),
                         dy.data(), nullptr,  dx.data(), dw.data(),          dbias.data()};
  table.conv_backward(all);
  ConvBackward inputs = all;
  Floats dx_alone = unset(size.x);
  inputs.dx = dx_alone.data(), inputs.dw = inputs.dbias = nullptr;
  table.conv_backward(inputs);
  CHECK(dx_alone == dx);
  Floats so_far = drawn(size.x, 4), sum = dx;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += so_far[i];
  inputs.dx_so_far = inputs.dx = so_far.data();
  table.conv_backward(inputs);
  CHECK(so_far == sum);
  CHECK_CLOSE(worst_difference(y, y_want), 0., 2e-5);
  CHECK_CLOSE(worst_difference(dx, dx_want), 0., 2e-5);
  CHECK_CLOSE(worst_difference(dw, dw_want), 0., 2e-5);
  CHECK_CLOSE(worst_difference(dbias, dbias_want), 0., 2e-5);
}

// A convolution over so many places with this padding before and after.
ConvShape shaped(i64 batch, i64 height, i64 width, i64 channels, i64 filters, i64 kernel, i64 stride, i64 dilation,
                 i64 padding, i64 groups) {
  const auto out = [&](i64 size) { return (size + 2 * padding - (kernel - 1) * dilation - 1) / stride + 1; };
  return {batch,  height, width,  channels, out(height), out(width), filters, kernel,
          kernel, stride, stride, dilation, dilation,    padding,    padding, groups};
}

}  // namespace

TEST(convolution_agrees_with_float64_for_strides_dilations_and_padding) {
  for (i64 stride : {1, 2, 3})
    for (i64 dilation : {1, 2})
      for (i64 padding : {0, 1, 3})
        for (i64 channels : {1, 3, 17})
          check_convolution(shaped(3, 9, 8, channels, 5, 3, stride, dilation, padding, 1));
}

TEST(convolution_agrees_with_float64_around_tiles_and_panels) {
  for (i64 width : {3, 7, 13, 18})
    for (i64 filters : {1, 8, 15, 16, 33}) check_convolution(shaped(2, 5, width, 4, filters, 3, 1, 1, 1, 1));
}

TEST(convolution_agrees_with_float64_in_groups_and_depthwise) {
  for (i64 stride : {1, 2}) {
    check_convolution(shaped(2, 7, 6, 8, 12, 3, stride, 1, 1, 4));
    check_convolution(shaped(2, 7, 6, 17, 17, 3, stride, 2, 2, 17));
  }
  check_convolution(shaped(40, 6, 6, 8, 8, 2, 1, 1, 0, 1));  // more images than chunks of the weights' gradient
}

TEST(pools_pass_the_gradient_to_the_winner_and_to_all) {
  const PoolShape s = {2, 5, 7, 19, 3, 4, 2, 2, 2, 2, 0, 0};  // the outer pools are cut
  const i64 in = s.batch * s.height * s.width * s.channels, out = s.batch * s.out_height * s.out_width * s.channels;
  const Floats x = drawn(in, 4), ones(static_cast<std::size_t>(out), 1.f);
  Floats y = unset(out), winner = unset(out), most = unset(in), mean = unset(in);
  const KernelTable& table = kernels(Device::cpu);
  table.max_pool_forward({s, x.data(), y.data(), winner.data()});
  table.max_pool_backward({s, ones.data(), winner.data(), most.data()});
  table.average_pool_backward({s, ones.data(), mean.data()});
  double winners = 0, values = 0, shares = 0, sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) winners += most[i], values += most[i] * x[i], shares += mean[i];
  for (float value : y) sum += value;
  CHECK_CLOSE(winners, static_cast<double>(out), 1e-9);
  CHECK_CLOSE(values, sum, 1e-6);
  CHECK_CLOSE(shares, static_cast<double>(out), 1e-5);
}

// One operation does what three do after each other, and passes the gradient to the winners alone.
TEST(convolution_and_pool_in_one_go_agree_with_one_after_the_other) {
  const KernelTable& table = kernels(Device::cpu);
  for (i64 channels : {1, 2, 3, 17})
    for (i64 padding : {0, 1})
      for (i64 stride : {1, 2})
        for (i64 filters : {5, 16, 33}) {
          const ConvShape conv = shaped(5, 12, 11, channels, filters, 3, stride, 1, padding, 1);
          const i64 height = (conv.out_height + 1) / 2, width = (conv.out_width + 1) / 2;
          const PoolShape pool = {5, conv.out_height, conv.out_width, filters, height, width, 3, 2, 2, 2, 1, 0};
          const Sizes size = sizes_of(conv);
          const i64 cells = pool.batch * pool.out_height * pool.out_width * filters;
          const Floats x = drawn(size.x, 8), w = drawn(size.w, 9), bias = drawn(filters, 10), dy = drawn(cells, 11);
          Floats z = unset(size.y), want = unset(cells), want_winner = unset(cells);
          table.conv_forward({conv, x.data(), w.data(), bias.data(), z.data(), Activation::relu});
          table.max_pool_forward({pool, z.data(), want.data(), want_winner.data()});
          Floats y = unset(cells), winner = unset(cells);
          table.conv_pool_forward(
              {conv, pool, x.data(), w.data(), bias.data(), Activation::relu, y.data(), winner.data()});
          CHECK(y == want && winner == want_winner);
          table.conv_pool_forward({conv, pool, x.data(), w.data(), bias.data(), Activation::relu, y.data(), nullptr});
          CHECK(y == want);

          Floats dz = unset(size.y), dx = unset(size.x), dw = unset(size.w), dbias = unset(filters);
          table.max_pool_backward({pool, dy.data(), winner.data(), dz.data()});
          std::vector<double> dx_want(static_cast<std::size_t>(size.x)), dw_want(static_cast<std::size_t>(size.w)),
              dbias_want(static_cast<std::size_t>(filters));
          for (std::size_t i = 0; i < dz.size(); ++i) {
            dz[i] = z[i] > 0 ? dz[i] : 0;
            dbias_want[i % static_cast<std::size_t>(filters)] += dz[i];
          }
          for_products(conv, [&](i64 in, i64 weight, i64 out) {
            dx_want[in] += double{dz[out]} * w[weight];
            dw_want[weight] += double{dz[out]} * x[in];
          });
          table.conv_pool_backward({conv, pool, x.data(), w.data(), Activation::relu, y.data(), winner.data(),
                                    dy.data(), nullptr, dx.data(), dw.data(), dbias.data()});
          CHECK_CLOSE(worst_difference(dx, dx_want), 0., 2e-5);
          CHECK_CLOSE(worst_difference(dw, dw_want), 0., 2e-5);
          CHECK_CLOSE(worst_difference(dbias, dbias_want), 0., 2e-5);

          Floats so_far = drawn(size.x, 12), sum = unset(size.x);
          const ConvPoolBackward onto{conv,          pool,      x.data(),      w.data(),   Activation::relu, y.data(),
                                      winner.data(), dy.data(), so_far.data(), sum.data(), nullptr,          nullptr};
          table.conv_pool_backward(onto);
          for (std::size_t i = 0; i < so_far.size(); ++i) dx_want[i] += so_far[i];
          CHECK_CLOSE(worst_difference(sum, dx_want), 0., 2e-5);
          ConvPoolBackward in_place = onto;
          in_place.dx = so_far.data();
          table.conv_pool_backward(in_place);
          CHECK(so_far == sum);
        }
}

// Pools of 2 by 2 have a way of their own: what is not a number, infinite, or as great as its neighbours included.
TEST(convolution_and_pools_of_two_by_two_give_the_bits_of_one_after_the_other) {
  const KernelTable& table = kernels(Device::cpu);
  const float not_a_number = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  for (i64 channels : {1, 3, 16})
    for (i64 stride : {1, 2})
      for (i64 dilation : {1, 2})
        for (i64 filters : {1, 5, 16, 17, 32, 33, 80})
          for (Activation activation : {Activation::linear, Activation::relu, Activation::tanh}) {
            const ConvShape conv = shaped(3, 15, 37, channels, filters, 3, stride, dilation, 1, 1);
            const PoolShape pool = {
                3, conv.out_height, conv.out_width, filters, conv.out_height / 2, conv.out_width / 2, 2, 2, 2, 2, 0, 0};
            const Sizes size = sizes_of(conv);
            const i64 cells = pool.batch * pool.out_height * pool.out_width * filters;
            Floats x = drawn(size.x, 8);
            const Floats w = drawn(size.w, 9), bias = drawn(filters, 10);
            for (std::size_t i = 0; i < x.size() / 3; ++i) x[i] = 0;  // the first image: all are equal
            x[x.size() / 2] = not_a_number;
            x[x.size() - 1] = infinite;
            x[x.size() - 70] = -infinite;
            Floats z = unset(size.y), want = unset(cells), want_winner = unset(cells);
            table.conv_forward({conv, x.data(), w.data(), bias.data(), z.data(), activation});
            table.max_pool_forward({pool, z.data(), want.data(), want_winner.data()});
            Floats y = unset(cells), winner = unset(cells), alone = unset(cells);
            table.conv_pool_forward({conv, pool, x.data(), w.data(), bias.data(), activation, y.data(), winner.data()});
            table.conv_pool_forward({conv, pool, x.data(), w.data(), bias.data(), activation, alone.data(), nullptr});
            CHECK(std::memcmp(y.data(), want.data(), 4 * y.size()) == 0);
            CHECK(std::memcmp(alone.data(), want.data(), 4 * y.size()) == 0);
            CHECK(winner == want_winner);
          }
}

TEST(batch_normalisation_centres_and_its_gradient_sums_to_zero) {
  const i64 rows = 1001, n = 19;
  const Floats x = drawn(rows * n, 5), dy = drawn(rows * n, 6), gamma = drawn(n, 7);
  Floats y = unset(rows * n), mean = unset(n), variance = unset(n), dx = unset(rows * n), dgamma = unset(n),
         dbeta = unset(n);
  const KernelTable& table = kernels(Device::cpu);
  table.batch_norm_forward({rows, n, 1e-3f, x.data(), gamma.data(), nullptr, y.data(), mean.data(), variance.data()});
  table.batch_norm_backward({rows, n, 1e-3f, x.data(), gamma.data(), mean.data(), variance.data(), dy.data(), dx.data(),
                             dgamma.data(), dbeta.data()});
  for (i64 j = 0; j < n; ++j) {
    double sum = 0, gradient = 0, beta = 0;
    for (i64 row = 0; row < rows; ++row) sum += y[row * n + j], gradient += dx[row * n + j], beta += dy[row * n + j];
    CHECK_CLOSE(sum / rows, 0., 1e-6);
    CHECK_CLOSE(gradient / rows, 0., 1e-6);
    CHECK_CLOSE(dbeta[j], beta, 1e-4);
  }
}
