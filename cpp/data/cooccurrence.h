// How often items stand in the same histories, and what item-based models make of it.
#pragma once

#include <vector>

#include "cpp/core/types.h"

namespace lw {

// A 0/1 matrix users x items in both orders; each list ascends strictly.
struct Occurrences {
  i64 users, items;
  const i64* user_indptr;  // [users + 1]
  const i32* user_items;
  const i64* item_indptr;  // [items + 1]
  const i32* item_users;
};

// The users of each item, from the items of each user.
struct UsersOfItems {
  std::vector<i64> indptr;
  std::vector<i32> users;
};
UsersOfItems transposed(i64 users, i64 items, const i64* user_indptr, const i32* user_items);

// The lower triangle of X'X + l2 I, [items, items]; above the diagonal are zeros.
void gram(const Occurrences& x, float l2, float* matrix);

// From the lower triangle of minus the inverse, A, to the weights of EASE: B_ij = -A_ij / A_jj, B_jj = 0.
void ease_weights(float* matrix, i64 items);

enum class Similarity : u8 { cosine, jaccard };

// For each item the k others most alike, the best first: neighbours [items, k], -1 where there are no more; weights
// [items, k]. With c_ij users of both and c_i of one:
//   cosine: c_ij / (sqrt(c_i c_j) + shrinkage)    jaccard: c_ij / (c_i + c_j - c_ij + shrinkage)
void item_neighbours(const Occurrences& x, Similarity similarity, float shrinkage, i64 k, i32* neighbours,
                     float* weights);

// out [rows, items]: for each row the sum over its columns j of the sparse matrix's row j, in order.
struct SparseRows {
  i64 items;
  const i64* indptr;
  const i32* columns;
  const float* weights;
};
void sum_sparse_rows(const SparseRows& matrix, i64 rows, const i64* indptr, const i32* columns, float* out);

}  // namespace lw
