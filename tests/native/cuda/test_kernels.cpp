// Every kernel that has a CUDA version against the CPU's, on the same values.
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "cpp/backend/dispatch.h"
#include "cpp/core/random.h"
#include "tests/native/check.h"
#include "tests/native/cuda/device_array.h"

using namespace lw;
using test::DeviceArray;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN(),
                infinity = std::numeric_limits<float>::infinity();
constexpr i64 guard = 64;  // elements behind an output, which nothing may write

using Floats = std::vector<float>;

Floats uniform(i64 count, u64 seed, float scale) {  // uniform in -scale .. scale
  Floats values(static_cast<std::size_t>(count));
  for (i64 i = 0; i < count; ++i)
    values[static_cast<std::size_t>(i)] =
        scale * (static_cast<float>(philox(seed, 0, static_cast<u64>(i)).word[0]) * 0x1p-31f - 1.f);
  return values;
}

Floats poison(i64 count) { return Floats(static_cast<std::size_t>(count + guard), not_a_number); }

bool same_bits(const Floats& x, const Floats& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
}

bool is_poison(const Floats& values, i64 from) {
  const Floats fresh = poison(0);
  return std::memcmp(values.data() + from, fresh.data(), static_cast<std::size_t>(guard) * sizeof(float)) == 0;
}

// How far `got` is from `want` at most, relative to values beyond 1; not a number where only one side is.
double distance(const Floats& got, const Floats& want, i64 count) {
  double worst = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    if (got[i] == want[i] || (std::isnan(got[i]) && std::isnan(want[i]))) continue;
    const double error = std::abs(double{got[i]} - want[i]) / std::max(1., std::abs(double{want[i]}));
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

// From values `shift` floats off a boundary of 16 bytes.
void check_activation(Activation activation, const Floats& z, const Floats& dy, i64 shift = 0) {
  const KernelTable &cpu = kernels(Device::cpu), &cuda = kernels(Device::cuda);
  const float alpha = default_alpha(activation);
  const i64 size = static_cast<i64>(z.size()), count = size - shift;
  Floats y = poison(size), dz = poison(size);
  DeviceArray<float> device_z(z), device_dy(dy), device_y(y), device_dz(dz);

  cpu.activation_forward({activation, alpha, count, z.data() + shift, y.data() + shift});
  cuda.activation_forward({activation, alpha, count, device_z.get() + shift, device_y.get() + shift});
  const Floats got = device_y.back();
  CHECK_CLOSE(distance(got, y, size), 0., 2e-6);
  CHECK(is_poison(got, size));

  // From what the CPU kept, so that both gradients are of one value.
  const Floats& kept = needs_input(activation) ? z : y;
  DeviceArray<float> device_kept(kept);
  cpu.activation_backward({activation, alpha, count, kept.data() + shift, dy.data() + shift, dz.data() + shift});
  cuda.activation_backward(
      {activation, alpha, count, device_kept.get() + shift, device_dy.get() + shift, device_dz.get() + shift});
  const Floats gradient = device_dz.back();
  CHECK_CLOSE(distance(gradient, dz, size), 0., 2e-6);
  CHECK(is_poison(gradient, size));
}

constexpr Activation last = Activation::mish;

struct Rows {
  i64 table_rows, rows, dim;
  i64 shift = 0;  // floats by which table and output are off a boundary of 16 bytes
};

void check_gather(const Rows& shape) {
  const i64 table_size = shape.table_rows * shape.dim, out_size = shape.rows * shape.dim;
  const Floats table = uniform(shape.shift + table_size, 5, 1.f);
  std::vector<i64> ids;
  for (i64 r = 0; r < shape.rows; ++r)  // repeated often; the first and the last row of the table are among them
    ids.push_back(r == 0 ? shape.table_rows - 1 : philox(6, 0, static_cast<u64>(r)).word[0] % shape.table_rows);
  Floats out = poison(shape.shift + out_size);
  DeviceArray<float> device_table(table), device_out(out);
  DeviceArray<i64> device_ids(ids);
  const auto gather = [&](const KernelTable& table_of, const float* from, const i64* of, float* to) {
    table_of.gather({shape.rows, shape.dim, from + shape.shift, of, to + shape.shift});
  };
  gather(kernels(Device::cpu), table.data(), ids.data(), out.data());
  gather(kernels(Device::cuda), device_table.get(), device_ids.get(), device_out.get());
  CHECK(same_bits(device_out.back(), out));
}

}  // namespace

TEST(cuda_activations_equal_the_cpus) {
  for (int each = 0; each <= static_cast<int>(last); ++each)
    for (i64 count : {0, 1, 31, 32, 255, 256, 257, 1023, 1024, 1025, 100'003})
      check_activation(Activation(each), uniform(count, 1, 9.f), uniform(count, 2, 2.f));
  for (i64 shift : {1, 2, 3, 4})
    check_activation(Activation::tanh, uniform(1003, 1, 9.f), uniform(1003, 2, 2.f), shift);
}

TEST(cuda_activations_of_more_elements_than_the_grid_has_threads) {
  Floats z = uniform(100'003, 3, 9.f);
  z.resize(std::size_t{1 << 16} * 256 * 8 + 1027);
  for (std::size_t i = 100'003; i < z.size(); ++i) z[i] = z[i - 100'003];
  check_activation(Activation::relu, z, z);
}

TEST(cuda_activations_of_extreme_values_equal_the_cpus) {
  const Floats finite = {0.f, -0.f, 1e-40f, -1e-40f, 30.f, -30.f, 88.f, -88.f, 1e4f, -1e4f, not_a_number};
  Floats all = finite;
  all.insert(all.end(), {infinity, -infinity});
  for (int each = 0; each <= static_cast<int>(last); ++each) {
    // Where the slope is a function of z it holds infinity times zero at infinity, which is left open.
    const Floats& z = needs_input(Activation(each)) ? finite : all;
    check_activation(Activation(each), z, Floats(z.size(), 1.f));
  }
}

TEST(cuda_gathers_the_cpus_bits) {
  for (i64 dim : {1, 2, 3, 4, 5, 8, 12, 16, 31, 32, 33, 36, 50, 64, 100, 124, 128, 132, 257, 1024})
    for (i64 rows : {0, 1, 7, 1000, 9001}) check_gather({1009, rows, dim});
  for (i64 shift : {1, 2, 3, 4}) check_gather({1009, 1000, 64, shift});
  check_gather({1, 1000, 64});
  check_gather({50'000, (1 << 16) * 256 * 4 + 5, 1});  // a thread takes more than four rows
}

TEST(a_kernel_without_a_cuda_version_says_so) {
  std::string message;
  try {
    kernels(Device::cuda).gemm({});
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  CHECK(message == "gemm has no CUDA kernel");
}
