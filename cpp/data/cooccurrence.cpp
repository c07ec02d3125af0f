#include "cpp/data/cooccurrence.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "cpp/core/parallel.h"

namespace lw {
namespace {

constexpr i64 items_per_task = 8;
constexpr i64 tile = 64;

// counts[j] += 1 for every user of `item` and every item j of that user.
template <typename Count>
void count_row(const Occurrences& x, i64 item, bool lower_only, Count* counts) {
  for (i64 at = x.item_indptr[item]; at < x.item_indptr[item + 1]; ++at) {
    const i64 user = x.item_users[at];
    for (i64 place = x.user_indptr[user]; place < x.user_indptr[user + 1]; ++place) {
      const i32 other = x.user_items[place];
      if (lower_only && other > item) break;
      counts[other] += 1;
    }
  }
}

float similarity_of(Similarity similarity, double both, double one, double other, double shrinkage) {
  const double size = similarity == Similarity::cosine ? std::sqrt(one * other) : one + other - both;
  return static_cast<float>(both / (size + shrinkage));
}

}  // namespace

UsersOfItems transposed(i64 users, i64 items, const i64* user_indptr, const i32* user_items) {
  UsersOfItems result;
  result.indptr.assign(static_cast<std::size_t>(items) + 1, 0);
  result.users.resize(static_cast<std::size_t>(user_indptr[users]));
  for (i64 at = 0; at < user_indptr[users]; ++at) ++result.indptr[user_items[at] + 1];
  for (i64 item = 0; item < items; ++item) result.indptr[item + 1] += result.indptr[item];
  std::vector<i64> next(result.indptr.begin(), result.indptr.end() - 1);
  for (i64 user = 0; user < users; ++user)
    for (i64 at = user_indptr[user]; at < user_indptr[user + 1]; ++at)
      result.users[next[user_items[at]]++] = static_cast<i32>(user);
  return result;
}

void gram(const Occurrences& x, float l2, float* matrix) {
  parallel_for(x.items, items_per_task, [&](i64 begin, i64 end) {
    for (i64 item = begin; item < end; ++item) {
      float* row = matrix + item * x.items;
      std::fill_n(row, x.items, 0.f);
      count_row(x, item, true, row);
      row[item] += l2;
    }
  });
}

void ease_weights(float* matrix, i64 items) {
  std::vector<float> scale(static_cast<std::size_t>(items));
  for (i64 j = 0; j < items; ++j) scale[j] = -1.f / matrix[j * items + j];
  // Tile (I, J) below the diagonal and its mirror image, in one go.
  const i64 tiles = (items + tile - 1) / tile;
  parallel_for(tiles, 1, [&](i64 begin, i64 end) {
    for (i64 row_tile = begin; row_tile < end; ++row_tile)
      for (i64 column_tile = 0; column_tile <= row_tile; ++column_tile)
        for (i64 i = row_tile * tile; i < std::min(items, (row_tile + 1) * tile); ++i)
          for (i64 j = column_tile * tile; j < std::min(i, (column_tile + 1) * tile); ++j) {
            const float value = matrix[i * items + j];
            matrix[i * items + j] = value * scale[j];
            matrix[j * items + i] = value * scale[i];
          }
  });
  for (i64 j = 0; j < items; ++j) matrix[j * items + j] = 0.f;
}

void item_neighbours(const Occurrences& x, Similarity similarity, float shrinkage, i64 k, i32* neighbours,
                     float* weights) {
  const auto users_of = [&](i64 item) { return static_cast<double>(x.item_indptr[item + 1] - x.item_indptr[item]); };
  parallel_for(x.items, items_per_task, [&](i64 begin, i64 end) {
    std::vector<i32> counts(static_cast<std::size_t>(x.items), 0);
    std::vector<std::pair<float, i32>> others;  // minus the similarity, item: ascending is best first
    for (i64 item = begin; item < end; ++item) {
      count_row(x, item, false, counts.data());
      others.clear();
      for (i64 other = 0; other < x.items; ++other) {
        if (counts[other] > 0 && other != item)
          others.emplace_back(-similarity_of(similarity, counts[other], users_of(item), users_of(other), shrinkage),
                              static_cast<i32>(other));
        counts[other] = 0;
      }
      const i64 found = std::min<i64>(k, static_cast<i64>(others.size()));
      std::partial_sort(others.begin(), others.begin() + found, others.end());
      for (i64 place = 0; place < k; ++place) {
        neighbours[item * k + place] = place < found ? others[place].second : -1;
        weights[item * k + place] = place < found ? -others[place].first : 0.f;
      }
    }
  });
}

void sum_sparse_rows(const SparseRows& matrix, i64 rows, const i64* indptr, const i32* columns, float* out) {
  parallel_for(rows, 4, [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      float* sums = out + row * matrix.items;
      std::fill_n(sums, matrix.items, 0.f);
      for (i64 at = indptr[row]; at < indptr[row + 1]; ++at)
        for (i64 place = matrix.indptr[columns[at]]; place < matrix.indptr[columns[at] + 1]; ++place)
          sums[matrix.columns[place]] += matrix.weights[place];
    }
  });
}

}  // namespace lw
